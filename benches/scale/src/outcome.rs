//! What came of a simulation.

/// Counts and times; those of a second are by the second.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What was before does not count.
    warm_up: f64,
    /// Seconds from the arrival of a review at the API server to its answer there.
    times: Vec<f64>,
    /// Reviews by the replica that was asked.
    pub(crate) asked: Vec<u64>,
    pub(crate) opened: u64,
    pub(crate) failed: u64,
    /// Reviews of each second, and how many of them by an old policy.
    pub(crate) seconds: Vec<(u64, u64)>,
    /// When the last review failed.
    pub(crate) last_failed: f64,
    /// Seconds of a processor, by the machine.
    pub(crate) spent: Vec<f64>,
}

impl Outcome {
    pub(crate) fn new(replicas: usize, seconds: f64, warm_up: f64) -> Self {
        let seconds = vec![(0, 0); seconds.ceil() as usize + 1];
        Self { warm_up, asked: vec![0; replicas], seconds, ..Self::default() }
    }

    pub(crate) fn asked(&mut self, replica: usize, now: f64, old: bool) {
        self.asked[replica] += u64::from(now >= self.warm_up);
        if let Some((all, by_old)) = self.seconds.get_mut(now as usize) {
            *all += 1;
            *by_old += u64::from(old);
        }
    }

    pub(crate) fn answered(&mut self, now: f64, seconds: f64) {
        if now >= self.warm_up {
            self.times.push(seconds);
        }
    }

    pub(crate) fn opened(&mut self, now: f64) {
        self.opened += u64::from(now >= self.warm_up);
    }

    pub(crate) fn failed(&mut self, now: f64) {
        self.failed += 1;
        self.last_failed = now;
    }

    /// Seconds within which so many parts of the reviews were answered: the time at `share`.
    pub(crate) fn within(&mut self, share: f64) -> f64 {
        if self.times.is_empty() {
            return 0.0;
        }
        let at = ((self.times.len() as f64 * share) as usize).min(self.times.len() - 1);
        *self.times.select_nth_unstable_by(at, f64::total_cmp).1
    }

    /// Seconds on average.
    #[cfg(test)]
    pub(crate) fn mean(&self) -> f64 {
        self.times.iter().sum::<f64>() / self.times.len() as f64
    }

    /// The part of the reviews that the busiest replica had.
    pub(crate) fn busiest(&self) -> f64 {
        let all: u64 = self.asked.iter().sum();
        self.asked.iter().copied().max().unwrap_or_default() as f64 / all.max(1) as f64
    }

    /// The part of the reviews by an old policy, from one second to before another.
    pub(crate) fn by_old(&self, from: usize, to: usize) -> f64 {
        let (all, old) = self.seconds[from..to.min(self.seconds.len())]
            .iter()
            .fold((0, 0), |(all, old), second| (all + second.0, old + second.1));
        old as f64 / all.max(1) as f64
    }
}
