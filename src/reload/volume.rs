//! Reads a mounted ConfigMap as one consistent whole.
//!
//! The kubelet writes all keys into a new directory and then points the link `..data` to it. That
//! link is resolved once for all keys, so that no two of them come from different edits. A plain
//! directory and a single file are read too, for use without a cluster. The content is not
//! interpreted here.
//!
//! Source: `pkg/volume/util/atomic_writer.go` of Kubernetes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::files::read_regular;
use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY, SIMPLE_KEYS};

/// The largest size of all keys together, in bytes. The API server accepts at most 1 MiB in a
/// ConfigMap.
const LARGEST: u64 = 4 << 20;
/// The most keys in a volume.
const MOST_KEYS: usize = 1_000;
/// Attempts to read while the writer replaces the content.
const ATTEMPTS: usize = 5;

/// Why a volume cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// There is nothing at the path.
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// The system reported an error.
    #[error("cannot read `{}`: {error}", .path.display())]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The content is larger than a ConfigMap can be.
    #[error("`{}` holds more than {LARGEST} bytes or {MOST_KEYS} files", .0.display())]
    TooLarge(PathBuf),
}

/// Reads every key of the volume at `path`, from file name to bytes. A single file counts as the
/// key `policy.yaml`. Hidden files, backups of editors and subdirectories are skipped, unless a
/// subdirectory has the name of a key.
///
/// # Errors
/// When the path does not exist, the system reports an error, the content is larger than 4 MiB, or
/// a key is not a regular file; such a file is not opened.
pub fn read_volume(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, VolumeError> {
    let mut result = read_once(path);
    for _ in 1..ATTEMPTS {
        // The directory that `..data` pointed to is removed once the link points elsewhere.
        match result {
            Err(VolumeError::Missing(_)) if path.exists() => result = read_once(path),
            _ => break,
        }
    }
    result
}

fn read_once(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, VolumeError> {
    let failed = |error| unreadable(path, error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        let mut left = LARGEST;
        let bytes = read_file(path, &mut left)?;
        return Ok(BTreeMap::from([(POLICY_KEY.to_owned(), bytes)]));
    }
    let data = path.join("..data");
    let directory = match fs::symlink_metadata(&data) {
        Ok(_) => fs::canonicalize(&data).map_err(|error| unreadable(&data, error))?,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(unreadable(&data, error)),
    };
    read_directory(&directory)
}

fn read_directory(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, VolumeError> {
    let failed = |error| unreadable(directory, error);
    let mut left = LARGEST;
    let mut keys = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = entry.path();
        let is_directory = fs::metadata(&path).map_err(|error| unreadable(&path, error))?.is_dir();
        if is_directory && !is_named_like_a_key(&name) {
            continue;
        }
        if keys.len() == MOST_KEYS {
            return Err(VolumeError::TooLarge(directory.to_owned()));
        }
        keys.insert(name, read_file(&path, &mut left)?);
    }
    Ok(keys)
}

/// A directory with such a name was meant as the key, and leaving it out would change the policy.
fn is_named_like_a_key(name: &str) -> bool {
    [POLICY_KEY, CANDIDATE_KEY].contains(&name) || SIMPLE_KEYS.contains(&name)
}

fn read_file(path: &Path, left: &mut u64) -> Result<Vec<u8>, VolumeError> {
    let bytes = read_regular(path, *left).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => VolumeError::TooLarge(path.to_owned()),
        _ => unreadable(path, error),
    })?;
    *left = left.saturating_sub(bytes.len() as u64);
    Ok(bytes)
}

fn unreadable(path: &Path, error: io::Error) -> VolumeError {
    if error.kind() == ErrorKind::NotFound {
        VolumeError::Missing(path.to_owned())
    } else {
        VolumeError::Unreadable { path: path.to_owned(), error }
    }
}
