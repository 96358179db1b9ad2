//! The commands of docs/check.md, run as they stand there.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../docs/check.md");
const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: 'docker.io/acme/web:1.4'}]}}}
";

#[test]
fn the_commands_of_the_page_run() {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    prepare(directory);
    let binaries = Path::new(env!("CARGO_BIN_EXE_imagegate")).parent().unwrap();
    let path = format!(
        "{}:{}:{}",
        directory.join("tools").display(),
        binaries.display(),
        env::var("PATH").unwrap()
    );
    let mut lines = 0;
    for line in block.lines() {
        lines += 1;
        let ran = Command::new("bash")
            .args(["-o", "pipefail", "-c", line])
            .current_dir(directory)
            .env("PATH", &path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{line}: {said}");
        assert!(said.contains("1 image: 1 allowed"), "{line}: {said}");
    }
    assert!(lines >= 6, "{lines}");
}

/// What the commands name: a repository with manifests, a policy, a chart and a kustomization. Tools of
/// others are stood in for; `tests/command/check_render.rs` has the real ones.
fn prepare(directory: &Path) {
    for (path, content) in [
        ("deploy/web.yaml", DEPLOYMENT),
        ("policy.yaml", "allowedRegistries: [docker.io/acme]\n"),
        ("values.yaml", "replicas: 2\n"),
    ] {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    for name in ["helm", "kustomize"] {
        let path = directory.join("tools").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{DEPLOYMENT}END\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for line in ["init -q -b main", "add deploy", "commit -q -m base"] {
        let ran = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(line.split(' '))
            .current_dir(directory)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{line}: {ran:?}");
    }
}
