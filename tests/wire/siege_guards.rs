//! Attacks on the guards' paths by clients without credentials, each against a gate under the
//! manifests' memory limit, beside a bystander and a liveness probe.

use std::fmt::Write as _;

use crate::support::client::{Client, Connection, pod_review, whole};
use crate::support::siege::Siege;
use http::{Method, StatusCode};
use imagegate::settings::Protocol;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

const POLICY: &str = "mode: enforce\n";
const GUARDS: [&str; 2] = ["/validate-config", "/validate-namespace"];

/// A review of an edit of the policy's ConfigMap.
pub(crate) fn policy_edit(policy: &str) -> Vec<u8> {
    policy_edit_of(&json!({"policy.yaml": policy}))
}

/// The same, with all keys of the ConfigMap.
pub(crate) fn policy_edit_of(data: &Value) -> Vec<u8> {
    let labels = json!({"imagegate/policy": "true"});
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "9d441dc0-4cb7-42ac-bf0f-700f61090b6b", "operation": "UPDATE",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "userInfo": {"username": "admin"}, "name": "policy", "namespace": "imagegate",
            "object": {"metadata": {"labels": labels}, "data": data},
            "oldObject": {"metadata": {"labels": labels}, "data": {"policy.yaml": POLICY}},
        },
    })
    .to_string()
    .into_bytes()
}

/// 77 kB of 3,000 regexes, each of which costs milliseconds.
pub(crate) fn expensive() -> String {
    let mut policy = "blockedTags:\n".to_owned();
    for number in 0..3_000 {
        writeln!(policy, "- /a{number:04}[a-z]{{900}}.*/").unwrap();
    }
    policy
}

pub(crate) async fn post(
    connection: &mut Connection,
    path: &str,
    body: &[u8],
) -> (StatusCode, Value) {
    let request = connection.request(Method::POST, path, whole(body));
    let answer = connection.send(request).await.unwrap();
    if answer.status == StatusCode::SERVICE_UNAVAILABLE {
        assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
    }
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn expensive_edits_hold_up_nobody_else() {
    let siege = Siege::start(POLICY, &[]).await;
    let body = policy_edit(&expensive());
    let client = siege.gate.client.clone();
    let attack = async move {
        let mut attackers = JoinSet::new();
        for _ in 0..4 {
            let (client, body) = (client.clone(), body.clone());
            attackers.spawn(async move {
                let mut connection = client.connect(Protocol::Http1).await.unwrap();
                let mut answers = Vec::new();
                for _ in 0..3 {
                    answers.push(post(&mut connection, "/validate-config", &body).await);
                }
                answers
            });
        }
        attackers.join_all().await.concat()
    };
    let answers = siege.attacked("expensive edits", attack).await;
    for (status, answer) in &answers {
        let refused = *status == StatusCode::OK && answer["response"]["allowed"] == false;
        assert!(refused || *status == StatusCode::SERVICE_UNAVAILABLE, "{status} {answer}");
    }
    assert!(answers.iter().any(|(status, _)| *status == StatusCode::OK), "{answers:?}");
    siege.end("expensive edits").await;
}

/// Announces a body and sends nothing of it.
async fn announce(client: &Client, path: &str, bytes: usize) -> TlsStream<TcpStream> {
    let mut stream = client.raw(Protocol::Http1).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n\
         content-length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_the_guards_wait_for_cost_no_review() {
    let siege = Siege::start(POLICY, &[("max_requests", "64")]).await;
    let client = siege.gate.client.clone();
    let attack = async move {
        let mut held = Vec::new();
        for number in 0..128 {
            held.push(announce(&client, GUARDS[number % 2], 4 << 20).await);
        }
        held
    };
    let _held = siege.attacked("bodies announced to the guards", attack).await;
    let mut connection = siege.gate.client.connect(Protocol::Http1).await.unwrap();
    for _ in 0..20 {
        let answer = connection.review(&pod_review(&["docker.io/library/nginx:1.27"])).await;
        assert!(answer.unwrap().allowed(), "a review was turned away");
    }
    siege.end("announced bodies").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_flooded_costs_the_other_one_nothing() {
    let siege = Siege::start(POLICY, &[]).await;
    for (flooded, other) in [(GUARDS[0], GUARDS[1]), (GUARDS[1], GUARDS[0])] {
        let client = siege.gate.client.clone();
        let attack = async move {
            let mut held = Vec::new();
            for _ in 0..64 {
                held.push(announce(&client, flooded, 4 << 20).await);
            }
            held
        };
        let _held = siege.attacked(flooded, attack).await;
        let mut connection = siege.gate.client.connect(Protocol::Http1).await.unwrap();
        for _ in 0..20 {
            let (status, answer) = post(&mut connection, other, &policy_edit(POLICY)).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
    }
    siege.end("flooded guards").await;
}

/// A review of an edit with `filling` in the place of `FILLING` again and again, up to 4 MiB.
fn filled(review: &str, filling: &str) -> Vec<u8> {
    let count = ((4 << 20) - review.len()) / (filling.len() + 1);
    let filling = vec![filling; count].join(",");
    review.replace("FILLING", &filling).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_with_as_much_in_them_as_fits_stay_within_the_memory() {
    let head = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1",
        "operation":"UPDATE","name":"shop""#;
    let label = r#""imagegate/policy":"true""#;
    let rows = [
        (r#","userInfo":{"groups":[FILLING]},"object":{}}}"#.to_owned(), r#""""#),
        (r#","object":{"metadata":{"labels":{FILLING}}}}}"#.to_owned(), r#""a":"""#),
        (r#","object":{"data":{FILLING}}}}"#.to_owned(), r#""a":"""#),
        (
            format!(r#","object":{{"metadata":{{"labels":{{{label}}}}},"data":{{FILLING}}}}}}}}"#),
            r#""a":"""#,
        ),
        (r#","oldObject":{"data":{FILLING}},"object":{}}}"#.to_owned(), r#""a":"""#),
        (r#","object":{"binaryData":{FILLING}}}}"#.to_owned(), r#""a":"""#),
        (r#","object":{"x":[FILLING]}}}"#.to_owned(), "{}"),
    ];
    let siege = Siege::start(POLICY, &[]).await;
    for (rest, filling) in &rows {
        // Keys that differ, where they are of a map.
        let mut body = filled(&format!("{head}{rest}"), filling);
        let (mut next, mut at) = (0_u32, 0);
        while let Some(found) = body[at..].windows(4).position(|bytes| bytes == b"\"a\":") {
            at += found + 1;
            body[at] = b'a' + u8::try_from(next % 26).unwrap();
            next += 1;
        }
        let client = siege.gate.client.clone();
        let attack = async move {
            let mut attackers = JoinSet::new();
            for number in 0..8 {
                let (client, body) = (client.clone(), body.clone());
                attackers.spawn(async move {
                    let mut connection = client.connect(Protocol::Http1).await.unwrap();
                    for _ in 0..3 {
                        post(&mut connection, GUARDS[number % 2], &body).await;
                    }
                });
            }
            attackers.join_all().await;
        };
        siege.attacked(rest, attack).await;
        println!("{rest}: {:?} KiB", siege.gate.process.memory());
    }
    siege.end("full edits").await;
}
