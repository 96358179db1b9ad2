//! Which commit the binary is built from, and when, for `--version` and `imagegate_build_info`.
//!
//! - commit: `IMAGEGATE_COMMIT`, else what git says of this directory, with `-dirty` where tracked
//!   files were changed;
//! - date: `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>), else the
//!   commit's date. Never the clock, so that two builds of one commit are the same bytes.
//!
//! Without a variable and without git, as in an unpacked archive, both are unknown. Debug builds do
//! not ask git: each commit would have everything compiled again.

use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=IMAGEGATE_COMMIT");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let (commit, date) = (variable("IMAGEGATE_COMMIT"), variable("SOURCE_DATE_EPOCH"));
    // Who asks git has the build done again whenever git has written anything.
    let is_known = commit.is_some() && date.is_some();
    let is_release = variable("PROFILE").as_deref() == Some("release");
    let git = if is_release && !is_known { of_git() } else { None };
    let (head, committed) = git.unzip();
    let commit = commit.or(head).unwrap_or_else(|| "unknown".to_owned());
    if !commit.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("IMAGEGATE_COMMIT is not a commit: {commit:?}").into());
    }
    let date = date.or(committed);
    if let Some(date) = &date
        && date.parse::<u32>().is_err()
    {
        return Err(format!("SOURCE_DATE_EPOCH is not a number of seconds: {date:?}").into());
    }
    println!("cargo:rustc-env=BUILD_COMMIT={commit}");
    println!("cargo:rustc-env=BUILD_SECONDS={}", date.unwrap_or_default());
    Ok(())
}

/// The commit of the repository whose root is this directory, and its date in Unix seconds. An
/// archive that was unpacked inside another repository has no commit.
fn of_git() -> Option<(String, String)> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != Path::new(".").canonicalize().ok()? {
        return None;
    }
    // Whatever changes the answer: a commit, a checkout, an edit.
    for file in ["HEAD", "index", "logs/HEAD"] {
        println!("cargo:rerun-if-changed={}", git(&["rev-parse", "--git-path", file])?);
    }
    for source in ["Cargo.lock", "Cargo.toml", "config", "crates", "src"] {
        if Path::new(source).exists() {
            println!("cargo:rerun-if-changed={source}");
        }
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let commit = if changes.is_empty() { commit } else { format!("{commit}-dirty") };
    Some((commit, git(&["log", "-1", "--format=%ct"])?))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
