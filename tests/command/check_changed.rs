//! `imagegate check --changed-since`: a branch answers for what it adds.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::command::{Ran, imagegate_with};

/// A Pod of this name with these images.
fn pod(name: &str, images: &[&str]) -> String {
    let containers: Vec<_> =
        images.iter().map(|image| format!("  - {{name: c, image: '{image}'}}\n")).collect();
    format!("kind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n{}", containers.concat())
}

fn git(directory: &Path, line: &str) {
    let status = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=m"])
        .args(line.split(' '))
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(status.status.success(), "{line}: {status:?}");
}

/// A repository with one commit of these files.
fn repository(files: &[(&str, String)]) -> tempfile::TempDir {
    let directory = tempfile::TempDir::new().unwrap();
    write(directory.path(), files);
    git(directory.path(), "init -q");
    git(directory.path(), "add .");
    git(directory.path(), "commit -q -m base");
    directory
}

fn write(directory: &Path, files: &[(&str, String)]) {
    for (path, content) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn check(path: &Path, reference: &str) -> Ran {
    let arguments = ["check", "-f", path.to_str().unwrap(), "--changed-since", reference];
    imagegate_with(&arguments, "", &[("PATH", &std::env::var("PATH").unwrap())])
}

#[test]
fn what_was_there_is_not_held_against_a_branch() {
    let directory = repository(&[
        ("deploy/a.yaml", pod("a", &["quay.io/old:1", "docker.io/x/good:1"])),
        ("deploy/b.yaml", pod("b", &["quay.io/old:1"])),
    ]);
    let deploy = directory.path().join("deploy");
    let ran = check(&deploy, "HEAD");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.starts_with("3 images: 1 allowed, 0 denied, 2 known before\n"), "{}", ran.err);
    assert!(ran.out.contains("known"), "{}", ran.out);

    // Lines move, and a file gets another name: findings are compared.
    fs::remove_file(deploy.join("b.yaml")).unwrap();
    write(
        directory.path(),
        &[("deploy/c.yaml", format!("# moved\n\n{}", pod("b", &["quay.io/old:1"])))],
    );
    assert_eq!(check(&deploy, "HEAD").code, 0);

    // Another image, another object, and the same once more are new.
    for added in [
        pod("b", &["quay.io/old:2"]),
        pod("d", &["quay.io/old:1"]),
        pod("b", &["quay.io/old:1", "quay.io/old:1"]),
    ] {
        write(directory.path(), &[("deploy/c.yaml", added.clone())]);
        let ran = check(&deploy, "HEAD");
        assert_eq!(ran.code, 1, "{added}{ran:?}");
        assert!(ran.err.contains("1 denied"), "{}", ran.err);
    }
    // A file that is named, also one that was not there.
    assert_eq!(check(&deploy.join("c.yaml"), "HEAD").code, 1);
    assert_eq!(check(&deploy.join("a.yaml"), "HEAD").code, 0);
    assert_eq!(check(directory.path(), "HEAD").code, 1);
}

#[test]
fn what_git_does_not_know_is_told() {
    let directory = repository(&[("a.yaml", pod("a", &["quay.io/old:1"]))]);
    for reference in ["nowhere", "HEAD:a.yaml"] {
        let ran = check(directory.path(), reference);
        assert_eq!(ran.code, 2, "{reference}: {ran:?}");
        assert!(ran.err.contains("git knows no such commit"), "{ran:?}");
    }
    let outside = tempfile::TempDir::new().unwrap();
    fs::write(outside.path().join("a.yaml"), pod("a", &["x"])).unwrap();
    let ran = check(outside.path(), "HEAD");
    assert!(ran.code == 2 && ran.err.contains("git: "), "{ran:?}");
    let arguments = ["check", "-f", "-", "--changed-since", "HEAD"];
    let ran = imagegate_with(&arguments, "", &[]);
    assert!(ran.code == 2 && ran.err.contains("compares files of a repository"), "{ran:?}");
    let path = directory.path().to_str().unwrap();
    let arguments = ["check", "-f", path, "--changed-since", "HEAD"];
    let ran = imagegate_with(&arguments, "", &[("PATH", "/nonexistent")]);
    assert!(ran.code == 2 && ran.err.contains("git is not installed"), "{ran:?}");
}
