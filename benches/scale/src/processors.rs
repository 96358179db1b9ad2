//! The processors of one machine, as a queue: first come, first served, by whichever is free first.
//!
//! Handshakes are apart: one at a time computes, and the next begins where a processor has nothing else to
//! do, as the gate does it (`src/server/accept.rs`); so a storm of them delays a review by one at most.

use std::collections::VecDeque;

use crate::constants::{HANDSHAKE, MOST_CONNECTIONS};

/// When each of them is free again.
#[derive(Debug)]
pub(crate) struct Processors<T> {
    free: Vec<f64>,
    /// Of one processor, relative to one that it has for itself.
    speed: f64,
    /// Seconds of a whole processor that were spent on what arrived in time.
    pub(crate) spent: f64,
    /// Until when that is counted.
    until: f64,
    /// Each with the time since when it waits.
    handshakes: VecDeque<(f64, T)>,
    /// When the handshake that computes is done.
    handshake: f64,
}

impl<T> Processors<T> {
    /// As a container has them that gets what it requested and nothing more: 2.5 are three of them at five
    /// sixths of their speed.
    pub(crate) fn requested(cores: f64, until: f64) -> Self {
        let count = cores.ceil().max(1.0);
        Self {
            free: vec![0.0; count as usize],
            speed: cores / count,
            spent: 0.0,
            until,
            handshakes: VecDeque::new(),
            handshake: 0.0,
        }
    }

    /// Takes in work that arrives at `now` and takes `seconds` of a whole processor; when it is done. Calls
    /// come in the order of `now`.
    pub(crate) fn done(&mut self, now: f64, seconds: f64) -> f64 {
        if now < self.until {
            self.spent += seconds;
        }
        let first = self.first();
        let done = self.free[first].max(now) + seconds / self.speed;
        self.free[first] = done;
        done
    }

    /// A handshake waits for its turn. Ask for [`Processors::next_handshake`] when that may be.
    pub(crate) fn shake_hands(&mut self, now: f64, with: T) {
        if self.handshakes.len() >= MOST_CONNECTIONS {
            self.handshakes.pop_front();
        }
        self.handshakes.push_back((now, with));
    }

    /// When the next handshake may begin, not before `now`; `None` where there is none.
    pub(crate) fn handshake_at(&self, now: f64) -> Option<f64> {
        let at = self.free[self.first()].max(self.handshake).max(now);
        (!self.handshakes.is_empty()).then_some(at)
    }

    /// The handshake that begins at `now`, and when it is done; `None` where its turn has not come.
    pub(crate) fn next_handshake(&mut self, now: f64, seconds: f64) -> Option<(T, f64)> {
        if self.handshake_at(now)? > now {
            return None;
        }
        while self.handshakes.front().is_some_and(|(since, _)| *since + HANDSHAKE < now) {
            self.handshakes.pop_front();
        }
        let (_, with) = self.handshakes.pop_front()?;
        self.handshake = self.done(now, seconds);
        Some((with, self.handshake))
    }

    fn first(&self) -> usize {
        let mut first = 0;
        for at in 1..self.free.len() {
            if self.free[at] < self.free[first] {
                first = at;
            }
        }
        first
    }
}

/// Against results of queueing theory, each with its source.
#[cfg(test)]
mod tests {
    use super::Processors;
    use crate::random::Random;

    const ARRIVALS: u32 = 2_000_000;

    /// Times from arrival to the end; `rate` arrivals a second, in groups of `group` on average.
    fn times(
        cores: f64,
        rate: f64,
        group: f64,
        mut service: impl FnMut(&mut Random) -> f64,
    ) -> Vec<f64> {
        let mut random = Random::new(20);
        let mut processors = Processors::<()>::requested(cores, f64::INFINITY);
        let mut now = 0.0;
        let mut times = Vec::new();
        while times.len() < ARRIVALS as usize {
            now += random.exponential(group / rate);
            for _ in 0..random.geometric(group) {
                let service = service(&mut random);
                times.push(processors.done(now, service) - now);
            }
        }
        times.sort_by(f64::total_cmp);
        times
    }

    fn mean(times: &[f64]) -> f64 {
        times.iter().sum::<f64>() / times.len() as f64
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64, tolerance: f64) {
        let error = found / expected - 1.0;
        assert!(error.abs() < tolerance, "{found} is not {expected}: {error:+.3}");
    }

