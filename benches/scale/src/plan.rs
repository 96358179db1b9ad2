//! Which clusters are simulated, and how large a gate they need.

use crate::constants::{DRAIN, GROUP, GROUP_SPAN, NODE_LOST, REVIEWS_PER_POD, ROUND_TRIP, SIZES};
use crate::measured;
use crate::outcome::Outcome;
use crate::simulation::{Happening, Scenario};

pub(crate) const PODS: [f64; 3] = [100.0, 1_000.0, 10_000.0];
pub(crate) const API_SERVERS: [usize; 4] = [1, 3, 8, 32];
/// Three at least, for a drain during an outage.
const REPLICAS: [usize; 4] = [3, 4, 6, 9];
const CORES: [f64; 6] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0];
/// Seconds within which 99 of 100 reviews are answered, with one replica gone and no more CPU than requested.
pub(crate) const GOAL: f64 = 0.010;
/// The part of the requested CPU that may be used then.
pub(crate) const MOST_LOAD: f64 = 0.7;
const WARM_UP: f64 = 20.0;
/// Reviews that are enough for a 99th percentile, and seconds that are enough for connections to come and go.
const ENOUGH: f64 = 300_000.0;
const SEEDS: [u64; 3] = [1, 2, 3];

/// A gate, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) pods: f64,
    pub(crate) api_servers: usize,
    pub(crate) replicas: usize,
    pub(crate) cores: f64,
    /// Seconds: the middle, 99 and 99.9 of 100; with all replicas.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// 99 of 100 with one replica gone.
    pub(crate) p99_less: f64,
    /// CPU of all replicas, in processors.
    pub(crate) used: f64,
    /// The part of the reviews that the busiest replica has.
    pub(crate) busiest: f64,
    /// Connections that are opened a second.
    pub(crate) opened: f64,
    /// Reviews that fail when a node is lost without a word, and when a replica is drained.
    pub(crate) lost_with_node: f64,
    pub(crate) lost_with_drain: u64,
}

/// A cluster as it usually is, with nothing happening.
pub(crate) fn cluster(pods: f64, api_servers: usize, replicas: usize, cores: f64) -> Scenario {
    let work = SIZES.map(|(size, share)| (measured::seconds(&format!("review-{size}kB")), share));
    let rate = pods * REVIEWS_PER_POD;
    Scenario {
        rate,
        group: GROUP,
        span: GROUP_SPAN,
        work: work.to_vec(),
        handshake: measured::seconds("handshake"),
        round_trip: ROUND_TRIP,
        api_servers,
        replicas,
        cores,
        one_machine: false,
        seconds: WARM_UP + (ENOUGH / rate).clamp(20.0, 600.0),
        warm_up: WARM_UP,
        seed: SEEDS[0],
        happenings: Vec::new(),
    }
}

/// Seconds of a processor for one review, on average.
pub(crate) fn mean_work() -> f64 {
    cluster(1.0, 1, 1, 1.0).work.iter().map(|(work, share)| work * share).sum()
}

/// The smallest gate that reaches the goal: the fewest replicas, and the least CPU for each.
pub(crate) fn smallest(pods: f64, api_servers: usize) -> Option<Row> {
    let mut sizes =
        REPLICAS.iter().flat_map(|replicas| CORES.iter().map(|cores| (*replicas, *cores)));
    sizes.find_map(|(replicas, cores)| row(pods, api_servers, replicas, cores))
}

/// A gate that reaches the goal; `None` where it does not.
fn row(pods: f64, api_servers: usize, replicas: usize, cores: f64) -> Option<Row> {
    let left = replicas - 1;
    // Without handshakes, so that what cannot do is not tried.
    if pods * REVIEWS_PER_POD * mean_work() > MOST_LOAD * left as f64 * cores {
        return None;
    }
    let seconds = cluster(pods, api_servers, replicas, cores).seconds;
    let used = |outcome: &Outcome| outcome.spent.iter().sum::<f64>() / seconds;
    let mut less =
        SEEDS.map(|seed| Scenario { seed, ..cluster(pods, api_servers, left, cores) }.run());
    let p99_less = median(less.each_mut().map(|outcome| outcome.within(0.99)));
    let load = median(less.each_ref().map(used)) / (left as f64 * cores);
    if p99_less > GOAL || load > MOST_LOAD {
        return None;
    }
    let mut outcomes =
        SEEDS.map(|seed| Scenario { seed, ..cluster(pods, api_servers, replicas, cores) }.run());
    let within = |outcomes: &mut [Outcome; 3], share| {
        median(outcomes.each_mut().map(|outcome| outcome.within(share)))
    };
    let lost = |happening, seconds| {
        SEEDS.map(|seed| {
            let happenings = vec![(WARM_UP, happening)];
            let scenario = cluster(pods, api_servers, replicas, cores);
            Scenario { seed, seconds: WARM_UP + seconds, happenings, ..scenario }.run().failed
        })
    };
    Some(Row {
        pods,
        api_servers,
        replicas,
        cores,
        p50: within(&mut outcomes, 0.5),
        p99: within(&mut outcomes, 0.99),
        p999: within(&mut outcomes, 0.999),
        p99_less,
        used: median(outcomes.each_ref().map(used)),
        busiest: median(outcomes.each_ref().map(Outcome::busiest)),
        opened: median(
            outcomes.each_ref().map(|outcome| outcome.opened as f64 / (seconds - WARM_UP)),
        ),
        lost_with_node: median(
            lost(Happening::LoseNode(0), NODE_LOST + 10.0).map(|failed| failed as f64),
        ),
        lost_with_drain: lost(Happening::Drain(0), DRAIN + 10.0).into_iter().sum(),
    })
}

/// The part of the reviews by the old policy in each second after an edit, on average over many edits.
pub(crate) fn old_after_edit(api_servers: usize, replicas: usize) -> Vec<f64> {
    const EDITS: u64 = 200;
    let mut parts = vec![0.0; 95];
    for seed in 0..EDITS {
        let happenings = vec![(WARM_UP, Happening::Edit)];
        let scenario = cluster(20.0, api_servers, replicas, 1.0);
        let outcome = Scenario { seed, seconds: WARM_UP + 95.0, happenings, ..scenario }.run();
        for (second, part) in parts.iter_mut().enumerate() {
            let at = WARM_UP as usize + second;
            *part += outcome.by_old(at, at + 1) / EDITS as f64;
        }
    }
    parts
}

/// The part of the reviews that the busiest of some replicas has.
pub(crate) fn busiest(api_servers: usize, replicas: usize) -> f64 {
    median(SEEDS.map(|seed| {
        Scenario { seed, ..cluster(1_000.0, api_servers, replicas, 1.0) }.run().busiest()
    }))
}

/// 99 of 100, in seconds.
pub(crate) fn p99(pods: f64, api_servers: usize, replicas: usize, cores: f64) -> f64 {
    median(SEEDS.map(|seed| {
        Scenario { seed, ..cluster(pods, api_servers, replicas, cores) }.run().within(0.99)
    }))
}

fn median(mut values: [f64; 3]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[1]
}
