//! One cluster twice: as processes on two processors, and as the model has it.
//!
//! Reviews arrive by the clock, whether earlier ones are answered or not, in groups as the model has them.
//! A call that fails is made again by its controller, with client-go's pauses, until there is a verdict.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::IMAGE;
use super::balancer::Balancer;
use super::connection::{Connection, trusting};
use super::pool::Pool;
use super::replica::Replica;
use crate::bodies::pod_review;
use crate::constants::{DRAIN, ENDPOINTS, RESTART};
use crate::measured;
use crate::outcome::Outcome;
use crate::random::Random;
use crate::simulation::{Happening, Scenario};

const API_SERVERS: usize = 3;
const RATE: f64 = 600.0;
const GROUP: f64 = 4.0;
const SPAN: f64 = 0.01;
const SECONDS: f64 = 8.0;
/// With a replica that is killed and one that is drained.
const EVENTFUL_SECONDS: f64 = 20.0;
const KILLED_AT: f64 = 3.0;
const DRAINED_AT: f64 = 7.0;
const WARM_UP: f64 = 2.0;
const SEED: u64 = 20;
/// Threads that ask for one API server; more than it ever has reviews under way here.
const ASKERS: usize = 48;
/// Pauses of a controller that tries again. Source: client-go's `DefaultTypedControllerRateLimiter`, 5 ms
/// and twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// What came of one run with processes.
#[derive(Debug)]
struct Real {
    outcome: Outcome,
    sent: u64,
    admitted: u64,
}

/// Runs 1, 2 and 4 replicas, and 4 with a kill and a drain; the rows of a table.
///
/// # Errors
/// Where the webhook does not start, or a review got no verdict in the end.
pub(crate) fn compare(binary: &Path, directory: &Path) -> io::Result<String> {
    let round_trip = overhead(binary, directory)?;
    let mut text = format!(
        "client and balancer: {:.0} µs of each review\n\n\
         | replicas | | p50 | p99 | busiest | connections | CPU | failed calls |\n\
         |---|---|---|---|---|---|---|---|\n",
        round_trip * 1e6
    );
    for (replicas, seconds, happenings) in [
        (1, SECONDS, vec![]),
        (2, SECONDS, vec![]),
        (4, SECONDS, vec![]),
        (
            4,
            EVENTFUL_SECONDS,
            vec![(KILLED_AT, Happening::Kill(0)), (DRAINED_AT, Happening::Drain(1))],
        ),
    ] {
        let scenario = Scenario {
            rate: RATE,
            group: GROUP,
            span: SPAN,
            work: vec![(measured::seconds("review-12kB"), 1.0)],
            handshake: measured::seconds("handshake"),
            round_trip,
            api_servers: API_SERVERS,
            replicas,
            cores: 1.0,
            one_machine: true,
            seconds,
            warm_up: WARM_UP,
            seed: SEED,
            happenings,
        };
        let Real { mut outcome, sent, admitted } = run(&scenario, binary, directory)?;
        if admitted != sent {
            return Err(io::Error::other(format!("{} of {sent} were lost", sent - admitted)));
        }
        let name = if scenario.happenings.is_empty() { "" } else { ", a kill and a drain" };
        text.push_str(&row(&format!("{replicas}{name}"), "processes", &mut outcome, seconds));
        text.push_str(&row("", "model", &mut scenario.run(), seconds));
    }
    Ok(text)
}

fn row(name: &str, which: &str, outcome: &mut Outcome, seconds: f64) -> String {
    format!(
        "| {name} | {which} | {:.2} ms | {:.2} ms | {:.0} % | {} | {:.1} % | {} |\n",
        outcome.within(0.5) * 1e3,
        outcome.within(0.99) * 1e3,
        outcome.busiest() * 100.0,
        outcome.opened,
        outcome.spent.iter().sum::<f64>() / seconds * 100.0,
        outcome.failed,
    )
}

/// Seconds that a review takes beside the work of the replica: the client, the balancer, and waking up.
fn overhead(binary: &Path, directory: &Path) -> io::Result<f64> {
    let replica = Replica::start(binary, directory)?;
    let balancer = Balancer::start(SEED)?;
    balancer.add(0, replica.listen);
    let body = pod_review(12_000, IMAGE);
    let mut connection =
        Connection::open(balancer.address, &trusting(&directory.join("tls.crt"))?)?;
    let mut times = Vec::new();
    for _ in 0..400 {
        // At the pace of the run, since a processor that sleeps has to wake up.
        thread::sleep(Duration::from_millis(2));
        let asked = Instant::now();
        connection.ask(&body)?;
        times.push(asked.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2] - measured::seconds("review-12kB")).max(0.0))
}

