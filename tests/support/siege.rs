//! A gate under attack: held to the memory limit of the manifests, beside a client that behaves and
//! a liveness probe.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::future::Future;
use std::time::{Duration, Instant};

use http::StatusCode;
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::attacker::Attacker;
use super::client::{self, Client, PROTOCOLS, pod_review};
use super::load::{Load, Tally};
use super::process::Gate;

/// The memory limit of deploy/deployment.yaml.
const LIMIT: u64 = 256 << 20;
/// The liveness probe's `timeoutSeconds` of deploy/deployment.yaml.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// More often than the kubelet asks, so that a short silence is seen.
const PROBE_PERIOD: Duration = Duration::from_millis(500);

/// A gate with its bystander and its probe, from before the attack until after it.
pub(crate) struct Siege {
    pub(crate) gate: Gate,
    bystander: Bystander,
    probe: Probe,
    attacker: Attacker,
    /// Resident memory before the attack, in KiB.
    pub(crate) idle: u64,
}

/// What a siege cost.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Resident memory in KiB: before the attack, and at its highest.
    pub(crate) idle: u64,
    pub(crate) peak: u64,
    /// The longest that a liveness probe took.
    pub(crate) slowest_probe: Duration,
    /// Requests of the bystander that were told to come back, and were served then.
    pub(crate) retried: usize,
}

/// A client that behaves, on a connection of either protocol, while something else goes on.
pub(crate) struct Bystander([Load; 2]);

/// Asks `/healthz` on a new connection again and again.
struct Probe {
    stop: watch::Sender<bool>,
    asked: JoinHandle<Vec<Duration>>,
}

impl Siege {
    /// Starts a gate whose memory cannot exceed the limit: an allocation beyond it fails, which
    /// ends the process.
    pub(crate) async fn start(policy: &str, settings: &[(&str, &str)]) -> Self {
        let gate = Gate::start(policy, settings).await;
        let limit = Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) };
        prlimit(Some(gate.process.pid()), Resource::Data, limit).unwrap();
        let bystander = Bystander::start(&gate.client);
        for load in &bystander.0 {
            load.more(20).await;
        }
        let probe = Probe::start(&gate);
        let idle = gate.process.memory().0;
        let attacker = Attacker::new();
        Self { gate, bystander, probe, attacker, idle }
    }

    /// Runs an attack, and says what it cost either side in processor time until it returned. The
    /// gate's side has the bystander's requests in it, so its share is at most what is said.
    pub(crate) fn attacked<T: Send + 'static>(
        &self,
        what: &str,
        attack: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> {
        // Boxed here, since an attack is a large future, and would be part of every caller's.
        let attack = Box::pin(attack);
        async move {
            let before = (self.attacker.processor_time(), self.gate.process.processor_time());
            let came = self.attacker.run(attack).await;
            let attacker = self.attacker.processor_time().saturating_sub(before.0);
            let gate = self.gate.process.processor_time().saturating_sub(before.1);
            let ratio = gate.as_secs_f64() / attacker.as_secs_f64();
            println!(
                "{what}: processor time of the gate {gate:?}, of the attacker {attacker:?}, \
                 ratio {ratio:.2}"
            );
            came
        }
    }

    /// Waits until the bystander has so many more answers on each protocol.
    pub(crate) async fn goes_on(&self, requests: u64) {
        for load in &self.bystander.0 {
            load.more(requests).await;
        }
    }

    /// Ends the siege, and holds the bystander to have lost nothing, each probe to have been
    /// answered in time, and the process to have stayed below its limit.
    pub(crate) async fn end(self, what: &str) -> (Gate, Cost) {
        let Self { mut gate, bystander, probe, idle, attacker: _attacker } = self;
        // First, since a process that has died answers no probe either.
        assert!(gate.process.is_alive(), "{what}: {:#?}", gate.process.log());
        let slowest_probe = probe.stop(what).await;
        let retried = bystander.was_served(what).await.iter().map(|tally| tally.retried).sum();
        assert!(gate.process.is_alive(), "{what}: {:#?}", gate.process.log());
        let cost = Cost { idle, peak: gate.process.memory().1, slowest_probe, retried };
        println!("{what}: {cost:?}");
        assert!(cost.peak < LIMIT >> 10, "{what}: {cost:?}");
        (gate, cost)
    }
}

impl Bystander {
    /// Some 100 requests a second.
    pub(crate) fn start(client: &Client) -> Self {
        let (pause, body) =
            (Duration::from_millis(20), pod_review(&["docker.io/library/nginx:1.27"]));
        Self(PROTOCOLS.map(|protocol| Load::between(client, protocol, 1, &body, pause)))
    }

    /// Waits for some more answers, and holds all to be verdicts.
    pub(crate) async fn was_served(self, what: &str) -> [Tally; 2] {
        let [one, other] = self.0;
        let served = async |protocol, load: Load| {
            load.more(20).await;
            let tally = load.stop().await;
            println!("{what}: bystander, {protocol:?}: {}", tally.summary());
            assert_eq!(tally.failures, Vec::<String>::new(), "{what}");
            tally
        };
        [served(PROTOCOLS[0], one).await, served(PROTOCOLS[1], other).await]
    }
}

impl Probe {
    fn start(gate: &Gate) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let admin = gate.process.admin;
        let asked = tokio::spawn(async move {
            let mut took = Vec::new();
            // Once at least, however short the siege is.
            loop {
                let started = Instant::now();
                let answer = timeout(PROBE_TIMEOUT, client::get(admin, "/healthz")).await;
                let answer = answer.expect("a liveness probe timed out").expect("a probe failed");
                assert_eq!(answer.status, StatusCode::OK);
                took.push(started.elapsed());
                if *stopped.borrow() {
                    return took;
                }
                tokio::select! {
                    _ = stopped.changed() => {}
                    () = sleep(PROBE_PERIOD) => {}
                }
            }
        });
        Self { stop, asked }
    }

    async fn stop(self, what: &str) -> Duration {
        self.stop.send_replace(true);
        let took = self.asked.await.unwrap_or_else(|error| panic!("{what}: {error}"));
        took.into_iter().max().unwrap()
    }
}
