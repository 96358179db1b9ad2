//! `deploy/krew.sh` writes a manifest that krew can read, of the tarballs that are there.

use std::fs;
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

fn krew(dist: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/krew.sh");
    Command::new(script).arg(REPOSITORY).arg(dist).output().unwrap()
}

#[test]
fn each_tarball_is_a_platform_with_its_checksum() {
    let dist = TempDir::new().unwrap();
    let files = ["bin/imagegate", "bin/kubectl-imagegate", "LICENSE"];
    let sums = ["aarch64", "x86_64"].map(|each| tarball(dist.path(), each, &files));
    let ran = krew(dist.path());
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
    let none = krew(dist.path());
    assert!(String::from_utf8_lossy(&none.stderr).contains("no tarball of"), "{none:?}");
    tarball(dist.path(), "x86_64", &["bin/imagegate", "LICENSE"]);
    let without = krew(dist.path());
    assert!(String::from_utf8_lossy(&without.stderr).contains("there is no plugin in"));
    assert!(!none.status.success() && !without.status.success() && without.stdout.is_empty());
}
