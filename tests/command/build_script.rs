//! What `build.rs` finds out about the commit and the date, in a repository and out of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::command::imagegate;
use tempfile::TempDir;

/// `build.rs`, compiled, and a place to run it.
struct Script {
    directory: TempDir,
    binary: PathBuf,
}

impl Script {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let binary = directory.path().join("build-script");
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition=2024", "build.rs", "-o"]).arg(&binary);
        assert!(rustc.status().unwrap().success());
        fs::create_dir(directory.path().join("tree")).unwrap();
        Self { directory, binary }
    }

    fn tree(&self) -> PathBuf {
        self.directory.path().join("tree")
    }

    fn run(&self, tree: &Path, profile: &str, variables: &[(&str, &str)]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut script = Command::new(&self.binary);
        let script = script.current_dir(tree).env_clear().env("PATH", path).env("PROFILE", profile);
        script.envs(variables.iter().copied()).output().unwrap()
    }

    /// The commit and the seconds that the script passes on.
    fn found(&self, tree: &Path, profile: &str, variables: &[(&str, &str)]) -> (String, String) {
        let output = self.run(tree, profile, variables);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let value = |name: &str| {
            let start = format!("cargo:rustc-env={name}=");
            text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
        };
        (value("BUILD_COMMIT"), value("BUILD_SECONDS"))
    }
}

fn git(tree: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    git.args(["-c", "commit.gpgSign=false"]).args(arguments);
    let output = git
        .current_dir(tree)
        .env("GIT_AUTHOR_DATE", "1700000000 +0000")
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn pair(commit: &str, seconds: &str) -> (String, String) {
    (commit.to_owned(), seconds.to_owned())
}

#[test]
fn without_git_the_variables_say_it_or_it_is_unknown() {
    let script = Script::new();
    let tree = script.tree();
    assert_eq!(script.found(&tree, "release", &[]), pair("unknown", ""));
    let said = [("IMAGEGATE_COMMIT", "abc123"), ("SOURCE_DATE_EPOCH", "1600000000")];
    for profile in ["debug", "release"] {
        assert_eq!(script.found(&tree, profile, &said), pair("abc123", "1600000000"));
    }
    let empty = [("IMAGEGATE_COMMIT", ""), ("SOURCE_DATE_EPOCH", "")];
    assert_eq!(script.found(&tree, "release", &empty), pair("unknown", ""));
    for wrong in [("IMAGEGATE_COMMIT", "a\nb"), ("SOURCE_DATE_EPOCH", "today")] {
        let output = script.run(&tree, "release", &[wrong]);
        assert!(!output.status.success(), "{wrong:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(wrong.0));
    }
}

#[test]
fn in_a_repository_a_release_build_has_its_commit() {
    let script = Script::new();
    let tree = script.tree();
    git(&tree, &["init", "--quiet"]);
    fs::write(tree.join("Cargo.toml"), "").unwrap();
    git(&tree, &["add", "Cargo.toml"]);
    git(&tree, &["commit", "--quiet", "--message", "first"]);
    let (commit, seconds) = script.found(&tree, "release", &[]);
    assert_eq!((commit.len(), seconds.as_str()), (40, "1700000000"));
    let said = [("SOURCE_DATE_EPOCH", "1600000000")];
    assert_eq!(script.found(&tree, "release", &said), pair(&commit, "1600000000"));
    assert_eq!(script.found(&tree, "debug", &[]), pair("unknown", ""));

    let inside = tree.join("archive");
    fs::create_dir(&inside).unwrap();
    assert_eq!(script.found(&inside, "release", &[]), pair("unknown", ""));

    fs::write(tree.join("Cargo.toml"), "changed").unwrap();
    assert_eq!(script.found(&tree, "release", &[]), pair(&format!("{commit}-dirty"), &seconds));
}

#[test]
fn the_version_is_printed_with_commit_and_date() {
    let ran = imagegate("--version");
    let expected = format!("imagegate {} (commit ", env!("CARGO_PKG_VERSION"));
    assert!(ran.out.starts_with(&expected), "{}", ran.out);
    assert!(ran.out.contains(", built ") && ran.out.ends_with(")\n"), "{}", ran.out);
}
