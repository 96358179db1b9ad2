//! Attacks on what a replica remembers, and by way of it, by clients without credentials, each against
//! a gate under the manifests' memory limit, beside a bystander and a liveness probe.

use std::ops::Range;

use crate::siege_guards::{policy_edit, policy_edit_of, post};
use crate::support::client::{Client, pod, review_of};
use crate::support::process::until;
use crate::support::siege::Siege;
use http::StatusCode;
use imagegate::settings::Protocol;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const POLICY: &str = "mode: enforce\n";
/// `observed_images`, and how many of them one request may leave behind.
pub(crate) const MOST: usize = 65_536;
const OF_ONE_REQUEST: usize = 32;
/// Half as many requests as may wait until they are noted.
const NOTES: usize = 512;
/// Edits that the guard reads or judges at once.
const EDITS: usize = 32;
/// What the images that were seen may cost an edit beside compiling it, in KiB: one copy of them, and
/// what is counted of each. Several edits at once cost no more.
const OF_ONE_EDIT: u64 = 32 << 10;

/// Has the gate judge different images, from one of its requests up to another.
async fn judged(client: Client, requests: Range<usize>) {
    let mut connection = client.connect(Protocol::Http2).await.unwrap();
    for request in requests {
        let images: Vec<_> = (0..OF_ONE_REQUEST)
            .map(|image| format!("gcr.io/a/{request}-{image}:{}", tag(request, image)))
            .collect();
        let images: Vec<_> = images.iter().map(String::as_str).collect();
        let mut review = review_of("CREATE", &pod(&images), &Value::Null);
        review["request"]["namespace"] = format!("namespace-{request}").into();
        assert!(connection.review(review.to_string().as_bytes()).await.unwrap().allowed());
    }
}

/// A tag of its own for each image: a text of `a` and `b` in no order that a regex could profit from,
/// as long as there is room for on average.
fn tag(request: usize, image: usize) -> String {
    let bits = (request * OF_ONE_REQUEST + image + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..24).map(|bit| if bits >> (63 - bit) & 1 == 1 { 'a' } else { 'b' }).collect()
}

/// Has the gate remember so many images.
pub(crate) async fn fill(siege: &Siege, images: usize) {
    // What comes too fast is not noted, so not more at once than can wait.
    for first in (0..images / OF_ONE_REQUEST).step_by(NOTES) {
        let requests = first..first + NOTES;
        let noted = requests.end * OF_ONE_REQUEST;
        siege.attacked("images to remember", judged(siege.gate.client.clone(), requests)).await;
        siege.gate.process.metric_is("imagegate_observed_entries", |it| it >= noted).await;
    }
}

/// Each image would be refused, by the policy and once more by the candidate.
pub(crate) fn edit_that_denies() -> Vec<u8> {
    policy_edit_of(&json!({
        "policy.yaml": "allowedRegistries: [docker.io]\n",
        "candidate.yaml": "allowedRegistries: [quay.io]\n",
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_at_once_copy_a_full_memory_one_at_a_time() {
    let siege = Siege::start(POLICY, &[]).await;
    fill(&siege, MOST).await;
    let (_, before) = siege.gate.process.memory();
    let edit = edit_that_denies();
    let (client, last) = (siege.gate.client.clone(), edit.clone());
    let attack = async move {
        let mut attackers = JoinSet::new();
        for _ in 0..EDITS {
            let (client, edit) = (client.clone(), edit.clone());
            attackers.spawn(async move {
                let mut connection = client.connect(Protocol::Http1).await.unwrap();
                let mut answers = Vec::new();
                for _ in 0..3 {
                    answers.push(post(&mut connection, "/validate-config", &edit).await);
                }
                answers
            });
        }
        attackers.join_all().await.concat()
    };
    let answers = siege.attacked("edits beside a full memory", attack).await;
    for (status, answer) in &answers {
        let is_later = *status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(is_later || *status == StatusCode::OK, "{status} {answer}");
    }
    let (_, peak) = siege.gate.process.memory();
    println!("edits beside a full memory: {before} KiB before, {peak} KiB at most");
    assert!(peak < before + OF_ONE_EDIT, "{before} KiB before, {peak} KiB at most");
    // On a machine that is busy, the memory may not answer in time; not for ever.
    let mut connection = siege.gate.client.connect(Protocol::Http1).await.unwrap();
    until("the next edit is judged by what was seen", async || {
        let (_, answer) = post(&mut connection, "/validate-config", &last).await;
        let response = &answer["response"];
        response["allowed"] == true
            && response["warnings"].to_string().contains("would now be refused")
    })
    .await;
    siege.end("edits beside a full memory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn costly_regexes_for_many_images_do_not_keep_the_slot() {
    let siege = Siege::start(POLICY, &[]).await;
    // A quarter of all that fit: to match each tag by all regexes takes most of a minute.
    fill(&siege, MOST / 4).await;
    let regexes: Vec<_> =
        (0..1_000).map(|number| format!("'/[ab]*a[ab]{{9}}c{number}/'")).collect();
    let costly = policy_edit(&format!("blockedTags: [{}]\n", regexes.join(", ")));
    // On a machine that is busy, the memory may not answer in time; not for ever.
    until("a part of what was seen is judged", async || {
        let (client, costly) = (siege.gate.client.clone(), costly.clone());
        let attack = async move {
            let mut connection = client.connect(Protocol::Http1).await.unwrap();
            post(&mut connection, "/validate-config", &costly).await
        };
        let (_, answer) = siege.attacked("costly regexes for many images", attack).await;
        answer["response"]["warnings"].to_string().contains("there was time for ")
    })
    .await;
    let mut connection = siege.gate.client.connect(Protocol::Http1).await.unwrap();
    let edit = policy_edit("allowedRegistries: [docker.io, gcr.io]\n");
    until("the next edit is judged", async || {
        let (status, answer) = post(&mut connection, "/validate-config", &edit).await;
        status == StatusCode::OK && answer["response"]["allowed"] == true
    })
    .await;
    siege.end("costly regexes for many images").await;
}
