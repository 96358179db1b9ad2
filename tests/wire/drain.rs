//! Group H over real sockets: replicas come and go, and no request is lost.

use std::fs;

use crate::support::authority::Authority;
use crate::support::client::{Client, PROTOCOLS, pod_review};
use crate::support::forwarder::Forwarder;
use crate::support::load::{Load, Tally};
use crate::support::process::{Gate, Process, Start, until};
use crate::support::skip::{Need, grants};
use crate::support::volume::Volume;
use http::StatusCode;
use imagegate::settings::Protocol;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const POLICY: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";
const LEAVING: &str = "shutting down: not ready, still serving";
const FOREVER: &str = "3600";

/// Replicas with one pair behind a forwarder.
struct Service {
    authority: Authority,
    volume: Volume,
    pair: TempDir,
    forwarder: Forwarder,
    client: Client,
}

impl Service {
    async fn start() -> Self {
        let (authority, pair) = (Authority::new(), TempDir::new().unwrap());
        authority.issue().write(pair.path());
        let forwarder = Forwarder::start().await;
        let client = Client::new(&authority, forwarder.address);
        Self { authority, volume: Volume::with_policy(POLICY), pair, forwarder, client }
    }

    /// Starts a replica and waits until it is sent to.
    async fn replica(&self, drain_delay: &str) -> Process {
        let (cert, key) = (self.pair.path().join("tls.crt"), self.pair.path().join("tls.key"));
        let start = Start::new().policy(&self.volume.path()).pair(&cert, &key);
        let settings = [("drain_delay_seconds", drain_delay), ("body_seconds", FOREVER)];
        let process = start.settings(&settings).serve().await;
        self.forwarder.add(&process);
        self.forwarder.uses(&process, true).await;
        process
    }

    fn load(&self) -> [Load; 2] {
        PROTOCOLS.map(|protocol| Load::start(&self.client, protocol, 4, &pod_review(&[GOOD])))
    }
}

