//! What cluster admins do with the policy language, on the real binary.
//!
//! The fourth story, a bad edit that the API server refuses, is told by the end-to-end tests.

use crate::support::client::{Answer, pod, review_of};
use crate::support::process::{Gate, until};
use imagegate::settings::Protocol;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

async fn create(gate: &Gate, namespace: &str, image: &str) -> Answer {
    let mut review = review_of("CREATE", &pod(&[image]), &Value::Null);
    review["request"]["namespace"] = namespace.into();
    let body = review.to_string();
    gate.client.review(Protocol::Http1, body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn production_needs_digests_and_sandboxes_only_warn() {
    let gate = Gate::start(
        "overrides:\n\
         - {name: production, namespaces: [prod, 'prod-*'], requireDigest: true}\n\
         - {name: sandboxes, namespaces: ['dev-*'], mode: warn}\n",
        &[],
    )
    .await;
    assert!(create(&gate, "shop", "docker.io/acme/web:1").await.allowed());
    let denied = create(&gate, "prod-eu", "docker.io/acme/web:1").await;
    assert!(denied.message().ends_with("Only images pinned by digest are allowed."));
    let warned = create(&gate, "dev-jane", "evil.example/web:1").await;
    assert!(warned.allowed());
    let warnings = &warned.json()["response"]["warnings"];
    assert!(warnings[0].as_str().unwrap().contains("comes from an untrusted registry!"));
}

#[tokio::test]
async fn an_exemption_ends_by_the_clock_while_the_webhook_runs() {
    let ends = OffsetDateTime::now_utc() + Duration::seconds(3);
    let ends = ends.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
    let policy = format!(
        "exemptions:\n- {{name: agent, images: [quay.io/agent], reason: INC-1, expires: '{ends}'}}\n"
    );
    let gate = Gate::start(&policy, &[]).await;
    assert!(create(&gate, "shop", "quay.io/agent:1").await.allowed());
    assert_eq!(gate.process.logged("admitted by an exemption").await["reason"], "INC-1");
    let mut last = None;
    until("the exemption's end", async || {
        let answer = create(&gate, "shop", "quay.io/agent:1").await;
        let denied = !answer.allowed();
        last = Some(answer);
        denied
    })
    .await;
    let message = last.unwrap().message();
    assert!(message.contains("exemption `agent` expired"), "{message}");
    assert_eq!(gate.process.policy().await["generation"], 1, "nothing was reloaded");
}

#[tokio::test]
async fn a_candidate_shows_three_flips_and_bites_once_it_is_promoted() {
    const LIVE: &str = "allowedRegistries: [docker.io, quay.io]\n";
    const TIGHTER: &str = "allowedRegistries: [docker.io]\n";
    let mut gate = Gate::start(LIVE, &[]).await;
    gate.volume.write(&[("policy.yaml", LIVE), ("candidate.yaml", TIGHTER)]);
    until("the candidate", async || gate.process.policy().await["candidate"].is_object()).await;
    for image in ["quay.io/a:1", "quay.io/b:1", "docker.io/c:1", "quay.io/d:1"] {
        assert!(create(&gate, "shop", image).await.allowed(), "{image}");
    }
    let candidate = gate.process.policy().await["candidate"].clone();
    assert_eq!(candidate["evaluated"], 4);
    assert_eq!(candidate["flippedToDeny"], 3);
    assert_eq!(candidate["flipsByRule"], json!({"untrusted-registry": 3}));
    gate.process
        .metric_is("imagegate_candidate_flips_total{to=\"deny\"}", |value| value >= 3)
        .await;

    gate.volume.write(&[("policy.yaml", TIGHTER)]);
    until("the promotion", async || gate.process.policy().await["generation"] == 2).await;
    for image in ["quay.io/a:1", "quay.io/b:1", "quay.io/d:1"] {
        assert!(!create(&gate, "shop", image).await.allowed(), "{image}");
    }
    let page = gate.process.policy().await;
    assert_eq!(page["history"][1]["changes"], json!(["allowedRegistries: -quay.io"]));
    assert_eq!(page["history"][1]["loosens"], false);
    assert_eq!(page["candidate"], Value::Null);
}
