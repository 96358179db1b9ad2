//! `imagegate diff`: whom a change hits, what changes in words, and exit codes.

use std::fs;

use crate::support::command::{Ran, imagegate, imagegate_with};
use serde_json::{Value, json};
use tempfile::TempDir;

const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: agent-0, namespace: ci}
spec:
  containers: [{name: agent, image: 'quay.io/acme/agent:1'}, {name: web, image: 'docker.io/nginx:1'}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: agent, namespace: build}
spec: {template: {spec: {containers: [{name: agent, image: 'quay.io/acme/agent:1'}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: log, namespace: ops}
spec: {containers: [{name: log, image: 'gcr.io/acme/log:2'}]}
";

const REMEMBERED: &str = r#"{"replica": "imagegate-a", "since": "2026-11-24T08:00:00Z", "entries": 2, "images": [
  {"namespace": "ci", "image": "quay.io/acme/agent:1", "user": "kim", "count": 12,
   "lastSeen": "2026-11-27T08:00:00Z", "decision": "allow", "workload": {"kind": "Job", "name": "nightly"}},
  {"namespace": "ci", "image": "gcr.io/acme/log:2", "user": "kim", "count": 1, "decision": "deny"}]}"#;

/// Policies to compare, and a file of what a replica remembers.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        for (name, text) in [
            ("old.yaml", "allowedRegistries: [docker.io, quay.io]\n"),
            ("new.yaml", "allowedRegistries: [docker.io, gcr.io]\n"),
            ("warn.yaml", "{allowedRegistries: [docker.io], mode: warn}\n"),
            ("audit.yaml", "{allowedRegistries: [docker.io], mode: audit}\n"),
            ("any.yaml", "allowedRegistries: ['*']\n"),
            ("bad.yaml", "mode: strict\n"),
            ("images.json", REMEMBERED),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    fn diff(&self, line: &str, input: &str) -> Ran {
        let path = |word: &str| self.0.path().join(word).display().to_string();
        let is_file = |word: &str| {
            std::path::Path::new(word).extension().is_some_and(|end| end == "yaml" || end == "json")
        };
        let words = line.split_whitespace();
        let words: Vec<String> =
            words.map(|word| if is_file(word) { path(word) } else { word.to_owned() }).collect();
        let mut arguments = vec!["diff"];
        arguments.extend(words.iter().map(String::as_str));
        imagegate_with(&arguments, input, &[])
    }
}

#[test]
fn whom_it_hits_comes_first_then_what_changes() {
    let ran = Files::new().diff("old.yaml new.yaml -f -", PODS);
    assert_eq!(
        ran.out,
        "\
1 image of 3 newly refused:
  quay.io/acme/agent:1  2 times  build/Deployment agent, ci/Pod agent-0
       agent image comes from an untrusted registry! (quay.io/acme/agent:1). \
         Only images from docker.io,gcr.io are allowed.
1 image of 3 newly admitted:
  gcr.io/acme/log:2  once  ops/Pod log

allowedRegistries: +gcr.io -quay.io  (loosens)
"
    );
    assert_eq!(ran.err, "3 images: 1 newly refused, 1 newly admitted\n");
    assert_eq!(ran.code, 1);
}

/// Pods as `kubectl get pods -A -o json` has them, each with its labels and its owner.
fn pods_of(owners: &[(&str, &str, &str)]) -> String {
    let pods = owners.iter().enumerate().map(|(number, (labels, version, owner))| {
        let (kind, name) = owner.split_once(' ').unwrap();
        let reference =
            json!({"apiVersion": version, "kind": kind, "name": name, "controller": true});
        let labels: Value = serde_json::from_str(labels).unwrap();
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("pod-{number}"), "namespace": "ci", "labels": labels,
                "ownerReferences": [{"kind": "Node", "name": "n"}, reference],
            },
            "spec": {"containers": [{"name": "agent", "image": "quay.io/acme/agent:1"}]},
        })
    });
    json!({"apiVersion": "v1", "kind": "List", "items": pods.collect::<Vec<_>>()}).to_string()
}

/// Who uses what is refused.
fn used_by(ran: &Ran) -> String {
    let line = ran.out.lines().find(|line| line.contains("  quay.io/acme/agent:1  ")).unwrap();
    line.rsplit("  ").next().unwrap().to_owned()
}