fn run(scenario: &Scenario, binary: &Path, directory: &Path) -> io::Result<Real> {
    let balancer = Arc::new(Balancer::start(scenario.seed)?);
    let mut replicas = Vec::new();
    for at in 0..scenario.replicas {
        let replica = Replica::start(binary, directory)?;
        balancer.add(at, replica.listen);
        replicas.push(replica);
    }
    let config = trusting(&directory.join("tls.crt"))?;
    let processor_time =
        |replicas: &[Replica]| replicas.iter().map(Replica::spent).sum::<io::Result<f64>>();
    let before = processor_time(&replicas)?;
    let outcome = Outcome::new(scenario.replicas, scenario.seconds, scenario.warm_up);
    let shared = Arc::new(Shared {
        begun: Instant::now(),
        body: pod_review(12_000, IMAGE),
        outcome: Mutex::new(outcome),
        admitted: AtomicU64::new(0),
    });
    let mut api_servers = Vec::new();
    for api_server in 0..scenario.api_servers {
        let pool = Pool::new(balancer.address, Arc::clone(&config));
        let (shared, scenario) = (Arc::clone(&shared), scenario.clone());
        api_servers.push(thread::spawn(move || serve(api_server, &scenario, &pool, &shared)));
    }
    let warm = Duration::from_secs_f64(scenario.warm_up);
    thread::sleep(warm);
    let opened = balancer.opened();
    let asked: Vec<u64> = replicas.iter().map(Replica::answered).collect::<io::Result<_>>()?;
    let mut used = 0.0;
    for (at, happening) in &scenario.happenings {
        let at = Duration::from_secs_f64(*at);
        thread::sleep(at.saturating_sub(shared.begun.elapsed()));
        used += happen(*happening, &mut replicas, &balancer, binary, directory)?;
    }
    let sent = api_servers.into_iter().filter_map(|thread| thread.join().ok()).sum();
    used += processor_time(&replicas)? - before;
    let mut outcome = std::mem::take(&mut *shared.outcome());
    for (at, replica) in replicas.iter().enumerate() {
        outcome.asked[at] = replica.answered()?.saturating_sub(asked[at]);
    }
    outcome.opened = balancer.opened() - opened;
    outcome.spent = vec![used];
    Ok(Real { outcome, sent, admitted: shared.admitted.load(Ordering::SeqCst) })
}

/// Does what the model does at that moment, each step in its time, and says what the process had spent that
/// is gone.
fn happen(
    happening: Happening,
    replicas: &mut [Replica],
    balancer: &Arc<Balancer>,
    binary: &Path,
    directory: &Path,
) -> io::Result<f64> {
    let pause = |seconds| thread::sleep(Duration::from_secs_f64(seconds));
    let (at, spent, seconds_until_it_is_back) = match happening {
        Happening::Kill(at) => {
            let spent = replicas[at].spent()?;
            replicas[at].kill()?;
            pause(ENDPOINTS);
            balancer.remove(at);
            (at, spent, RESTART - ENDPOINTS)
        }
        Happening::Drain(at) => {
            replicas[at].terminate()?;
            pause(ENDPOINTS);
            balancer.remove(at);
            // Its last seconds are idle ones.
            pause(DRAIN - ENDPOINTS - 1.0);
            (at, replicas[at].spent()?, RESTART + 1.0)
        }
        Happening::LoseNode(_) | Happening::Edit => return Ok(0.0),
    };
    pause(seconds_until_it_is_back);
    replicas[at] = Replica::start(binary, directory)?;
    balancer.add(at, replicas[at].listen);
    Ok(spent)
}

#[derive(Debug)]
struct Shared {
    begun: Instant,
    body: Vec<u8>,
    outcome: Mutex<Outcome>,
    admitted: AtomicU64,
}

impl Shared {
    fn outcome(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One API server; how many reviews it had.
fn serve(number: usize, scenario: &Scenario, pool: &Arc<Pool>, shared: &Arc<Shared>) -> u64 {
    let (sender, arrivals) = channel::<Instant>();
    let arrivals = Arc::new(Mutex::new(arrivals));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            let (arrivals, pool, shared) =
                (Arc::clone(&arrivals), Arc::clone(pool), Arc::clone(shared));
            thread::spawn(move || while ask_next(&arrivals, &pool, &shared) {})
        })
        .collect();
    let mut sent = 0;
    for at in schedule(number, scenario) {
        let at = shared.begun + Duration::from_secs_f64(at);
        thread::sleep(at.saturating_duration_since(Instant::now()));
        sent += u64::from(sender.send(at).is_ok());
    }
    drop(sender);
    for asker in askers {
        let _ = asker.join();
    }
    sent
}

/// When its reviews arrive, in order.
fn schedule(number: usize, scenario: &Scenario) -> Vec<f64> {
    let mut random = Random::new(scenario.seed + 100 * number as u64);
    let pause = scenario.group * scenario.api_servers as f64 / scenario.rate;
    let (mut now, mut times) = (0.0, Vec::new());
    loop {
        now += random.exponential(pause);
        if now >= scenario.seconds {
            times.sort_by(f64::total_cmp);
            return times;
        }
        for _ in 0..random.geometric(scenario.group) {
            times.push(now + random.between(0.0, scenario.span));
        }
    }
}

/// Asks for the next review until there is a verdict; false where no more come.
fn ask_next(arrivals: &Mutex<Receiver<Instant>>, pool: &Arc<Pool>, shared: &Shared) -> bool {
    let next = arrivals.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let Ok(arrived) = next else { return false };
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = pool.call(&shared.body);
        let now = Instant::now();
        match answer {
            Ok(answer) if answer.status == 200 && answer.allowed => {
                shared.admitted.fetch_add(1, Ordering::SeqCst);
                let at = (now - shared.begun).as_secs_f64();
                shared.outcome().answered(at, (now - arrived).as_secs_f64());
                return true;
            }
            // The API server itself asks again after a second.
            Ok(answer) if answer.status == 503 => thread::sleep(Duration::from_secs(1)),
            _ => {
                shared.outcome().failed((now - shared.begun).as_secs_f64());
                thread::sleep(pause);
                pause *= 2;
            }
        }
    }
}
