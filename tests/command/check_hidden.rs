//! `imagegate check` on what could hide an image from it and not from kubectl.

use std::fs;
use std::process::Command;

use crate::check_trees::{BAD, GOOD, check, check_text, files, tree};
use serde_json::Value;

#[test]
fn whatever_has_items_is_a_list() {
    let pod = r#"{"kind":"Pod","spec":{"containers":[{"name":"a","image":"quay.io/a:1"}]}}"#;
    let bare = pod.replace(r#""kind":"Pod","#, "");
    let other = pod.replace("Pod", "ConfigMap");
    let whole = pod.replace(r#""kind""#, r#""apiVersion":"v1","kind""#);
    let rows = [
        format!(r#"{{"kind":"Pod","apiVersion":"v1","items":[{bare}]}}"#),
        format!(r#"{{"apiVersion":"v1","items":[{bare}],"kind":"Pod"}}"#),
        format!(r#"{{"kind":"List","items":[{{"kind":"Pod","items":[{bare}]}}]}}"#),
        format!(
            "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1\nitems: &all [{whole}]"
        ),
        // A kind without an `apiVersion` is overwritten there.
        format!(r#"{{"kind":"PodList","items":[{other}]}}"#),
        format!(r#"{{"items":[{pod}],"kind":"ConfigMapList"}}"#),
        format!(r#"{{"items":[{pod}]}}"#),
    ];
    for text in rows {
        let ran = check_text(&text, &["-o", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        // What may be meant in two ways is judged in both.
        let denied = report["denied"].as_u64().unwrap();
        assert!(ran.code == 1 && denied >= 1, "{text}\n{}", ran.err);
    }
}

#[test]
fn a_type_of_yaml_hides_nothing() {
    let pod = |key: &str, image: &str| {
        format!(
            "kind: Pod\nspec:\n  containers: [{{name: a, image: 'docker.io/a:1'}}]\n  {key}: [{{name: \
             b, image: {image}}}]\n"
        )
    };
    let rows = [
        (pod("initContainers", "docker.io/b:1"), 0),
        (pod("initContainers", "quay.io/b:1"), 1),
        // `initContainers`, and `quay.io/b:1`.
        (pod("!!binary aW5pdENvbnRhaW5lcnM=", "quay.io/b:1"), 2),
        (pod("initContainers", "!!binary cXVheS5pby9iOjE="), 2),
        (pod("initContainers", "!<tag:yaml.org,2002:binary> cXVheS5pby9iOjE="), 2),
        (pod("!!str initContainers", "quay.io/b:1"), 1),
        (pod("initContainers", "!!str quay.io/b:1"), 1),
        (pod("initContainers", "!ours quay.io/b:1"), 1),
        (pod("!!merge <<: {initContainers: [{name: c, image: quay.io/c:1}]}\n  x", "y"), 1),
    ];
    for (text, code) in rows {
        let ran = check_text(&text, &[]);
        assert_eq!(ran.code, code, "{text}\n{ran:?}");
    }
}

#[test]
fn what_git_tracks_is_read_although_it_is_ignored() {
    let directory = tree(&[
        ("a.yaml", GOOD),
        ("deploy/b.yaml", BAD),
        ("deploy/c.yaml", BAD),
        ("deploy/d/e.yaml", BAD),
        (".gitignore", "deploy/\n"),
    ]);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        assert!(git.arg("-C").arg(directory.path()).args(arguments).status().unwrap().success());
    };
    git(&["init", "--quiet"]);
    git(&["add", "--force", "deploy/b.yaml", "deploy/d/e.yaml", "a.yaml"]);
    let found = files(directory.path(), &[]);
    assert_eq!(found, ["a.yaml", "deploy/b.yaml", "deploy/d/e.yaml"]);
    assert_eq!(check(directory.path(), &[]).code, 1);
    let found = files(directory.path(), &["--exclude", "d", "--exclude", "b.yaml"]);
    assert_eq!(found, ["a.yaml"]);
}

#[test]
fn a_directory_of_any_depth_is_read() {
    let directory = tree(&[("a.yaml", GOOD)]);
    let deep = directory.path().join("d/".repeat(70));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("b.yaml"), BAD).unwrap();
    assert_eq!(check(directory.path(), &[]).code, 1);
}
