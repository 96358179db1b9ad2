//! Policies that attack the gate that reads them, as edits to be judged and as the mounted policy,
//! under the manifests' memory limit.

use crate::support::client::{Client, PROTOCOLS, whole};
use crate::support::process::until;
use crate::support::siege::Siege;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// What four edits that are refused may cost at once, in KiB.
const MOST: u64 = 160 << 10;

/// The most that the API server takes in a ConfigMap.
const LARGEST: usize = 1 << 20;

/// An edit of the policy, by anybody who reaches the port.
pub(crate) fn edit(policy: &str) -> Vec<u8> {
    let labels = json!({"imagegate/policy": "true"});
    let object = json!({"metadata": {"labels": labels}, "data": {"policy.yaml": policy}});
    let request = json!({"uid": "1", "operation": "CREATE", "object": object});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request,
    });
    review.to_string().into_bytes()
}

/// Has the policy judged by four clients at once, some times each, and returns the last answer.
async fn judged(client: Client, policy: String, times: usize) -> Value {
    let mut judges = Vec::new();
    for _ in 0..4 {
        let mut connection = client.connect(PROTOCOLS[0]).await.unwrap();
        let body = edit(&policy);
        judges.push(tokio::spawn(async move {
            let mut last = Value::Null;
            for _ in 0..times {
                let request = connection.request(Method::POST, "/validate-config", whole(&body));
                let answer = connection.send(request).await.unwrap();
                // One that is refused for now is as good as one that is judged: neither may hurt.
                if answer.status == StatusCode::OK {
                    last = answer.json()["response"].clone();
                } else {
                    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
                }
            }
            last
        }));
    }
    let mut answer = Value::Null;
    for judge in judges {
        let last = judge.await.unwrap();
        answer = if last.is_null() { answer } else { last };
    }
    assert!(!answer.is_null(), "nobody was judged");
    answer
}

fn filled(head: &str, tail: &str, item: impl Fn(u32) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let item = item(number);
        if text.len() + item.len() + tail.len() > LARGEST {
            break;
        }
        text.push_str(&item);
    }
    text + tail
}

/// A list of nine aliases of a list of nine aliases, and so on: a billion texts.
pub(crate) fn alias_bomb() -> String {
    let level = |n: usize| {
        let below = vec![format!("*a{}", n - 1); 9].join(",");
        format!("a{n}: &a{n} [{below}]\n")
    };
    format!("a0: &a0 [{}]\n{}", "aaaa,".repeat(9), (1..=16).map(level).collect::<String>())
}

/// Sixteen large regexes behind an anchor, in sixty overrides.
pub(crate) fn aliased_regexes() -> String {
    let regexes: Vec<_> = (0..16).map(|n| format!("'/a{n}[a-z]{{9000}}/'")).collect();
    let each = |n: usize| format!("- {{name: o{n}, blockedTags: *r}}\n");
    let overrides: String = (0..60).map(each).collect();
    format!("blockedTags: &r [{}]\noverrides:\n{overrides}", regexes.join(","))
}

/// Forty overrides of a thousand usual regexes each, which no list was too long for.
fn many_regexes() -> String {
    let list = |n: usize| {
        let regexes = (0..1_000).map(|m| format!("'/v{n}-{m}-[0-9]+/'"));
        regexes.collect::<Vec<_>>().join(",")
    };
    let each = |n: usize| format!("- {{name: o{n}, blockedTags: [{}]}}\n", list(n));
    format!("overrides:\n{}", (0..40).map(each).collect::<String>())
}

/// Valid, and among the costliest that a ConfigMap can hold.
fn full_lists() -> String {
    filled("overrides:\n", "", |n| {
        format!(
            "- {{name: a{n},allowedRegistries: [a.{n}],blockedRegistries: [b.{n}],\
             blockedTags: [{n}],allowedTags: [{n}]}}\n"
        )
    })
}

/// Valid: as many regexes as a policy may have, each as a list of its own.
fn regexes_in_lists() -> String {
    let each = |n: usize| {
        format!("- {{name: o{n}, namespaces: [n{n}], blockedTags: ['/[ab]*a[ab]{{9}}c{n}/']}}\n")
    };
    format!("overrides:\n{}", (0..1_000).map(each).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_that_would_be_huge_are_refused_at_once() {
    let siege = Siege::start("mode: enforce\n", &[]).await;
    for (policy, expected) in [
        (alias_bomb(), "the aliases up to here stand for more than the whole document"),
        (aliased_regexes(), "is too large a regex"),
        (many_regexes(), "more than the 1000 regexes that a policy may have"),
        (filled("overrides: [", "]", |_| "{},".into()), "are more than the limit of 10000"),
        (filled("blockedTags: [", "]", |_| "~,".into()), "expected a text, found nothing"),
    ] {
        // On a machine that is busy, an edit may be refused for the time that it takes; not for ever.
        until(expected, async || {
            let attack = judged(siege.gate.client.clone(), policy.clone(), 2);
            let response = siege.attacked(expected, attack).await;
            assert_eq!(response["allowed"], false);
            let message = response["status"]["message"].as_str().unwrap();
            let in_time = !message.starts_with("the policy cannot be judged within");
            assert!(!in_time || message.contains(expected), "{message}");
            in_time
        })
        .await;
    }
    let (_, cost) = siege.end("huge edits").await;
    assert!(cost.peak < cost.idle + MOST, "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_policies_are_judged_within_the_limit() {
    let siege = Siege::start("mode: enforce\n", &[]).await;
    for policy in [full_lists(), regexes_in_lists()] {
        // On a machine that is busy, an edit may be refused for the time that it takes; not for ever.
        until("a verdict within its time", async || {
            let attack = judged(siege.gate.client.clone(), policy.clone(), 1);
            let response = siege.attacked("the largest edits", attack).await;
            let message = response["status"]["message"].as_str().unwrap_or_default();
            assert!(message.is_empty() || message.contains("cannot be judged within"), "{message}");
            response["allowed"] == true
        })
        .await;
    }
    siege.end("the largest edits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_policies_serve_once_they_are_mounted() {
    for policy in [full_lists(), regexes_in_lists()] {
        // What the gate already judges by stays beside what replaces it.
        let mut siege = Siege::start(&policy, &[]).await;
        let generation = siege.gate.process.policy().await["generation"].as_u64().unwrap();
        siege.gate.volume.write(&[("policy.yaml", &format!("{policy}# again\nmode: warn\n"))]);
        until("the second policy", async || {
            siege.gate.process.policy().await["generation"].as_u64() > Some(generation)
        })
        .await;
        siege.end("the largest policies").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_would_be_huge_is_not_applied_when_it_is_mounted() {
    let mut siege = Siege::start("mode: enforce\n", &[]).await;
    for policy in [alias_bomb(), aliased_regexes(), many_regexes()] {
        siege.gate.volume.write(&[("policy.yaml", &policy)]);
        siege.gate.process.metric_is("imagegate_policy_last_reload_successful", |it| it == 0).await;
        siege.gate.volume.write(&[("policy.yaml", "mode: enforce\n")]);
        siege.gate.process.metric_is("imagegate_policy_last_reload_successful", |it| it == 1).await;
    }
    let (_, cost) = siege.end("huge policies").await;
    assert!(cost.peak < cost.idle + MOST, "{cost:?}");
}
