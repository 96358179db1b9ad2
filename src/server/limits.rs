//! What is in flight at once: requests and the bytes of their bodies.
//!
//! Nothing waits in a queue: what does not fit is refused at once, and the API server asks again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::settings::Settings;

/// The shared limits of all connections.
#[derive(Debug)]
pub struct Limits {
    requests: Quota,
    bytes: Quota,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The time for a whole body.
    pub body_time: Duration,
}

/// How many of something can be had at once. Nobody waits for it, so that a number is enough.
#[derive(Debug)]
struct Quota {
    left: AtomicUsize,
}

/// A part of a quota, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'q> {
    quota: &'q Quota,
    held: usize,
}

impl Limits {
    /// The limits that the settings give.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            requests: Quota::new(settings.max_requests),
            bytes: Quota::new(settings.max_body_bytes_total),
            max_body: settings.max_body_bytes,
            body_time: settings.body,
        }
    }

    /// A place among the requests in flight, if there is one left.
    pub(super) fn request(&self) -> Option<Share<'_>> {
        let mut place = self.requests.share();
        place.raise_to(1).then_some(place)
    }

    /// An empty part of the byte budget.
    pub(super) fn budget(&self) -> Share<'_> {
        self.bytes.share()
    }
}

impl Quota {
    fn new(all: usize) -> Self {
        Self { left: AtomicUsize::new(all) }
    }

    fn share(&self) -> Share<'_> {
        Share { quota: self, held: 0 }
    }
}

impl Share<'_> {
    /// Raises the part to at least `amount`; false where the quota has not that much left.
    pub(super) fn raise_to(&mut self, amount: usize) -> bool {
        let more = amount.saturating_sub(self.held);
        let take = |left: usize| left.checked_sub(more);
        // The number alone is shared, and no other memory is read because of it.
        let taken =
            self.quota.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if taken {
            self.held += more;
        }
        taken
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.quota.left.fetch_add(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn what_is_taken_is_given_back() {
        let quota = Quota::new(10);
        let (mut one, mut other) = (quota.share(), quota.share());
        assert!(one.raise_to(6) && one.raise_to(2));
        assert!(!other.raise_to(5) && other.raise_to(4) && !one.raise_to(7));
        drop(one);
        assert!(other.raise_to(10) && !quota.share().raise_to(1));
        drop(other);
        assert!(quota.share().raise_to(10));
    }
}
