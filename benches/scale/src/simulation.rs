//! A cluster in which API servers ask replicas, event by event.
//!
//! A connection stays with the replica that kube-proxy picked at random when it was opened. What is not here: HTTP/2, the work
//! of the API server itself, packets that are lost, and a scheduler that lets a replica wait.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::client::{Client, Connection, Request};
use crate::constants::{
    AGE, AGE_JITTER, DRAIN, ENDPOINTS, NODE_LOST, RESTART, ROUND_TRIPS_TO_CONNECT, SYNC, TIMEOUT,
    WATCH,
};
use crate::outcome::Outcome;
use crate::processors::Processors;
use crate::random::Random;

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Reviews a second, of all API servers, which have equal parts of them.
    pub(crate) rate: f64,
    /// How many of them arrive together, on average.
    pub(crate) group: f64,
    /// Seconds over which those are spread.
    pub(crate) span: f64,
    /// Seconds of a processor for a review, each with its share.
    pub(crate) work: Vec<(f64, f64)>,
    /// And for a handshake.
    pub(crate) handshake: f64,
    /// Seconds to the gate and back.
    pub(crate) round_trip: f64,
    pub(crate) api_servers: usize,
    pub(crate) replicas: usize,
    /// Processors that a replica has.
    pub(crate) cores: f64,
    /// Whether all replicas share the processors of one.
    pub(crate) one_machine: bool,
    pub(crate) seconds: f64,
    /// Seconds in the beginning that do not count.
    pub(crate) warm_up: f64,
    pub(crate) seed: u64,
    pub(crate) happenings: Vec<(f64, Happening)>,
}

/// What happens to a replica, or to all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// It gets SIGTERM; another is there when it has gone.
    Drain(usize),
    /// Its process ends at once, and is started again.
    Kill(usize),
    /// Its node is gone, without a word.
    LoseNode(usize),
    /// The policy is edited.
    Edit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Serving,
    Leaving,
    /// Refuses connections.
    Gone,
    /// Answers nothing, not even a connection.
    Silent,
}

#[derive(Debug)]
struct Replica {
    state: State,
    /// Whether kube-proxy picks it.
    listed: bool,
    process: u32,
    /// When it has the policy of the last edit.
    reloads: f64,
    /// Where it computes.
    machine: usize,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Arrivals(usize),
    Arrival(usize),
    /// A machine may have time for a handshake.
    Handshake(usize),
    Opened(usize, Connection),
    Answered(usize, Connection, Request),
    GivenUp(usize, Request),
    Happens(Happening),
    Listed(usize, bool),
    Becomes(usize, State),
}

#[derive(Debug)]
struct Event {
    at: f64,
    /// Of those at the same time, the first that was thought of comes first.
    number: u64,
    what: What,
}

struct Cluster<'s> {
    scenario: &'s Scenario,
    random: Random,
    events: BinaryHeap<Event>,
    numbers: u64,
    clients: Vec<Client>,
    replicas: Vec<Replica>,
    machines: Vec<Processors<(usize, Connection)>>,
    /// Of each machine, when it is looked at for a handshake; never, while there is none.
    turns: Vec<f64>,
    outcome: Outcome,
}

impl Scenario {
    /// Runs it to its end; the same each time.
    pub(crate) fn run(&self) -> Outcome {
        let machine = |at| if self.one_machine { 0 } else { at };
        let replica = |at| Replica {
            state: State::Serving,
            listed: true,
            process: 0,
            reloads: 0.0,
            machine: machine(at),
        };
        let machines = if self.one_machine { 1 } else { self.replicas };
        let mut cluster = Cluster {
            scenario: self,
            random: Random::new(self.seed),
            events: BinaryHeap::new(),
            numbers: 0,
            clients: (0..self.api_servers).map(|_| Client::default()).collect(),
            replicas: (0..self.replicas).map(replica).collect(),
            machines: (0..machines)
                .map(|_| Processors::requested(self.cores, self.seconds))
                .collect(),
            turns: vec![f64::INFINITY; machines],
            outcome: Outcome::new(self.replicas, self.seconds, self.warm_up),
        };
        for (at, happening) in &self.happenings {
            cluster.later(*at, What::Happens(*happening));
        }
        for api_server in 0..self.api_servers {
            let at = cluster.pause();
            cluster.later(at, What::Arrivals(api_server));
        }
        while let Some(Event { at, what, .. }) = cluster.events.pop() {
            cluster.go_on(at, what);
        }
        cluster.outcome.spent = cluster.machines.iter().map(|machine| machine.spent).collect();
        cluster.outcome
    }
}

