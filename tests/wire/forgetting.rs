//! The memory of images over real sockets: however many there are, it takes what it may take, and says
//! what it forgot.

use crate::support::client::{Connection, pod, review_of};
use crate::support::process::Gate;
use imagegate::settings::Protocol;
use serde_json::Value;

const POLICY: &str = "mode: enforce\n";
/// As many as one request leaves behind at most.
const IMAGES: usize = 32;
/// No namespace has a quarter of the memory.
const NAMESPACES: usize = 50;

/// Asks for images that nobody has asked for, `from` one number to another.
async fn ask_for_new(connection: &mut Connection, from: usize, to: usize) {
    for first in (from..to).step_by(IMAGES) {
        let images = first..to.min(first + IMAGES);
        let images: Vec<_> =
            images.map(|at| format!("docker.io/team-{}/service-{at}:1.{at}", at % 100)).collect();
        let images: Vec<_> = images.iter().map(String::as_str).collect();
        let mut review = review_of("CREATE", &pod(&images), &Value::Null);
        review["request"]["namespace"] =
            format!("namespace-{}", first / IMAGES % NAMESPACES).into();
        assert!(connection.review(review.to_string().as_bytes()).await.unwrap().allowed());
    }
}

#[tokio::test]
async fn k5_a_hundred_thousand_images_take_the_room_of_four_thousand() {
    const ENTRIES: usize = 4096;
    const ALL: usize = 100_000;
    let gate = Gate::start(POLICY, &[("observed_images", "4096")]).await;
    let mut connection = gate.client.connect(Protocol::Http2).await.unwrap();
    // Until every part of the way has what it keeps.
    ask_for_new(&mut connection, 0, 2 * ENTRIES).await;
    let before = gate.process.memory().0;
    ask_for_new(&mut connection, 2 * ENTRIES, ALL).await;
    let after = gate.process.memory().0;

    let observed =
        async |what: &str| gate.process.metric(&format!("imagegate_observed_{what}")).await;
    let counted = async || {
        let (held, evicted) = (observed("entries").await, observed("evictions_total").await);
        let lost = observed("losses_total{reason=\"busy\"}").await;
        (held, evicted, lost)
    };
    crate::support::process::until("all are counted", async || {
        let (held, evicted, lost) = counted().await;
        held + evicted + lost == ALL
    })
    .await;
    let (held, evicted, lost) = counted().await;
    println!("K5: {held} held, {evicted} evicted, {lost} lost; {before} KiB, then {after} KiB");
    assert!(held <= ENTRIES && held > ENTRIES / 2, "{held} held");
    assert!(evicted > ALL - 2 * ENTRIES - lost, "{evicted} evicted, {lost} lost");
    // All of them would take 20 MiB.
    assert!(after < before + (4 << 10), "{before} KiB, then {after} KiB");
}