    /// M/M/1: the time in the system is exponential, with the rate by which service is faster than arrivals.
    #[test]
    fn one_processor_with_random_work() {
        for load in [0.3, 0.7] {
            let times = times(1.0, load, 1.0, |random| random.exponential(1.0));
            assert_near(mean(&times), 1.0 / (1.0 - load), 0.02);
            let p99 = times[times.len() / 100 * 99];
            assert_near(p99, -(0.01_f64.ln()) / (1.0 - load), 0.03);
        }
    }

    /// M/D/1. Source: Pollaczek, Khinchine.
    #[test]
    fn one_processor_with_equal_work() {
        for load in [0.3, 0.7, 0.9] {
            let times = times(1.0, load, 1.0, |_| 1.0);
            assert_near(mean(&times) - 1.0, load / (2.0 * (1.0 - load)), 0.03);
        }
    }

    /// M/M/c. Source: Erlang's C formula.
    #[test]
    fn several_processors_with_random_work() {
        for (count, load) in [(2, 0.7), (4, 0.8)] {
            let rate = load * f64::from(count);
            let times = times(f64::from(count), rate, 1.0, |random| random.exponential(1.0));
            assert_near(mean(&times) - 1.0, waiting_m_m(count, load), 0.03);
        }
    }

    /// M/D/c. Source: Cosmetatos, Approximate Explicit Formulae for the Average Queueing Time in the
    /// Processes (M/D/r) and (D/M/r), 1975, which is right to about a hundredth.
    #[test]
    fn several_processors_with_equal_work() {
        for (count, load) in [(2, 0.7), (4, 0.8)] {
            let c = f64::from(count);
            let times = times(c, load * c, 1.0, |_| 1.0);
            let more =
                (1.0 - load) * (c - 1.0) * ((4.0 + 5.0 * c).sqrt() - 2.0) / (16.0 * load * c);
            assert_near(mean(&times) - 1.0, waiting_m_m(count, load) / 2.0 * (1.0 + more), 0.03);
        }
    }

    /// M[X]/D/1 with geometric groups: on top of M/D/1, the others of the own group.
    #[test]
    fn groups_wait_for_each_other() {
        let (load, group) = (0.5, 8.0);
        let times = times(1.0, load, group, |_| 1.0);
        // E[X²]/E[X] of a geometric number from 1 on is 2 E[X] - 1.
        let others = (2.0 * group - 2.0) / (2.0 * (1.0 - load));
        assert_near(mean(&times) - 1.0, load / (2.0 * (1.0 - load)) + others, 0.03);
    }

    #[test]
    fn a_part_of_a_processor_is_a_slow_one() {
        assert!(
            (Processors::<()>::requested(0.1, f64::INFINITY).done(1.0, 0.01) - 1.1).abs() < 1e-9
        );
        let mut processors = Processors::<()>::requested(1.5, f64::INFINITY);
        assert!((processors.done(0.0, 0.75) - 1.0).abs() < 1e-9);
        assert!((processors.done(0.0, 0.75) - 1.0).abs() < 1e-9);
        assert!((processors.done(0.0, 0.75) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn one_handshake_at_a_time_where_nothing_else_is_to_do() {
        let mut processors = Processors::requested(2.0, f64::INFINITY);
        processors.shake_hands(0.0, 'a');
        processors.shake_hands(0.0, 'b');
        assert_eq!(processors.next_handshake(0.0, 1.0), Some(('a', 1.0)));
        assert_eq!(processors.next_handshake(0.0, 1.0), None);
        // The other processor is free for reviews, which go before the second.
        assert!((processors.done(0.5, 1.0) - 1.5).abs() < 1e-9);
        assert!((processors.done(0.9, 1.0) - 2.0).abs() < 1e-9);
        assert_eq!(processors.handshake_at(1.0), Some(1.5));
        assert_eq!(processors.next_handshake(1.5, 1.0), Some(('b', 2.5)));
        assert_eq!(processors.handshake_at(3.0), None);
    }

    fn waiting_m_m(count: u32, load: f64) -> f64 {
        let c = f64::from(count);
        let offered = c * load;
        let term = |k: u32| (1..=k).fold(1.0, |term, k| term * offered / f64::from(k));
        let waits = term(count) / (1.0 - load);
        let probability = waits / ((0..count).map(term).sum::<f64>() + waits);
        probability / (c * (1.0 - load))
    }
}
