//! A rate limit on log lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Admits a number of lines per second and counts those that it suppresses.
#[derive(Debug)]
pub(super) struct LineRate {
    started: Instant,
    per_second: u32,
    /// The current second in the upper half, and the lines admitted in it in the lower.
    window: AtomicU64,
    suppressed: AtomicU64,
}

impl LineRate {
    pub(super) fn new(per_second: u32) -> Self {
        let started = Instant::now();
        Self { started, per_second, window: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Whether another line may be written now: if so, `Some` with the number of lines suppressed
    /// since the previous one.
    pub(super) fn admit(&self) -> Option<u64> {
        self.admit_at(self.started.elapsed())
    }

    fn admit_at(&self, since_start: Duration) -> Option<u64> {
        let second = since_start.as_secs() << 32;
        let count = |window: u64| {
            let next =
                if window & !u64::from(u32::MAX) == second { window + 1 } else { second | 1 };
            (next & u64::from(u32::MAX) <= u64::from(self.per_second)).then_some(next)
        };
        let relaxed = Ordering::Relaxed;
        if self.window.fetch_update(relaxed, relaxed, count).is_ok() {
            Some(self.suppressed.swap(0, relaxed))
        } else {
            self.suppressed.fetch_add(1, relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::LineRate;

    #[test]
    fn lines_over_the_limit_are_suppressed_and_counted_in_the_next_line() {
        let rate = LineRate::new(2);
        let admitted =
            [0, 0, 0, 0, 1, 1, 1].map(|second| rate.admit_at(Duration::from_secs(second)));
        assert_eq!(admitted, [Some(0), Some(0), None, None, Some(2), Some(0), None]);
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        assert_eq!(LineRate::new(0).admit_at(Duration::ZERO), None);
    }
}