#[test]
fn pods_count_for_whatever_made_them_as_far_as_that_is_sure() {
    let files = Files::new();
    let rows = [
        (r#"{"pod-template-hash": "7d9f8"}"#, "apps/v1", "ReplicaSet web-7d9f8", "Deployment web"),
        ("{}", "apps/v1", "ReplicaSet web-7d9f8", "ReplicaSet web-7d9f8"),
        (
            r#"{"pod-template-hash": "other"}"#,
            "apps/v1",
            "ReplicaSet web-7d9f8",
            "ReplicaSet web-7d9f8",
        ),
        (r#"{"pod-template-hash": "7d9f8"}"#, "apps/v1", "ReplicaSet 7d9f8", "ReplicaSet 7d9f8"),
        (
            r#"{"pod-template-hash": "7d9f8"}"#,
            "example.com/v1",
            "ReplicaSet web-7d9f8",
            "ReplicaSet web-7d9f8",
        ),
        (r#"{"job-name": "nightly-29"}"#, "batch/v1", "Job nightly-29", "Job nightly-29"),
        ("{}", "apps/v1", "StatefulSet db", "StatefulSet db"),
    ];
    for (labels, version, owner, expected) in rows {
        let ran = files.diff("old.yaml new.yaml -f -", &pods_of(&[(labels, version, owner)]));
        assert_eq!(used_by(&ran), format!("ci/{expected}"), "{labels} {version} {owner}");
    }
    let of_one = [(rows[0].0, rows[0].1, rows[0].2); 3];
    let ran = files.diff("old.yaml new.yaml -f -", &pods_of(&of_one));
    assert!(
        ran.out.contains("  quay.io/acme/agent:1  3 times  ci/Deployment web\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_job_counts_for_its_cron_job_where_that_is_among_the_sources() {
    const JOBS: &str = "
---
apiVersion: batch/v1
kind: Job
metadata:
  name: nightly-29
  namespace: ci
  ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, controller: true}]
spec: {template: {spec: {containers: [{name: agent, image: 'quay.io/acme/agent:1'}]}}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: once
  namespace: ci
  ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: other, controller: false}]
spec: {template: {spec: {containers: [{name: agent, image: 'quay.io/acme/agent:1'}]}}}
---
# Two that say they made each other: it ends all the same.
apiVersion: batch/v1
kind: Job
metadata:
  name: circle
  namespace: ci
  ownerReferences: [{apiVersion: batch/v1, kind: Job, name: circle, controller: True}]
spec: {template: {spec: {containers: [{name: agent, image: 'quay.io/acme/agent:1'}]}}}
";
    let pods = pods_of(&[("{}", "batch/v1", "Job nightly-29"), ("{}", "batch/v1", "Job once")]);
    let ran = Files::new().diff("old.yaml new.yaml -f -", &(pods + JOBS));
    assert_eq!(used_by(&ran), "ci/CronJob nightly, ci/Job circle, ci/Job once");
    assert!(ran.out.contains("  quay.io/acme/agent:1  5 times  "), "{}", ran.out);
}

#[test]
fn a_review_is_asked_for_by_whom_it_says_unless_somebody_is_named() {
    let files = Files::new();
    let lenient = "allowedRegistries: [docker.io]\n\
        exemptions: [{name: kim, images: ['*'], users: [kim], reason: r},\
        {name: admins, images: ['*'], groups: [admins], reason: r}]\n";
    fs::write(files.0.path().join("lenient.yaml"), lenient).unwrap();
    let review = |user: &str, groups: &[&str]| {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ci"},
            "spec": {"containers": [{"name": "agent", "image": "quay.io/acme/agent:1"}]},
        });
        let info = json!({"username": user, "groups": groups});
        json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "1", "operation": "CREATE", "userInfo": info, "object": object},
        })
        .to_string()
    };
    for (user, groups, rest, code) in [
        ("kim", &[][..], "", 0),
        ("eve", &["admins"][..], "", 0),
        ("eve", &["users"][..], "", 1),
        ("kim", &[][..], " --user eve", 1),
        ("eve", &[][..], " --group admins", 0),
    ] {
        let line = format!("old.yaml lenient.yaml -f -{rest}");
        let ran = files.diff(&line, &review(user, groups));
        assert_eq!(ran.code, code, "{user} {groups:?}{rest}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn what_replicas_remember_is_judged_with_what_was_refused() {
    let ran = Files::new().diff("old.yaml new.yaml --from images.json --from images.json", "");
    assert!(ran.out.contains("  quay.io/acme/agent:1  24 times  ci/Job nightly\n"), "{}", ran.out);
    assert!(ran.out.contains("newly admitted:\n  gcr.io/acme/log:2  2 times  ci\n"), "{}", ran.out);
}

#[test]
fn only_what_is_newly_refused_fails_unless_told_otherwise() {
    let files = Files::new();
    let rows = [
        ("old.yaml new.yaml -f -", 1),
        ("old.yaml new.yaml -f - --fail-on never", 0),
        ("old.yaml any.yaml -f -", 0),
        ("old.yaml old.yaml -f - --fail-on audit", 0),
        ("any.yaml warn.yaml -f -", 0),
        ("any.yaml warn.yaml -f - --fail-on warn", 1),
        ("any.yaml audit.yaml -f - --fail-on warn", 0),
        ("any.yaml audit.yaml -f - --fail-on audit", 1),
        ("audit.yaml old.yaml -f -", 1),
        ("old.yaml new.yaml", 0),
        ("old.yaml new.yaml -f missing.yaml", 2),
        ("old.yaml bad.yaml -f -", 3),
        ("old.yaml new.yaml -o pdf", 2),
    ];
    for (line, code) in rows {
        let ran = files.diff(line, PODS);
        assert_eq!(ran.code, code, "{line}\n{}{}", ran.out, ran.err);
    }
    let nothing = "kind: List\napiVersion: v1\nitems: []\n";
    assert_eq!(files.diff("old.yaml new.yaml -f -", nothing).code, 2);
    assert_eq!(files.diff("old.yaml new.yaml -f - --allow-empty", nothing).code, 0);
    // A finding wins over what could not be read.
    let broken = "kind: Pod\napiVersion: v1\nspec: {containers: 7}\n---\n";
    assert_eq!(files.diff("old.yaml new.yaml -f -", &format!("{broken}{PODS}")).code, 1);
    assert_eq!(files.diff("old.yaml any.yaml -f -", &format!("{broken}{PODS}")).code, 2);
}

#[test]
fn without_images_it_says_what_changes() {
    let ran = imagegate("diff config/examples/simple config/examples/production");
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("blockedTags: +*-rc* +*-SNAPSHOT\n"), "{}", ran.out);
    assert!(ran.out.contains("overrides[sandboxes].mode: enforce → warn  (loosens)\n"));
    let same = imagegate("diff config/policy config/policy nginx");
    assert_eq!((same.code, same.out.as_str()), (0, ""));
    assert_eq!(same.err, "1 image: none decided otherwise\n");
}