/// Restarts both of two replicas three times under load, a new one before each old one, with a
/// new key pair for all each time.
async fn rolling_restart(drain_delay: &str, end: Signal, requests: u64) -> [Tally; 2] {
    let service = Service::start().await;
    let mut replicas = vec![service.replica(drain_delay).await, service.replica(drain_delay).await];
    let loads = service.load();
    for _ in 0..6 {
        service.authority.issue().write(service.pair.path());
        replicas.push(service.replica(drain_delay).await);
        loads[0].more(150).await;
        let old = replicas.remove(0);
        old.signal(end);
        service.forwarder.uses(&old, false).await;
        let ended = old.ended().await;
        assert_eq!(ended.status.success(), end == Signal::TERM, "{}", ended.log);
    }
    for load in &loads {
        load.more(requests).await;
    }
    let [one, two] = loads;
    [one.stop().await, two.stop().await]
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_a_rolling_restart_loses_no_request() {
    let tallies = rolling_restart("2", Signal::TERM, 5_000).await;
    for (protocol, tally) in PROTOCOLS.iter().zip(&tallies) {
        println!("H1: {protocol:?}: {}", tally.summary());
        assert_eq!(tally.failures, Vec::<String>::new());
        assert_eq!(tally.retried, 0);
    }
    let verdicts: usize = tallies.iter().map(Tally::verdicts).sum();
    assert!(verdicts >= 10_000, "{verdicts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_control_without_the_drain_the_same_restart_loses_requests() {
    let tallies = rolling_restart("0", Signal::KILL, 150).await;
    for (protocol, tally) in PROTOCOLS.iter().zip(&tallies) {
        println!("H1 control: {protocol:?}: {}", tally.summary());
        assert!(!tally.failures.is_empty(), "the restart is not seen: {protocol:?}");
    }
}

#[tokio::test]
async fn h2_a_request_that_is_under_way_at_sigterm_is_answered() {
    let settings = [("drain_delay_seconds", "0"), ("drain_grace_seconds", FOREVER)];
    for (signal, settings) in [(Signal::TERM, settings), (Signal::INT, settings)] {
        let gate = Gate::start(POLICY, &settings).await;
        let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
        let body = pod_review(&[GOOD]);
        stream.write_all(head(body.len()).as_bytes()).await.unwrap();
        stream.write_all(&body[..10]).await.unwrap();
        gate.process.metric_is("imagegate_requests_in_flight", |requests| requests == 1).await;
        gate.process.signal(signal);
        gate.process.logged(LEAVING).await;
        until("it accepts no more", async || {
            tokio::net::TcpStream::connect(gate.process.listen).await.is_err()
        })
        .await;
        stream.write_all(&body[10..]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.contains("\"allowed\":true"), "{answer}");
        let ended = gate.process.ended().await;
        assert_eq!(ended.status.code(), Some(0));
        assert!(ended.log.contains("no request in flight"), "{}", ended.log);
    }
}

#[tokio::test]
async fn h2_each_further_signal_ends_a_wait() {
    let settings = [("drain_delay_seconds", FOREVER), ("drain_grace_seconds", FOREVER)];
    let gate = Gate::start(POLICY, &settings).await;
    let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
    stream.write_all(head(100).as_bytes()).await.unwrap();
    gate.process.metric_is("imagegate_requests_in_flight", |requests| requests == 1).await;
    gate.process.signal(Signal::TERM);
    gate.process.logged(LEAVING).await;
    assert!(gate.client.review(Protocol::Http1, &pod_review(&[GOOD])).await.unwrap().allowed());
    gate.process.signal(Signal::TERM);
    until("the second ends the delay", async || {
        tokio::net::TcpStream::connect(gate.process.listen).await.is_err()
    })
    .await;
    gate.process.signal(Signal::TERM);
    let ended = gate.process.ended().await;
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.log.contains("stopped by a second signal"), "{}", ended.log);
}

#[tokio::test]
async fn h2_a_request_that_does_not_end_is_given_up_after_the_grace() {
    let settings = [("drain_delay_seconds", "0"), ("drain_grace_seconds", "1")];
    let gate = Gate::start(POLICY, &settings).await;
    let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
    stream.write_all(head(100).as_bytes()).await.unwrap();
    gate.process.metric_is("imagegate_requests_in_flight", |requests| requests == 1).await;
    gate.process.signal(Signal::TERM);
    let ended = gate.process.ended().await;
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.log.contains("stopped with requests in flight"), "{}", ended.log);
}

#[tokio::test]
async fn h2_as_the_first_process_of_a_container_it_obeys_signals() {
    let first = ["unshare", "--user", "--map-root-user", "--pid", "--kill-child"];
    let tried = [&first[..], &["true"]].concat();
    if !grants("h2_as_the_first_process_of_a_container", Need::Namespaces, &tried) {
        return;
    }
    let volume = Volume::with_policy(POLICY);
    let start = Start::through(&first).policy(&volume.path()).self_signed();
    let process = start.settings(&[("drain_delay_seconds", "0")]).serve().await;
    let outer = process.pid().as_raw_nonzero();
    let inner = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
    let inner = inner.trim().parse().ok().and_then(Pid::from_raw).unwrap();
    kill_process(inner, Signal::TERM).unwrap();
    let ended = process.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(ended.log.contains("no request in flight"), "{}", ended.log);
}

