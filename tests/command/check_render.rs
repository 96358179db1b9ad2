//! `imagegate check --helm` and `--kustomize`: with tools that a test stands in for, and with the
//! real ones where they are installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::command::{Ran, imagegate_with};
use crate::support::skip::{Need, skip};

/// A directory with a program of this name and text.
fn tool(name: &str, script: &str) -> tempfile::TempDir {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn check(arguments: &[&str], path: &str) -> Ran {
    imagegate_with(&[&["check"], arguments].concat(), "", &[("PATH", path)])
}

const POD: &str =
    "echo 'kind: Pod'; echo 'spec: {containers: [{name: a, image: \"quay.io/a:1\"}]}'";

#[test]
fn a_tool_that_is_missing_is_named() {
    for (option, named) in
        [("--helm", "helm is not installed"), ("--kustomize", "neither kustomize")]
    {
        let ran = check(&[option, "x"], "/nonexistent");
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(named) && ran.err.contains("hint: "), "{}", ran.err);
    }
    let ran = check(&["x", "--values", "v.yaml"], "/nonexistent");
    assert_eq!(ran.code, 2, "values without a chart: {ran:?}");
}

#[test]
fn what_a_tool_writes_is_judged_and_its_failure_fails() {
    let helm = tool("helm", &format!("echo \"$@\" >&2; {POD}"));
    let path = helm.path().to_str().unwrap();
    let ran = check(&["--helm", "web", "--values", "a.yaml", "--set", "b=c"], path);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.starts_with("web (helm)\n  2:38 deny   quay.io/a:1 "), "{}", ran.out);
    let line = "template release web --include-crds --values a.yaml --set b=c\n";
    assert!(ran.err.contains(line), "{}", ran.err);
    let broken = tool("helm", &format!("{POD}; echo 'no such chart' >&2; exit 1"));
    let ran = check(&["--helm", "web"], broken.path().to_str().unwrap());
    assert_eq!(ran.code, 1, "what was rendered is denied: {ran:?}");
    assert!(
        ran.err.contains("no such chart") && ran.err.contains("helm cannot render it"),
        "{ran:?}"
    );
    let silent = tool("helm", "exit 1");
    let ran = check(&["--helm", "web", "--allow-empty"], silent.path().to_str().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn kubectl_stands_in_for_kustomize() {
    let kubectl = tool("kubectl", &format!("test \"$1 $2\" = 'kustomize base' && {POD}"));
    let ran = check(&["--kustomize", "base"], kubectl.path().to_str().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.starts_with("base (kubectl)\n"), "{}", ran.out);
    let kustomize = tool("kustomize", &format!("test \"$1 $2\" = 'build base' && {POD}"));
    let both = format!("{}:{}", kustomize.path().display(), kubectl.path().display());
    let ran = check(&["--kustomize", "base"], &both);
    assert!(ran.out.starts_with("base (kustomize)\n"), "{}", ran.out);
}

/// Where the real tools are, if they are.
fn assets(name: &str) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?);
    directory.join(name).exists().then_some(directory)
}

#[test]
fn the_real_helm_renders_our_own_chart() {
    let Some(assets) = assets("helm") else {
        return skip("the_real_helm_renders_our_own_chart", Need::Helm);
    };
    let ran = check(
        &["--helm", "deploy/helm/imagegate", "--set", "image.repository=quay.io/x"],
        assets.to_str().unwrap(),
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains(" deny   quay.io/x:"), "{}", ran.out);
    assert!(ran.err.contains("objects"), "{}", ran.err);
}

#[test]
fn the_real_kubectl_builds_a_kustomization() {
    let Some(assets) = assets("kubectl") else {
        return skip("the_real_kubectl_builds_a_kustomization", Need::Kubectl);
    };
    let directory = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write(
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n",
    );
    write(
        "kustomization.yaml",
        "resources: [pod.yaml]\nimages: [{name: x, newName: quay.io/y, newTag: '2'}]\n",
    );
    let ran = check(&["--kustomize", at(directory.path())], at(&assets));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("deny   quay.io/y:2 "), "{}", ran.out);
}

fn at(path: &Path) -> &str {
    path.to_str().unwrap()
}
