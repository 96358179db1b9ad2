//! A file with another content, in one step: whoever reads it finds the old or the new, and after a
//! crash one of them is there.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Component, Path};

use anyhow::{Context as _, Result, bail};
use tempfile::Builder;

use super::super::located::STDIN;
use super::LARGEST;
use crate::files;

/// Replaces the content of a file that holds `before`. Its permissions and its owner stay.
///
/// # Errors
/// If it is a link or stands in a volume of the kubelet, which writes it again; if it holds
/// something else by now; or if it cannot be written, and then it is as it was.
pub(super) fn file(path: &Path, before: &str, after: &str) -> Result<()> {
    if path == Path::new(STDIN) {
        bail!("it is standard input\n  hint: without `--write` the result is printed");
    }
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() || is_in_a_volume(&path.canonicalize()?) {
        let hint =
            "name the file that it leads to; of a ConfigMap that is mounted, format the manifest";
        bail!("it is a link, or a file in a mounted volume\n  hint: {hint}");
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut new = Builder::new()
        .prefix(".imagegate-fmt-")
        .tempfile_in(directory.unwrap_or(Path::new(".")))
        .context("no file can be made beside it")?;
    new.write_all(after.as_bytes())?;
    let made = new.as_file().metadata()?;
    if (made.uid(), made.gid()) != (metadata.uid(), metadata.gid()) {
        chown(new.path(), Some(metadata.uid()), Some(metadata.gid()))
            .context("its owner cannot be kept")?;
    }
    // After the owner, since a change of that takes away some of them.
    new.as_file().set_permissions(metadata.permissions())?;
    new.as_file().sync_all()?;
    if files::read_regular(path, LARGEST)? != before.as_bytes() {
        bail!("it was changed meanwhile\n  hint: run the command again");
    }
    new.persist(path)?;
    Ok(())
}

/// Whether the kubelet keeps the file: below directories that are called by a time, behind two dots.
fn is_in_a_volume(path: &Path) -> bool {
    let is_versioned = |name: &OsStr| name.as_bytes().starts_with(b"..");
    path.components().any(|part| matches!(part, Component::Normal(name) if is_versioned(name)))
}