#[tokio::test]
async fn h2_while_leaving_each_connection_is_asked_to_go_and_new_ones_are_served() {
    let gate = Gate::start(POLICY, &[("drain_delay_seconds", FOREVER)]).await;
    let body = pod_review(&[GOOD]);
    let mut idle = gate.client.connect(Protocol::Http1).await.unwrap();
    let mut streams = gate.client.connect(Protocol::Http2).await.unwrap();
    for connection in [&mut idle, &mut streams] {
        let answer = connection.review(&body).await.unwrap();
        assert!(answer.allowed() && answer.header("connection").is_none());
    }
    gate.process.signal(Signal::TERM);
    gate.process.logged(LEAVING).await;
    let (status, why) = gate.process.page("/readyz").await;
    assert_eq!((status, why.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "leaving\n"));
    assert_eq!(gate.process.page("/healthz").await.0, StatusCode::OK);

    assert!(idle.ready().await, "an idle connection is not closed while it may be in use");
    let answer = idle.review(&body).await.unwrap();
    assert!(answer.allowed());
    assert_eq!(answer.header("connection"), Some("close"));
    until("GOAWAY", async || !streams.ready().await).await;
    for protocol in PROTOCOLS {
        assert!(gate.client.review(protocol, &body).await.unwrap().allowed());
    }
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go_so_that_replicas_share_the_load() {
    let gate = Gate::start(POLICY, &[("connection_age_seconds", "1")]).await;
    let body = pod_review(&[GOOD]);
    let mut old = gate.client.connect(Protocol::Http1).await.unwrap();
    let mut streams = gate.client.connect(Protocol::Http2).await.unwrap();
    until("close", async || {
        let answer = old.review(&body).await.unwrap();
        answer.allowed() && answer.header("connection") == Some("close")
    })
    .await;
    until("GOAWAY", async || {
        !streams.ready().await || streams.review(&body).await.is_err_and(|e| e.is_canceled())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h3_a_replica_that_is_killed_costs_what_it_had_in_flight() {
    const HELD: usize = 3;
    let service = Service::start().await;
    let (one, two) = (service.replica("0").await, service.replica("0").await);
    let body = pod_review(&[GOOD]);
    let mut held = Vec::new();
    for replica in [&one, &two] {
        for _ in 0..HELD {
            let mut stream = service.client.at(replica.listen).raw(Protocol::Http1).await.unwrap();
            stream.write_all(head(body.len()).as_bytes()).await.unwrap();
            stream.write_all(&body[..10]).await.unwrap();
            held.push(stream);
        }
        replica.metric_is("imagegate_requests_in_flight", |requests| requests == HELD).await;
    }
    let loads = service.load();
    for load in &loads {
        load.more(150).await;
    }
    // Each of the clients of the load waits for one answer at a time.
    let at_most = one.metric("imagegate_connections").await - HELD;
    one.signal(Signal::KILL);
    service.forwarder.uses(&one, false).await;
    // Whoever was being connected to it still fails; then nobody is sent to it.
    let mut lost = 0;
    for load in loads {
        load.more(150).await;
        let tally = load.stop().await;
        println!("H3: {}, {} of the failures unsent", tally.summary(), tally.unsent);
        lost += tally.failures.len() - tally.unsent;
    }
    assert!(lost <= at_most, "{lost} lost of at most {at_most} in flight");

    let mut answered = Vec::new();
    for mut stream in held {
        let _ = stream.write_all(&body[10..]).await;
        let mut answer = [0; 15];
        answered.push(
            stream.read_exact(&mut answer).await.is_ok_and(|_| &answer == b"HTTP/1.1 200 OK"),
        );
    }
    assert_eq!(answered, [false, false, false, true, true, true]);
    for load in service.load() {
        load.more(300).await;
        assert_eq!(load.stop().await.failures, Vec::<String>::new());
    }
}

#[tokio::test]
async fn h4_a_replica_that_was_stopped_goes_on_where_it_was() {
    let gate = Gate::start(POLICY, &[]).await;
    for protocol in PROTOCOLS {
        let mut connection = gate.client.connect(protocol).await.unwrap();
        gate.process.signal(Signal::STOP);
        let body = pod_review(&[GOOD]);
        let asked = tokio::spawn(async move { connection.review(&body).await });
        until("it is stopped", async || gate.process.state() == 'T').await;
        gate.process.signal(Signal::CONT);
        assert!(asked.await.unwrap().unwrap().allowed());
    }
}

/// The head of a request whose body has `length` bytes.
fn head(length: usize) -> String {
    format!(
        "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}
