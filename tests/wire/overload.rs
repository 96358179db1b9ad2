//! Group G over real sockets: more than fits is refused at once, and memory has a bound.

use std::time::{Duration, Instant};

use crate::support::authority::Authority;
use crate::support::client::{Client, PROTOCOLS, pod_review};
use crate::support::load::Load;
use crate::support::process::{Gate, Start, until};
use crate::support::skip::{Need, grants};
use crate::support::volume::Volume;
use http::StatusCode;
use imagegate::settings::Protocol;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

const POLICY: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";
const IN_FLIGHT: &str = "imagegate_requests_in_flight";
const SHED: &str = "imagegate_requests_shed_total";
const PATIENT: (&str, &str) = ("body_seconds", "600");

/// A request that is half sent.
struct Held {
    stream: TlsStream<TcpStream>,
    rest: Vec<u8>,
}

impl Held {
    async fn new(client: &Client, body: &[u8]) -> Self {
        let mut stream = client.raw(Protocol::Http1).await.unwrap();
        let head = format!(
            "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let (sent, rest) = body.split_at(body.len() / 2);
        stream.write_all(&[head.as_bytes(), sent].concat()).await.unwrap();
        stream.flush().await.unwrap();
        Self { stream, rest: rest.to_vec() }
    }

    /// Sends the rest; the answer with its head.
    async fn release(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn is_verdict(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"allowed\":true")
}

/// Whether it is the answer that the API server obeys by asking again.
fn is_shed(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 503 ")
        && answer.contains("\r\nretry-after: 1\r\n")
        && answer.contains("\"error\":\"too many requests at once\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_six_hundred_large_bodies_at_once_stay_within_the_budget() {
    const CLIENTS: usize = 600;
    const LENGTH: usize = 1_000_000;
    /// Bodies that fit `max_body_bytes_total`, in whole KiB each.
    const FIT: usize = (64 << 20) / (LENGTH.div_ceil(1024) * 1024);
    let gate = Gate::start(POLICY, &[PATIENT]).await;
    let (before, base) = (gate.process.memory().0, gate.process.descriptors());
    let mut body = pod_review(&[GOOD]);
    body.resize(LENGTH, b' ');

    let mut opening = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, body) = (gate.client.clone(), body.clone());
        opening.spawn(async move { Held::new(&client, &body).await });
    }
    let held = opening.join_all().await;
    gate.process.metric_is(IN_FLIGHT, |requests| requests == CLIENTS).await;
    let halfway = gate.process.memory().0;
    let mut releasing: JoinSet<String> = held.into_iter().map(Held::release).collect();
    let (mut verdicts, mut shed) = (0, 0);
    while let Some(answer) = releasing.join_next().await {
        let answer = answer.unwrap();
        verdicts += usize::from(is_verdict(&answer));
        shed += usize::from(is_shed(&answer));
    }
    let (_, highest) = gate.process.memory();
    println!(
        "G1: {verdicts} verdicts, {shed} shed; {before} KiB resident, {halfway} KiB halfway, \
         {highest} KiB at most"
    );
    // The rest of a body takes the place of bodies that came before it, so that not all that would
    // fit come to their end.
    assert!(verdicts > FIT / 2, "{verdicts} verdicts of {FIT} that fit");
    assert_eq!(verdicts + shed, CLIENTS, "nobody is left without an answer");
    assert_eq!(gate.process.metric(SHED).await, shed);
    // The budget, and what each connection holds besides: TLS records, the buffer it is read into, and
    // a chunk that waits for its part of the budget. That is 115 KiB as measured. Were bodies not
    // bounded, it would be 1,000 KiB.
    let bound = before + (64 << 10) + 600 * 160;
    assert!(highest < bound, "{before} KiB, at most {highest} KiB of {bound} KiB");
    gate.process.metric_is(IN_FLIGHT, |requests| requests == 0).await;
    gate.process.descriptors_return_to(base).await;
    assert!(is_verdict(&Held::new(&gate.client, &body).await.release().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_a_client_that_obeys_retry_after_does_not_notice_an_overload() {
    let gate = Gate::start(POLICY, &[PATIENT, ("max_requests", "4")]).await;
    let body = pod_review(&[GOOD]);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(Held::new(&gate.client, &body).await);
    }
    gate.process.metric_is(IN_FLIGHT, |requests| requests == 4).await;
    // Four times as many clients as slots: those that have sent half of a body make room.
    let loads = PROTOCOLS.map(|protocol| Load::start(&gate.client, protocol, 8, &body));
    for load in &loads {
        load.more(64).await;
    }
    // As many as it took: whoever was given up is told to come back, whoever was not is judged.
    let mut shed = 0;
    for each in held {
        let answer = each.release().await;
        assert!(is_shed(&answer) || is_verdict(&answer), "{answer}");
        shed += usize::from(is_shed(&answer));
    }
    assert!(shed > 0 && gate.process.metric(SHED).await >= shed);
    for _ in 0..4 {
        assert!(gate.client.review(Protocol::Http1, &body).await.unwrap().allowed());
    }
    for (protocol, load) in PROTOCOLS.iter().zip(loads) {
        load.more(16).await;
        let tally = load.stop().await;
        println!("G2: {protocol:?}: {}", tally.summary());
        assert_eq!(tally.failures, Vec::<String>::new());
    }
}

#[tokio::test]
async fn g2_connections_beyond_the_limit_are_closed_at_once() {
    let gate = Gate::start(POLICY, &[("max_connections", "3")]).await;
    let body = pod_review(&[GOOD]);
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(gate.client.connect(Protocol::Http1).await.unwrap());
    }
    assert!(gate.client.connect(Protocol::Http1).await.is_err());
    assert_eq!(gate.process.metric(SHED).await, 1);
    for connection in &mut kept {
        assert!(connection.review(&body).await.unwrap().allowed());
    }
    kept.pop();
    until("a place is free", async || gate.client.review(Protocol::Http1, &body).await.is_ok())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_probes_are_answered_while_one_processor_is_busy_with_reviews() {
    const CLIENTS: usize = 32;
    /// Two probes wait their turn a few times each, to be accepted, read and answered; each time
    /// every client of either protocol may come first.
    const TURNS: u64 = 8 * 2 * CLIENTS as u64;
    let one_processor = ["taskset", "-c", "0"];
    let tried = [&one_processor[..], &["true"]].concat();
    if !grants("g3_probes_are_answered_while_one_processor_is_busy", Need::Taskset, &tried) {
        return;
    }
    let (authority, pair) = (Authority::new(), TempDir::new().unwrap());
    let (cert, key) = authority.issue().write(pair.path());
    let volume = Volume::with_policy(POLICY);
    let start = Start::through(&one_processor).policy(&volume.path()).pair(&cert, &key);
    let process = start.serve().await;
    let client = Client::new(&authority, process.listen);
    let images = vec![GOOD; 50];
    let body = pod_review(&images);
    let loads = PROTOCOLS.map(|protocol| Load::start(&client, protocol, CLIENTS, &body));
    let answered = || loads.iter().map(Load::ended).sum::<u64>();
    let (mut most, mut slowest) = (0, Duration::ZERO);
    for _ in 0..20 {
        // It is busy, also after the last probe.
        for load in &loads {
            load.more(CLIENTS as u64).await;
        }
        let (before, started) = (answered(), Instant::now());
        assert_eq!(process.page("/healthz").await.0, StatusCode::OK);
        assert_eq!(process.page("/readyz").await.0, StatusCode::OK);
        most = most.max(answered() - before);
        slowest = slowest.max(started.elapsed());
    }
    println!("G3: both probes, slowest of 20: {slowest:?}, at most {most} reviews in between");
    assert!(most <= TURNS, "{most} reviews were answered before two probes were");
    for (protocol, load) in PROTOCOLS.iter().zip(loads) {
        let tally = load.stop().await;
        println!("G3: {protocol:?}: {}", tally.summary());
        assert_eq!(tally.failures, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_load_with_reloads_leaves_no_descriptor_and_no_thread() {
    let mut gate = Gate::start(POLICY, &[]).await;
    let base = gate.process.descriptors();
    let body = pod_review(&[GOOD]);
    let mut seen = Vec::new();
    for round in 0..4 {
        let loads = PROTOCOLS.map(|protocol| Load::start(&gate.client, protocol, 4, &body));
        for edit in 0..3 {
            let policy = format!("blockedTags: [round-{round}-{edit}]\n");
            gate.volume.write(&[("policy.yaml", &policy)]);
            let generation = round * 3 + edit + 2;
            gate.process.metric_is("imagegate_policy_generation", |now| now == generation).await;
            loads[0].more(100).await;
        }
        for load in loads {
            assert_eq!(load.stop().await.failures, Vec::<String>::new());
        }
        gate.process.descriptors_return_to(base).await;
        seen.push((gate.process.memory().0, gate.process.threads()));
    }
    println!("G4: KiB resident and threads after each round: {seen:?}");
    let most = seen.iter().map(|(_, threads)| *threads).max().unwrap();
    // The runtime keeps idle threads for blocking work for some seconds.
    assert!(most <= seen[0].1 + 8, "{seen:?}");
}
