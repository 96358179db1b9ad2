//! Attacks on the guards' paths by clients without credentials, each against a gate under the
//! manifests' memory limit, beside a bystander and a liveness probe.

use std::fmt::Write as _;

use crate::forgetting::ask_for_new;
use crate::support::client::{Client, Connection, pod_review, whole};
use crate::support::process::until;
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
    let labels = json!({"imagegate/policy": "true"});
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "9d441dc0-4cb7-42ac-bf0f-700f61090b6b", "operation": "UPDATE",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "userInfo": {"username": "admin"}, "name": "policy", "namespace": "imagegate",
            "object": {"metadata": {"labels": labels}, "data": {"policy.yaml": policy}},
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

async fn post(connection: &mut Connection, path: &str, body: &[u8]) -> (StatusCode, Value) {
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

#[tokio::test(flavor = "multi_thread")]
async fn edits_beside_a_full_memory_hold_up_nobody_and_make_one_copy_at_a_time() {
    const REMEMBERED: usize = 65_536;
    let siege = Siege::start(POLICY, &[]).await;
    let client = siege.gate.client.clone();
    let mut connection = client.connect(Protocol::Http2).await.unwrap();
    ask_for_new(&mut connection, 0, REMEMBERED).await;
    // Of the bystander, too, so that one image of those above is forgotten by now.
    let entries = "imagegate_observed_entries";
    siege.gate.process.metric_is(entries, |entries| entries == REMEMBERED).await;
    let filled = siege.gate.process.memory().1;
    // Hits every image, so that each has to be judged, counted and compared with all others.
    let body = policy_edit("allowedRegistries: [gcr.io]\n");
    let edits = body.clone();
    let attack = async move {
        let mut attackers = JoinSet::new();
        for _ in 0..16 {
            let (client, edits) = (client.clone(), edits.clone());
            attackers.spawn(async move {
                let mut connection = client.connect(Protocol::Http1).await.unwrap();
                let mut answers = Vec::new();
                for _ in 0..3 {
                    answers.push(post(&mut connection, "/validate-config", &edits).await);
                }
                answers
            });
        }
        attackers.join_all().await.concat()
    };
    let answers = siege.attacked("edits beside a full memory", attack).await;
    for (status, answer) in &answers {
        let judged = *status == StatusCode::OK && answer["response"]["allowed"].is_boolean();
        assert!(judged || *status == StatusCode::SERVICE_UNAVAILABLE, "{status} {answer}");
    }
    until("an edit is told whom it hits", async || {
        let (_, answer) = post(&mut connection, "/validate-config", &body).await;
        answer["response"]["warnings"].to_string().contains("of 65536 images seen here since ")
    })
    .await;
    let (_, cost) = siege.end("edits beside a full memory").await;
    // A copy of the memory has seven MiB, and the images that are hit take as much again.
    assert!(cost.peak < filled + (48 << 10), "{filled} KiB when it was full, then {cost:?}");
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
    let mut held = Vec::new();
    for number in 0..128 {
        held.push(announce(&siege.gate.client, GUARDS[number % 2], 4 << 20).await);
    }
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
    let client = &siege.gate.client;
    for (flooded, other) in [(GUARDS[0], GUARDS[1]), (GUARDS[1], GUARDS[0])] {
        let mut held = Vec::new();
        for _ in 0..64 {
            held.push(announce(client, flooded, 4 << 20).await);
        }
        let mut connection = client.connect(Protocol::Http1).await.unwrap();
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
        let mut attackers = JoinSet::new();
        for number in 0..8 {
            let (client, body) = (siege.gate.client.clone(), body.clone());
            attackers.spawn(async move {
                let mut connection = client.connect(Protocol::Http1).await.unwrap();
                for _ in 0..3 {
                    post(&mut connection, GUARDS[number % 2], &body).await;
                }
            });
        }
        attackers.join_all().await;
        println!("{rest}: {:?} KiB", siege.gate.process.memory());
    }
    siege.end("full edits").await;
}
