//! Attacks by clients without credentials, each against a gate under the manifests' memory limit,
//! beside a bystander and a liveness probe.

use crate::support::siege::Siege;

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_nobody_attacks_stays_small() {
    let siege = Siege::start("mode: enforce\n", &[]).await;
    let (_, cost) = siege.end("nobody").await;
    assert!(cost.peak < cost.idle + (16 << 10), "{cost:?}");
}
