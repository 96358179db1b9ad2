//! `deploy/krew.sh` writes a manifest that krew can read, of the tarballs that are there; `make release-upload`
//! attaches it with them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const REPOSITORY: &str = "https://forge.example/acme/imagegate";

/// A tarball as a release has it, for this architecture; returns its checksum.
fn tarball(dist: &Path, architecture: &str, files: &[&str]) -> String {
    let name = format!("imagegate-{}-{architecture}-linux", env!("CARGO_PKG_VERSION"));
    for file in files {
        let path = dist.join(&name).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, architecture).unwrap();
    }
    let packed = format!("{name}.tar.gz");
    let run = |program: &str, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).current_dir(dist).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    run("tar", &["--create", "--gzip", "--file", &packed, &name]);
    fs::remove_dir_all(dist.join(&name)).unwrap();
    run("sha256sum", &[&packed]).split(' ').next().unwrap().to_owned()
}

fn krew(flags: &[&str], dist: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/krew.sh");
    Command::new(script).args(flags).arg(REPOSITORY).arg(dist).output().unwrap()
}

#[test]
fn each_tarball_is_a_platform_with_its_checksum() {
    let dist = TempDir::new().unwrap();
    let files = ["bin/imagegate", "bin/kubectl-imagegate", "LICENSE"];
    let sums = ["aarch64", "x86_64"].map(|each| tarball(dist.path(), each, &files));
    let ran = krew(&["--complete"], dist.path());
    assert!(ran.status.success(), "{ran:?}");
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(!text.contains('@'), "{text}");
    let manifest: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    // krew looks for this name in the name of the file.
    assert_eq!(manifest["metadata"]["name"], "imagegate");
    assert_eq!(manifest["spec"]["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    // Its index refuses longer ones.
    assert!(manifest["spec"]["shortDescription"].as_str().unwrap().len() <= 50);
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 2);
    for ((platform, sum), [architecture, file]) in
        platforms.iter().zip(sums).zip([["arm64", "aarch64"], ["amd64", "x86_64"]])
    {
        assert_eq!(platform["selector"]["matchLabels"]["arch"], architecture);
        assert_eq!(platform["sha256"], sum);
        let version = env!("CARGO_PKG_VERSION");
        let uri = format!(
            "{REPOSITORY}/releases/download/v{version}/imagegate-{version}-{file}-linux.tar.gz"
        );
        assert_eq!(platform["uri"], uri);
    }
}

#[test]
fn a_release_without_the_plugin_has_no_manifest() {
    let dist = TempDir::new().unwrap();
    let none = krew(&[], dist.path());
    assert!(String::from_utf8_lossy(&none.stderr).contains("no tarball of"), "{none:?}");
    tarball(dist.path(), "x86_64", &["bin/imagegate", "LICENSE"]);
    let without = krew(&[], dist.path());
    assert!(String::from_utf8_lossy(&without.stderr).contains("there is no plugin in"));
    assert!(!none.status.success() && !without.status.success() && without.stdout.is_empty());
}

/// A release's manifest is made while the tarballs come from two machines.
#[test]
fn a_release_that_lacks_an_architecture_has_no_manifest() {
    let dist = TempDir::new().unwrap();
    let files = ["bin/kubectl-imagegate"];
    for (present, missing) in [("x86_64", "aarch64"), ("aarch64", "x86_64")] {
        tarball(dist.path(), present, &files);
        let ran = krew(&["--complete"], dist.path());
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
        assert!(said.contains(&format!("-{missing}-linux.tar.gz in ")), "{said}");
        // For oneself, what is there will do.
        assert!(krew(&[], dist.path()).status.success());
        fs::remove_dir_all(dist.path()).unwrap();
        fs::create_dir(dist.path()).unwrap();
    }
}

/// Runs `make release-upload` in a directory with `target/dist`, with a `gh` that knows no release and writes
/// down what it is asked for.
fn upload(directory: &Path) -> (Output, String) {
    let gh = directory.join("tools/gh");
    fs::create_dir_all(gh.parent().unwrap()).unwrap();
    fs::write(&gh, "#!/bin/sh\necho \"$*\" >>gh.txt\n[ \"$2\" != view ]\n").unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", gh.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile");
    let ran = Command::new("make")
        .args(["release-upload", "TAG=v1"])
        .arg(format!("REPOSITORY={REPOSITORY}"))
        .arg("--file")
        .arg(makefile)
        .current_dir(directory)
        .env("PATH", path)
        .output()
        .unwrap();
    (ran, fs::read_to_string(directory.join("gh.txt")).unwrap_or_default())
}

#[test]
fn a_release_is_drafted_once_for_all_architectures() {
    let directory = TempDir::new().unwrap();
    let dist = directory.path().join("target/dist");
    fs::create_dir_all(&dist).unwrap();
    let add = |architecture| {
        let sum = tarball(&dist, architecture, &["bin/kubectl-imagegate"]);
        let version = env!("CARGO_PKG_VERSION");
        let line = format!("{sum}  imagegate-{version}-{architecture}-linux.tar.gz\n");
        fs::write(dist.join(format!("SHA256SUMS-{architecture}")), line).unwrap();
    };
    add("x86_64");
    let (ran, asked) = upload(directory.path());
    assert!(!ran.status.success() && asked.is_empty(), "{ran:?} {asked}");
    add("aarch64");
    let (ran, asked) = upload(directory.path());
    assert!(ran.status.success(), "{ran:?}");
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0] == "release view v1" && asked[1].starts_with("release create v1 --draft "));
    for file in ["SHA256SUMS-aarch64", "SHA256SUMS-x86_64", "imagegate.yaml", "x86_64-linux.tar.gz"]
    {
        assert!(asked[2].starts_with("release upload v1 ") && asked[2].contains(file), "{asked:?}");
    }
}