impl Cluster<'_> {
    fn later(&mut self, at: f64, what: What) {
        self.numbers += 1;
        self.events.push(Event { at, number: self.numbers, what });
    }

    /// Until an API server has the next group.
    fn pause(&mut self) -> f64 {
        let Scenario { rate, group, api_servers, .. } = self.scenario;
        self.random.exponential(group * *api_servers as f64 / rate)
    }

    fn go_on(&mut self, now: f64, what: What) {
        match what {
            What::Arrivals(api_server) => self.arrivals(now, api_server),
            What::Arrival(api_server) => self.arrival(now, api_server),
            What::Handshake(machine) => {
                self.turns[machine] = f64::INFINITY;
                self.shake_hands(now, machine);
            }
            What::Opened(api_server, connection) => {
                if self.is_open(&connection) {
                    self.free(now, api_server, connection);
                } else if self.clients[api_server].is_waiting() {
                    self.open(now, api_server);
                }
            }
            What::Answered(api_server, connection, request) => {
                self.answered(now, api_server, connection, request);
            }
            What::GivenUp(api_server, request) => {
                if self.clients[api_server].give_up(request.number) {
                    self.outcome.failed(now);
                }
            }
            What::Happens(happening) => self.happen(now, happening),
            What::Listed(replica, listed) => self.replicas[replica].listed = listed,
            What::Becomes(replica, state) => {
                self.replicas[replica].state = state;
                if state == State::Serving {
                    self.replicas[replica].process += 1;
                    self.later(now + ENDPOINTS, What::Listed(replica, true));
                }
            }
        }
    }

    fn arrivals(&mut self, now: f64, api_server: usize) {
        for _ in 0..self.random.geometric(self.scenario.group) {
            let at = now + self.random.between(0.0, self.scenario.span);
            self.later(at, What::Arrival(api_server));
        }
        let next = now + self.pause();
        if next < self.scenario.seconds {
            self.later(next, What::Arrivals(api_server));
        }
    }

    fn arrival(&mut self, now: f64, api_server: usize) {
        self.numbers += 1;
        let request = Request { number: self.numbers, arrived: now, work: self.work() };
        let replicas = &self.replicas;
        let is_open = |connection: &Connection| is_open(replicas, connection);
        if let Some(connection) = self.clients[api_server].take(request, now, is_open) {
            self.send(now, api_server, connection, request);
        } else {
            self.later(now + TIMEOUT, What::GivenUp(api_server, request));
            self.open(now, api_server);
        }
    }

    fn work(&mut self) -> f64 {
        let mut left = self.random.unit();
        for (work, share) in &self.scenario.work {
            left -= share;
            if left < 0.0 {
                return *work;
            }
        }
        self.scenario.work.last().map_or(0.0, |(work, _)| *work)
    }

    /// Opens a connection to one of those that kube-proxy knows.
    fn open(&mut self, now: f64, api_server: usize) {
        let listed = self.replicas.iter().filter(|replica| replica.listed).count();
        if listed == 0 {
            return;
        }
        let picked = self.random.below(listed);
        let (at, replica) =
            self.replicas.iter().enumerate().filter(|(_, it)| it.listed).nth(picked).unwrap();
        match replica.state {
            State::Serving | State::Leaving => {
                self.outcome.opened(now);
                let retires = now + AGE - self.random.between(0.0, AGE_JITTER);
                let connection = Connection::new(at, replica.process, retires);
                let machine = replica.machine;
                self.machines[machine].shake_hands(now, (api_server, connection));
                self.shake_hands(now, machine);
            }
            // Refused at once. Without an answer, it waits in vain.
            State::Gone => {
                if self.clients[api_server].refused() {
                    self.outcome.failed(now);
                }
            }
            State::Silent => {}
        }
    }

    /// Begins the next handshake, now or when there is time for it.
    fn shake_hands(&mut self, now: f64, machine: usize) {
        let began = self.machines[machine].next_handshake(now, self.scenario.handshake);
        if let Some(((api_server, connection), done)) = began {
            let travel = ROUND_TRIPS_TO_CONNECT * self.scenario.round_trip;
            self.later(done + travel, What::Opened(api_server, connection));
        }
        if let Some(at) = self.machines[machine].handshake_at(now)
            && at < self.turns[machine]
        {
            self.turns[machine] = at;
            self.later(at, What::Handshake(machine));
        }
    }

    fn send(&mut self, now: f64, api_server: usize, connection: Connection, request: Request) {
        let replica = &self.replicas[connection.replica];
        if replica.state == State::Silent {
            self.later(request.arrived + TIMEOUT, What::Answered(api_server, connection, request));
            return;
        }
        self.outcome.asked(connection.replica, now, replica.reloads > now);
        let done = self.machines[replica.machine].done(now, request.work);
        let back = done + self.scenario.round_trip;
        self.later(back, What::Answered(api_server, connection, request));
    }

    fn answered(&mut self, now: f64, api_server: usize, connection: Connection, request: Request) {
        if !self.is_open(&connection) || self.replicas[connection.replica].state == State::Silent {
            self.outcome.failed(now);
            return;
        }
        self.outcome.answered(now, now - request.arrived);
        let leaving = self.replicas[connection.replica].state == State::Leaving;
        if !leaving && connection.retires > now {
            self.free(now, api_server, connection);
        }
    }

    fn free(&mut self, now: f64, api_server: usize, connection: Connection) {
        if let Some(next) = self.clients[api_server].give(connection, now) {
            self.send(now, api_server, connection, next);
        }
    }

    fn happen(&mut self, now: f64, happening: Happening) {
        match happening {
            Happening::Drain(at) => {
                self.replicas[at].state = State::Leaving;
                self.later(now + ENDPOINTS, What::Listed(at, false));
                self.later(now + DRAIN, What::Becomes(at, State::Gone));
                self.later(now + DRAIN + RESTART, What::Becomes(at, State::Serving));
            }
            Happening::Kill(at) => {
                self.replicas[at].state = State::Gone;
                self.later(now + ENDPOINTS, What::Listed(at, false));
                self.later(now + RESTART, What::Becomes(at, State::Serving));
            }
            Happening::LoseNode(at) => {
                self.replicas[at].state = State::Silent;
                self.later(now + NODE_LOST + ENDPOINTS, What::Listed(at, false));
            }
            Happening::Edit => {
                for at in 0..self.replicas.len() {
                    // The rest of an interval that is under way; longer ones are more often under way.
                    let interval = loop {
                        let interval = self.random.between(SYNC.0, SYNC.1);
                        if self.random.unit() * SYNC.1 < interval {
                            break interval;
                        }
                    };
                    self.replicas[at].reloads = now + WATCH + self.random.between(0.0, interval);
                }
            }
        }
    }

    fn is_open(&self, connection: &Connection) -> bool {
        is_open(&self.replicas, connection)
    }
}

