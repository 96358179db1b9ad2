//! Requests, edits and files that would get around the policy or freeze it, at a gate under the
//! manifests' memory limit, beside a bystander and a liveness probe. What each of them means is told in
//! the tests of the core; here they must be answered so by the whole process, and cost nobody anything.

use std::fmt::Write as _;
use std::fs;

use crate::siege_guards::{policy_edit, policy_edit_of, post};
use crate::support::client::{Client, pod, review_of};
use crate::support::siege::Siege;
use http::StatusCode;
use imagegate::settings::Protocol;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

/// In force in all of these.
const POLICY: &str = "\
shortNames: dockerHub
requireTag: false
blockedTags: []
overrides:
- {name: production, namespaces: [prod], blockedTags: [latest]}
";

/// What a path answers to one body after the other.
async fn answers(client: Client, path: &str, bodies: Vec<Vec<u8>>) -> Vec<(StatusCode, Value)> {
    let mut connection = client.connect(Protocol::Http1).await.unwrap();
    let mut answers = Vec::new();
    for body in bodies {
        answers.push(post(&mut connection, path, &body).await);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_get_around_the_policy_is_refused() {
    let siege = Siege::start(POLICY, &[]).await;
    let of = |namespace: &str, image: &str| {
        let mut review = review_of("CREATE", &pod(&[image]), &Value::Null);
        review["request"]["namespace"] = namespace.into();
        review
    };
    let mut without_kind = of("ci", "evil.example/a:1");
    without_kind["request"].as_object_mut().unwrap().remove("kind");
    without_kind["request"].as_object_mut().unwrap().remove("resource");
    let mut of_unknown_kind = without_kind.clone();
    of_unknown_kind["request"]["kind"] = json!({"group": "", "version": "v1", "kind": "Pood"});
    let denied = Some(StatusCode::OK);
    let rows = [
        (of("ci", "docker.io/nginx"), None),
        (of("prod", "docker.io/nginx"), denied),
        (of("ci", "sha256:e3"), denied),
        (of("ci", "docker.io/\u{202e}a:1"), denied),
        (without_kind, Some(StatusCode::BAD_REQUEST)),
        (of_unknown_kind, Some(StatusCode::BAD_REQUEST)),
    ];
    let bodies = rows.iter().map(|(review, _)| review.to_string().into_bytes()).collect();
    let attack = answers(siege.gate.client.clone(), "/validate", bodies);
    let answers = siege.attacked("ways around the policy", attack).await;
    for ((review, expected), (status, answer)) in rows.iter().zip(answers) {
        assert_eq!(status, expected.unwrap_or(StatusCode::OK), "{review}: {answer}");
        if status == StatusCode::OK {
            assert_eq!(answer["response"]["allowed"], expected.is_none(), "{review}: {answer}");
        }
        assert!(!answer.to_string().contains('\u{202e}'), "{answer}");
    }
    siege.gate.process.logged("denied").await;
    for line in siege.gate.process.log() {
        assert!(!line.contains('\u{202e}'), "{line}");
    }
    siege.end("ways around the policy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_loosen_the_policy_in_silence_is_said_or_refused() {
    let overrides = |requires: bool| {
        (0..45).fold("overrides:\n".to_owned(), |mut text, number| {
            let _ = writeln!(
                text,
                "- {{name: o{number}, namespaces: [n{number}], requireDigest: {requires}}}"
            );
            text
        })
    };
    let siege = Siege::start(&overrides(false), &[]).await;
    let everybody = format!(
        "{}exemptions: [{{name: all, images: ['*'], reason: none}}]\n\
         namespaceOptOut: {{users: ['*']}}\n",
        overrides(true)
    );
    let exempt =
        |rest: &str| format!("exemptions: [{{name: a, images: [b.c/d], reason: e, {rest}}}]\n");
    // What must be said of each, or `None` where it must be refused.
    let rows: [(String, Option<&[&str]>); 5] = [
        (everybody, Some(&["exemption", "namespaceOptOut"])),
        (exempt("users: []"), None),
        (exempt("groups: []"), None),
        (exempt("namespaces: []"), None),
        (exempt("expires: 9999-12-31"), Some(&[])),
    ];
    let bodies = rows.iter().map(|(policy, _)| policy_edit(policy)).collect();
    let attack = answers(siege.gate.client.clone(), "/validate-config", bodies);
    let answers = siege.attacked("edits that loosen the policy", attack).await;
    for ((policy, said), (status, answer)) in rows.iter().zip(answers) {
        assert_eq!(status, StatusCode::OK, "{policy}: {answer}");
        assert_eq!(answer["response"]["allowed"], said.is_some(), "{policy}: {answer}");
        let warnings = answer["response"]["warnings"].to_string();
        for part in said.unwrap_or_default() {
            assert!(warnings.contains(part), "{part}: {warnings}");
        }
    }
    siege.end("edits that loosen the policy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_never_ends_freezes_nothing() {
    let siege = Siege::start(POLICY, &[("poll_seconds", "1")]).await;
    let last = "imagegate_policy_last_reload_successful";
    let mount = siege.gate.volume.path().join("..data");
    let mount = fs::canonicalize(mount).unwrap();
    let candidate = mount.join("candidate.yaml");
    mknodat(CWD, &candidate, FileType::Fifo, Mode::RUSR, 0).unwrap();
    siege.gate.process.metric_is(last, |it| it == 0).await;
    siege.goes_on(20).await;
    fs::remove_file(candidate).unwrap();
    siege.gate.process.metric_is(last, |it| it == 1).await;
    // The guard answers meanwhile and afterwards.
    let edit = policy_edit_of(&json!({"policy.yaml": "mode: warn\n"}));
    let attack = answers(siege.gate.client.clone(), "/validate-config", vec![edit]);
    let answers = siege.attacked("a FIFO in the volume", attack).await;
    assert_eq!(answers[0].1["response"]["allowed"], true, "{answers:?}");
    siege.end("a FIFO in the volume").await;
}