#[test]
fn programs_and_pipelines_are_told_the_same() {
    let files = Files::new();
    let json: Value =
        serde_json::from_str(&files.diff("old.yaml new.yaml -f - -o json", PODS).out).unwrap();
    assert_eq!((&json["uses"], &json["images"]), (&4.into(), &3.into()));
    let denied = &json["newlyDenied"]["images"][0];
    assert_eq!(denied["image"], "quay.io/acme/agent:1");
    assert_eq!(denied["rule"], "untrusted-registry");
    assert_eq!(denied["owners"][1], "ci/Pod agent-0");
    assert_eq!(denied["lastSeen"], Value::Null);
    assert_eq!(json["newlyAdmitted"]["images"][0]["message"], Value::Null);
    assert_eq!(json["changes"][0]["loosens"], true);
    let seen = files.diff("old.yaml new.yaml --from images.json -o json", "").out;
    assert!(seen.contains("\"lastSeen\": \"2026-11-27T08:00:00Z\""), "{seen}");

    let github = files.diff("old.yaml new.yaml -f - -o github", PODS);
    assert!(github.out.contains("::error "), "{}", github.out);
    assert!(github.out.contains("newly refused: agent image comes from"), "{}", github.out);
    let sarif: Value =
        serde_json::from_str(&files.diff("old.yaml new.yaml -f - -o sarif", PODS).out).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[0]["ruleId"]), (2, &"untrusted-registry".into()));
}

#[test]
fn a_hostile_text_moves_no_cursor() {
    let ran = imagegate_with(&["diff", "config/policy", "config/policy", "a\u{1b}[2J"], "", &[]);
    assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    let files = Files::new();
    let pod = "kind: Pod\napiVersion: v1\nmetadata: {name: \"x\\e[2J\", namespace: ci}\n\
               spec: {containers: [{name: a, image: 'quay.io/a:1'}]}\n";
    let ran = files.diff("old.yaml new.yaml -f -", pod);
    assert!(ran.out.contains("ci/Pod x\\u{1b}[2J"), "{}", ran.out);
}

/// A kind that looks like no workload is judged where either of the two policies names it.
#[test]
fn custom_resources_are_judged_where_a_policy_says() {
    let files = Files::new();
    let named = "workloads: [{group: example.com, kind: Fleet, podSpec: /spec/crew/pod}]\n";
    let write = |name: &str, text: &str| fs::write(files.0.path().join(name), text).unwrap();
    write("named-old.yaml", &format!("allowedRegistries: [docker.io, quay.io]\n{named}"));
    write("named-new.yaml", &format!("allowedRegistries: [docker.io]\n{named}"));
    // Without a list of containers, nothing of it looks like a pod spec.
    let fleet = "{apiVersion: example.com/v1, kind: Fleet, metadata: {name: north, namespace: sea}, spec: \
                 {crew: {pod: {volumes: [{name: tools, image: {reference: 'quay.io/acme/agent:1'}}]}}}}\n";
    for line in [
        "named-old.yaml named-new.yaml -f -",
        "named-old.yaml new.yaml -f -",
        "old.yaml named-new.yaml -f -",
    ] {
        let ran = files.diff(line, fleet);
        assert_eq!(ran.code, 1, "{line}: {ran:?}");
        assert!(ran.out.contains("quay.io/acme/agent:1"), "{line}: {ran:?}");
    }
    assert_eq!(files.diff("old.yaml new.yaml -f -", fleet).code, 2);
}