/// Whether the process at the other end of a connection is there, as far as its client can know.
fn is_open(replicas: &[Replica], connection: &Connection) -> bool {
    let replica = &replicas[connection.replica];
    replica.process == connection.process && replica.state != State::Gone
}

/// The earliest is the greatest, since a heap gives that first.
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

#[cfg(test)]
mod tests {
    use super::{Happening, Scenario};
    use crate::constants::{DRAIN, NODE_LOST, SYNC, WATCH};

    fn quiet() -> Scenario {
        Scenario {
            rate: 500.0,
            group: 1.0,
            span: 0.0,
            work: vec![(0.001, 1.0)],
            handshake: 0.0,
            round_trip: 0.0,
            api_servers: 2,
            replicas: 1,
            cores: 1.0,
            one_machine: false,
            seconds: 400.0,
            warm_up: 1.0,
            seed: 5,
            happenings: Vec::new(),
        }
    }

    /// With connections that cost nothing, a single replica is M/D/1.
    #[test]
    fn a_replica_is_the_queue_that_theory_knows() {
        let mut outcome = quiet().run();
        // Half of the time busy: the mean wait is half a service; half of the reviews do not wait.
        assert!((outcome.mean() / 0.0015 - 1.0).abs() < 0.03, "{}", outcome.mean());
        assert!((outcome.within(0.4) - 0.001).abs() < 1e-9);
        assert!((outcome.spent[0] / 400.0 - 0.5).abs() < 0.01);
    }

    #[test]
    fn the_same_seed_gives_the_same_outcome() {
        let scenario = Scenario { replicas: 3, handshake: 0.001, ..quiet() };
        let figures = |seed| {
            let mut outcome = Scenario { seed, ..scenario.clone() }.run();
            (outcome.asked.clone(), outcome.opened, outcome.within(0.99).to_bits())
        };
        assert_eq!(figures(1), figures(1));
        assert_ne!(figures(1), figures(2));
    }

    /// The rest of an interval between `least` and `most`: `E[X²] / 2 E[X]` on average.
    #[test]
    fn an_edit_takes_the_rest_of_a_sync() {
        let (least, most) = SYNC;
        let mean = f64::midpoint(least, most);
        let expected = WATCH + (mean * mean + (most - least).powi(2) / 12.0) / (2.0 * mean);
        let old = |seed| {
            let happenings = vec![(1.0, Happening::Edit)];
            let scenario = Scenario { seed, replicas: 4, seconds: 100.0, happenings, ..quiet() };
            let outcome = Scenario { rate: 200.0, api_servers: 32, ..scenario }.run();
            assert!(outcome.by_old(92, 100).abs() < f64::EPSILON);
            outcome.by_old(1, 91) * 90.0
        };
        let found = (0..100).map(old).sum::<f64>() / 100.0;
        assert!((found / expected - 1.0).abs() < 0.1, "{found} s, not {expected} s");
    }

    #[test]
    fn a_drain_loses_nothing_and_a_kill_what_was_under_way() {
        let scenario = Scenario { replicas: 3, seconds: 60.0, group: 8.0, ..quiet() };
        let failed = |happening| {
            let happenings = vec![(20.0, happening)];
            Scenario { happenings, ..scenario.clone() }.run().failed
        };
        assert_eq!(failed(Happening::Drain(0)), 0);
        let killed = failed(Happening::Kill(0));
        assert!((1..500).contains(&killed), "{killed}");
    }

    /// Each connection to a lost node fails one review, and so does each that is opened to it.
    #[test]
    fn a_lost_node_is_asked_until_it_is_known() {
        let at = 20.0;
        let happenings = vec![(at, Happening::LoseNode(0))];
        let outcome = Scenario { replicas: 3, seconds: 120.0, happenings, ..quiet() }.run();
        assert!(outcome.failed > 0);
        assert!(outcome.last_failed < at + NODE_LOST + DRAIN, "{}", outcome.last_failed);
    }
}
