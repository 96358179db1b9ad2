//! `imagegate check`: outcomes, exit codes, manifests.

use std::fs;

use crate::support::command::{imagegate, imagegate_with};
use serde_json::Value;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: app, image: 'docker.io/library/nginx:1.27'}]
  initContainers: [{name: setup, image: 'nginx:latest'}]
";

#[test]
fn the_four_known_cases_have_the_known_texts() {
    let ran = imagegate("check nginx nginx:latest docker.io/nginx:latest docker.io/nginx:1.20");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "deny   nginx
       nginx image has no tag! (nginx). Only images with tags are allowed.
deny   nginx:latest
       nginx image comes from an untrusted registry! (nginx:latest). \
         Only images from docker.io,gcr.io are allowed.
deny   docker.io/nginx:latest
       nginx image has a non-allowed tag! (docker.io/nginx:latest). \
         These tags \"staging,latest\" are prohibited.
allow  docker.io/nginx:1.20
"
    );
    assert_eq!(ran.err, "4 images: 1 allowed, 3 denied\n");
    assert_eq!(imagegate("check docker.io/nginx:1.20").code, 0);
}

/// In the folder of the project there are `action.yml` and the folder `config`.
#[test]
fn a_manifest_without_its_flag_is_no_image() {
    for path in ["action.yml", "./action.yml", "./nowhere", "config/", "/etc", ".."] {
        for (command, hint) in [
            ("check", format!("read manifests with -f {path}")),
            ("propose", format!("read manifests with -f {path}")),
            ("diff config/policy config/policy", format!("read manifests with -f {path}")),
            ("explain", format!("`imagegate check -f {path}` judges manifests")),
        ] {
            let ran = imagegate(&format!("{command} {path}"));
            let said = format!("error: `{path}` is a path, not an image\n  hint: {hint}\n");
            assert_eq!((ran.code, ran.out.as_str(), ran.err), (2, "", said), "{command} {path}");
        }
    }
    // Images may be called like that.
    for image in ["config", "nowhere.yml"] {
        let ran = imagegate(&format!("check {image}"));
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.out.contains("image has no tag!"), "{}", ran.out);
    }
}

#[test]
fn what_has_no_name_is_named_by_its_place() {
    let nameless = "kind: Pod\nspec: {containers: [{image: nginx}, {name: '', image: 'a b'}]}\n";
    let ran = imagegate_with(&["check", "-f", "-"], nameless, &[]);
    assert_eq!(
        ran.out,
        "-
  2:29 deny   nginx  (Pod spec.containers[0].image)
         spec.containers[0] image has no tag! (nginx). Only images with tags are allowed.
         hint: `docker.io/library/nginx:<tag>` is accepted
  2:55 deny   a b  (Pod spec.containers[1].image)
         spec.containers[1] image is not a valid reference! (a b): \
         it holds white space or a character that is not ASCII.

"
    );
    let ran = imagegate_with(&["check", "-o", "json", "-f", "-"], nameless, &[]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["findings"][0]["object"], "Pod");
}

#[test]
fn known_bypasses_are_denied_and_other_spellings_allowed() {
    let hex = "0123456789abcdef".repeat(4);
    let latest = format!("docker.io/nginx:latest@sha256:{hex}");
    let pinned = format!("gcr.io/a/b@sha256:{hex}");
    for image in [
        "docker.io.evil.com/x:1",
        "gcr.io.attacker.net/x:1",
        "gcr-io/evil:1",
        "dockerXio/x:1",
        "Docker.io.evil/x:1",
        "evil.example/docker.io/x:1",
        "gcr.io@evil.example/x:1",
        "docker.io:5000/x:1",
        "localhost:5000/nginx",
        &latest,
        " docker.io/nginx:1.20",
        "docker.io/nginx:1.20\n",
        "",
    ] {
        assert_eq!(imagegate_with(&["check", "--", image], "", &[]).code, 1, "{image:?}");
    }
    for image in [
        "DOCKER.IO/library/nginx:1.20",
        "docker.io:443/nginx:1.20",
        "index.docker.io/library/nginx:1.20",
        &pinned,
        "docker.io/nginx:latest-1.2",
    ] {
        assert_eq!(imagegate_with(&["check", "--", image], "", &[]).code, 0, "{image:?}");
    }
}

#[test]
fn manifests_are_read_from_files_directories_and_standard_input() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("pod.yaml");
    fs::write(&file, POD).unwrap();
    fs::write(directory.path().join("notes.txt"), "not a manifest").unwrap();
    for path in [file.to_str().unwrap(), directory.path().to_str().unwrap(), "-"] {
        let ran = imagegate_with(&["check", "-f", path], POD, &[]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains("Pod shop/web spec.initContainers[0].image)"), "{}", ran.out);
        assert!(ran.err.starts_with("2 images: 1 allowed, 1 denied"), "{}", ran.err);
    }
}

#[test]
fn many_documents_lists_and_json_are_read() {
    let list = format!(
        "---\n{POD}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n---\n{}",
        r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"Deployment",
        "metadata":{"name":"api"},"spec":{"template":{"spec":{"containers":[{"name":"api",
        "image":"quay.io/api:1"}]}}}}]}"#
    );
    let ran = imagegate_with(&["check", "-o", "json", "-f", "-"], &list, &[]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["allowed"], &report["denied"]), (&1.into(), &2.into()));
    let finding = &report["findings"][2];
    assert_eq!(finding["object"], "Deployment api");
    assert_eq!(finding["field"], "spec.template.spec.containers[0].image");
    assert_eq!(finding["rule"], "untrusted-registry");
}

#[test]
fn what_cannot_be_read_is_told_from_what_is_denied() {
    for (input, why) in [
        ("kind: [", "-:1:7: "),
        ("a: 1", "-:1:1: not a Kubernetes object"),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: 7}", "-:3:20: not a valid Pod: "),
        ("kind: Pod\nkind: Pod", "-:2:1: "),
    ] {
        let ran = imagegate_with(&["check", "-f", "-"], input, &[]);
        assert_eq!(ran.code, 2, "{input}");
        assert!(ran.err.contains(why), "{input}: {}", ran.err);
    }
    assert_eq!(imagegate("check -f /nonexistent").code, 2);
    assert_eq!(imagegate("check").code, 2);
}

#[test]
fn the_namespace_and_the_policy_s_path_count() {
    let teams = "check --policy config/examples/teams registry.example.com/payments/api:1";
    assert_eq!(imagegate(teams).code, 1);
    assert_eq!(imagegate(&format!("{teams} -n payments-eu")).code, 0);
    let variables = [("ALLOWED_REGISTRIES", "quay.io")];
    assert_eq!(imagegate_with(&["check", "quay.io/app:1"], "", &variables).code, 0);
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let ran = imagegate_with(&["check", "x\u{1b}[2J\n:1"], "", &[]);
    assert!(!ran.out.contains('\u{1b}') && ran.out.lines().count() == 2, "{:?}", ran.out);
}
