//! Files that `.gitignore` names and git tracks all the same, since somebody added them by force: they are
//! part of the repository, and an ignore file beside them hides nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Those below a directory. None outside of a repository, and where git is not installed or refuses to
/// read it.
pub(super) fn although_ignored(directory: &Path) -> Vec<PathBuf> {
    let is_inside = directory
        .canonicalize()
        .is_ok_and(|full| full.ancestors().any(|above| above.join(".git").exists()));
    if !is_inside {
        return Vec::new();
    }
    let mut git = Command::new("git");
    // A program that the repository names for watching files is not run.
    git.args(["-c", "core.fsmonitor=false", "-C"]).arg(directory);
    git.args(["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"]);
    let Ok(output) = git.stdin(Stdio::null()).stderr(Stdio::null()).output() else {
        return Vec::new();
    };
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let files = names.map(|name| directory.join(OsStr::from_bytes(name)));
    // What the index has may be gone from the disk.
    files.filter(|file| file.is_file()).collect()
}
