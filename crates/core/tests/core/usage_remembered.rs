//! What `/images` of a replica says, and what is not taken for it.

use imagegate_core::policy::{ContainerKind, ObjectKind, PullPolicy};
use imagegate_core::usage::Remembered;

const HEAD: &str = r#""replica": "imagegate-7d9f", "version": "0.1.0", "since": "2026-11-24T08:00:00Z",
  "policyHash": "0123456789ab", "entries": 2, "evicted": 3, "lost": 4"#;
const AGENT: &str = r#"{"namespace": "ci", "image": "quay.io/acme/agent:1", "user": "kim", "groups": ["admins"],
  "count": 12, "dryRuns": 1, "firstSeen": "2026-11-24T08:00:00Z", "lastSeen": "2026-11-24T09:00:00.5Z",
  "decision": "warn", "rule": "blocked-tag", "workload": {"kind": "ReplicaSet", "name": "web-7d"},
  "template": true, "override": "lax", "more": [1]}"#;
const TRIED: &str = r#"{"namespace": "ci", "image": "a\u0062c", "count": 0, "dryRuns": 7, "decision": "deny", "rule": null}"#;
const REFUSED: &str = r#"{"namespace": "ci", "image": "a\u0062c", "count": 1, "decision": "deny", "workload": {"kind": "", "name": ""}}"#;

#[test]
fn both_forms_say_the_same() {
    let json = format!("{{{HEAD}, \"images\": [{AGENT}, {TRIED}, {REFUSED}]}}\n");
    let lines = format!("{{{HEAD}}}\n{AGENT}\n{TRIED}\n{REFUSED}\n");
    for text in [json, lines] {
        let remembered = Remembered::parse(text.as_bytes()).unwrap();
        assert_eq!(remembered.replica, "imagegate-7d9f");
        assert_eq!(remembered.since, Some(1_795_507_200));
        assert_eq!((remembered.evicted, remembered.lost), (3, 4));
        let usages: Vec<_> =
            remembered.usages().map(|(usage, denied)| (usage.image, usage.count, denied)).collect();
        assert_eq!(usages, [("quay.io/acme/agent:1", 12, false), ("abc", 1, true)]);
        let (usage, _) = remembered.usages().next().unwrap();
        assert_eq!((usage.namespace, usage.user, usage.pinned), ("ci", "kim", Some("lax")));
        assert_eq!(usage.groups, ["admins"]);
        assert_eq!(usage.owner.unwrap().to_string(), "ReplicaSet web-7d");
        assert_eq!(remembered.usages().nth(1).unwrap().0.owner, None);
        assert_eq!((usage.first_seen, usage.last_seen), (Some(1_795_507_200), Some(1_795_510_800)));
    }
}

#[test]
fn what_an_older_gate_does_not_say_is_what_it_took_every_image_for() {
    let page = |rest: &str| {
        format!(
            r#"{{"images": [{{"namespace": "ci", "image": "a:1", "count": 1, "decision": "allow"{rest}}}]}}"#
        )
    };
    let older = page(r#", "template": true"#);
    let older = Remembered::parse(older.as_bytes()).unwrap();
    let (usage, _) = older.usages().next().unwrap();
    assert_eq!(usage.form(), (ContainerKind::Regular, PullPolicy::Always));
    assert_eq!((usage.kind.kind, usage.labels.is_empty()), ("", true));
    assert!(older.in_words("a").ends_with("regular containers that always pull"));
    let newer = page(
        r#", "template": true, "container": "init", "pullPolicy": "", "kind": "apps/Deployment",
           "labels": {"team": "a", "tier": null}"#,
    );
    let newer = Remembered::parse(newer.as_bytes()).unwrap();
    let (usage, _) = newer.usages().next().unwrap();
    assert_eq!(usage.form(), (ContainerKind::Init, PullPolicy::Unset));
    assert_eq!(usage.kind, ObjectKind { group: "apps", kind: "Deployment" });
    let known = ["team", "tier", "other"].map(|key| usage.labels.get(key));
    assert_eq!(known, [Some(Some("a")), Some(None), None]);
    assert_eq!(newer.in_words("a"), "a remembers 1 use");
    let bad = page(r#", "container": "sidecar""#);
    let error = Remembered::parse(bad.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a kind of container"), "{error}");
}

#[test]
fn what_is_no_such_answer_is_refused() {
    let answer = |images: &str| format!("{{{HEAD}, \"images\": {images}}}");
    let rows = [
        (String::new(), "no list of images"),
        ("{}".to_owned(), "no list of images"),
        (r#"{"kind": "List", "items": []}"#.to_owned(), "no list of images"),
        ("[]".to_owned(), "invalid length"),
        ("<html>".to_owned(), "expected value"),
        (answer("{}"), "a list of images"),
        (answer("[{}]"), "missing field `namespace`"),
        (answer("["), "expected value"),
        (answer(&format!("[{}]", AGENT.replace("warn", "maybe"))), "unknown variant `maybe`"),
        (answer(&format!("[{}]", AGENT.replace("12", "-1"))), "-1"),
        (
            answer(&format!("[{}]", AGENT.replace("2026-11-24T08:00:00Z", "noon"))),
            "a time of RFC 3339",
        ),
        (answer("[]") + AGENT, "more behind"),
        (format!("{{{HEAD}}}\n{AGENT}\n{{"), "EOF"),
    ];
    for (text, expected) in rows {
        let error = Remembered::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn an_answer_without_images_is_one() {
    for text in [r#"{"images": []}"#, r#"{"entries": 0}"#] {
        assert_eq!(Remembered::parse(text.as_bytes()).unwrap().usages().count(), 0);
    }
}
