//! The policies below a directory: `policy.yaml`, `candidate.yaml`, and manifests of a ConfigMap that
//! holds one of them.
//!
//! As git sees the directory. What is a link is found and not followed, so that nothing is found twice.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ignore::WalkBuilder;

use super::LARGEST;
use super::text;
use crate::files;
use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY};

/// The files of a directory that hold a policy in full form, sorted.
///
/// # Errors
/// If some of it cannot be read.
pub(super) fn policies(directory: &Path) -> Result<Vec<PathBuf>> {
    let walk = WalkBuilder::new(directory).require_git(false).sort_by_file_name(OsStr::cmp).build();
    let mut found = Vec::new();
    for entry in walk {
        let entry = entry.with_context(|| format!("cannot read `{}`", directory.display()))?;
        if entry.file_type().is_some_and(|kind| !kind.is_dir()) && is_policy(entry.path()) {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

fn is_policy(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name == POLICY_KEY || name == CANDIDATE_KEY);
    let extension = path.extension().and_then(OsStr::to_str);
    if !named && !extension.is_some_and(|extension| ["yaml", "yml"].contains(&extension)) {
        return false;
    }
    // What cannot be read is of interest by its name alone.
    let Ok(bytes) = files::read_regular(path, LARGEST) else { return named };
    let Ok(content) = std::str::from_utf8(&bytes) else { return named };
    let has = |word: &str| content.contains(word);
    if has("kind:") && has("apiVersion:") {
        // Other objects are called so too, such as the policies of other engines.
        return (has(POLICY_KEY) || has(CANDIDATE_KEY)) && text::is_manifest(content);
    }
    named
}
