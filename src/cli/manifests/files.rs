//! Which files are read: those that were named, and the manifests below a directory.
//!
//! A directory is walked as git sees it, in the order of names, through links, and each directory
//! once: links that lead round in a circle end, and cost nothing.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::tracked;
use crate::cli::located::STDIN;
use imagegate_check::cannot_read;

/// The extensions of manifests, in any case.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Which files below a directory are read.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Selection {
    /// Read only files that match this glob, below a directory; can be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Skip files and directories that match this glob; can be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Also read files that `.gitignore` excludes
    #[arg(long)]
    no_ignore: bool,
}

/// Something to read.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Input {
    pub(super) path: PathBuf,
    /// Whether the user named it, or it was found below a directory.
    pub(super) is_named: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(in crate::cli) struct Inputs {
    pub(in crate::cli) files: Vec<Input>,
    /// Files that are not regular.
    pub(in crate::cli) skipped: usize,
    /// What cannot be read, with the reason.
    pub(in crate::cli) problems: Vec<(PathBuf, String)>,
}

impl Input {
    /// The path as it is shown.
    pub(in crate::cli) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> io::Result<Box<dyn io::Read>> {
        if self.path == Path::new(STDIN) {
            return Ok(Box::new(io::stdin()));
        }
        if self.is_named {
            // A shell's `<(…)` is a FIFO that somebody writes into.
            return Ok(Box::new(File::open(&self.path)?));
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(Box::new(file))
    }
}

impl Selection {
    /// Everything to read at a path, which is a file, a directory, or `-`.
    pub(in crate::cli) fn inputs(&self, path: &Path, found: &mut Inputs) -> Result<()> {
        if path == Path::new(STDIN) {
            found.files.push(Input { path: path.to_owned(), is_named: true });
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.directory(path, found),
            Ok(_) => {
                found.files.push(Input { path: path.to_owned(), is_named: true });
                Ok(())
            }
            Err(error) => {
                found.problems.push((path.to_owned(), cannot_read(&error)));
                Ok(())
            }
        }
    }

    fn directory(&self, path: &Path, found: &mut Inputs) -> Result<()> {
        let globs = self.globs(path)?;
        let before = found.files.len();
        let seen = Mutex::new(HashSet::new());
        let walk = WalkBuilder::new(path)
            .hidden(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(false)
            .git_ignore(!self.no_ignore)
            .require_git(false)
            .parents(!self.no_ignore)
            .follow_links(true)
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .overrides(globs.clone())
            .filter_entry(move |entry| is_new(entry, &seen))
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => take(entry, found),
                Err(error) => failed(path, &error, found),
            }
        }
        if !self.no_ignore {
            let kept = tracked::although_ignored(path)
                .into_iter()
                .filter(|file| is_manifest(file) && !is_excluded(&globs, path, file));
            found.files.extend(kept.map(|path| Input { path, is_named: false }));
            // In the order of the walk.
            let of_directory = found.files.get_mut(before..).unwrap_or_default();
            of_directory.sort_by(|one, other| one.path.cmp(&other.path));
        }
        Ok(())
    }

    /// `--include` and `--exclude` as one list, in which the last that matches wins.
    fn globs(&self, root: &Path) -> Result<Override> {
        let mut globs = OverrideBuilder::new(root);
        for glob in &self.include {
            globs.add(glob).with_context(|| format!("--include {glob}: not a glob"))?;
        }
        for glob in &self.exclude {
            globs
                .add(&format!("!{glob}"))
                .with_context(|| format!("--exclude {glob}: not a glob"))?;
        }
        Ok(globs.build()?)
    }
}

fn take(entry: DirEntry, found: &mut Inputs) {
    let Some(kind) = entry.file_type() else { return };
    if kind.is_dir() || !is_manifest(entry.path()) {
        return;
    }
    if kind.is_file() {
        found.files.push(Input { path: entry.into_path(), is_named: false });
    } else if kind.is_symlink() {
        let why = "the link leads nowhere".to_owned();
        found.problems.push((entry.into_path(), why));
    } else if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device()
    {
        found.skipped += 1;
    }
}

/// By its extension.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(std::ffi::OsStr::to_str);
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

/// Whether the globs leave a file out, or a directory that it is in.
fn is_excluded(globs: &Override, root: &Path, file: &Path) -> bool {
    let above = file.ancestors().skip(1).take_while(|directory| *directory != root);
    globs.matched(file, false).is_ignore()
        || above.into_iter().any(|directory| globs.matched(directory, true).is_ignore())
}

/// Something below a directory cannot be read. A link that leads back to where it stands is not
/// worth a word.
fn failed(root: &Path, error: &ignore::Error, found: &mut Inputs) {
    let (path, error) = with_path(error);
    if matches!(error, ignore::Error::Loop { .. }) {
        return;
    }
    let path = path.unwrap_or(root).to_owned();
    // The walk's own words name the path once more.
    let why = match fs::metadata(&path).err() {
        // A link to itself, which the system finds.
        Some(system) if system.raw_os_error() == Some(libc::ELOOP) => return,
        Some(system) if system.kind() == io::ErrorKind::NotFound => {
            // A broken link of another kind of file is nobody's manifest.
            let name = path.to_string_lossy().to_lowercase();
            if !EXTENSIONS.iter().any(|extension| name.ends_with(&format!(".{extension}"))) {
                return;
            }
            "the link leads nowhere".to_owned()
        }
        Some(system) => cannot_read(&system),
        None => match error.io_error() {
            Some(io) => cannot_read(io),
            None => error.to_string(),
        },
    };
    found.problems.push((path, why));
}

fn with_path(error: &ignore::Error) -> (Option<&Path>, &ignore::Error) {
    match error {
        ignore::Error::WithPath { path, err } => (Some(path), with_path(err).1),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            with_path(err)
        }
        error => (None, error),
    }
}

/// Whether a directory has not been walked yet, by whatever path; git's own is none of manifests.
fn is_new(entry: &DirEntry, seen: &Mutex<HashSet<(u64, u64)>>) -> bool {
    if !entry.path().is_dir() {
        return true;
    }
    if entry.depth() > 0 && entry.file_name() == ".git" {
        return false;
    }
    let Ok(metadata) = fs::metadata(entry.path()) else { return true };
    let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    seen.insert((metadata.dev(), metadata.ino()))
}
