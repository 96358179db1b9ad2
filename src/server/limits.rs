//! What is in flight at once: requests and the bytes of their bodies.
//!
//! Nothing is let in that does not fit: it is refused at once, and the API server asks again. What
//! was let in and is large waits for its turn to be judged.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::settings::Settings;

/// A body of so many bytes need not wait: all but a few are smaller.
const SMALL: usize = 64 << 10;
/// A turn counts for as many bytes, however small the body is: its lists take memory too.
const LEAST_TURN: usize = 1 << 20;
/// What a semaphore can give to one.
const MOST_PERMITS: usize = u32::MAX as usize;

/// The shared limits of all connections.
#[derive(Debug)]
pub struct Limits {
    requests: Quota,
    bytes: Quota,
    /// Bytes of the large bodies that may be judged at once: as many as the largest one has.
    turns: Semaphore,
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
            turns: Semaphore::new(settings.max_body_bytes.min(MOST_PERMITS)),
            max_body: settings.max_body_bytes,
            body_time: settings.body,
        }
    }

    /// A place among the requests in flight, if there is one left.
    pub(super) fn request(&self) -> Option<Share<'_>> {
        let mut place = self.requests.share();
        place.raise_to(1).then_some(place)
    }

    /// Waits until a body of so many bytes may be judged. While it is judged, a body takes up to
    /// three times its size beside itself, and a thread of the runtime. So large bodies take turns,
    /// however many cores there are; no more of them wait than the byte budget holds.
    pub(super) async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes <= SMALL {
            return None;
        }
        let bytes = bytes.max(LEAST_TURN).min(self.max_body).min(MOST_PERMITS);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // It is never closed.
        self.turns.acquire_many(bytes).await.ok()
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
    use std::collections::BTreeMap;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::{Limits, Quota, SMALL};
    use crate::settings::{Flags, Settings};

    /// The result of a future that need not wait.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    #[test]
    fn large_bodies_take_turns_and_small_ones_need_not() {
        let flags = Flags::from([("self_signed", true.into())]);
        let (settings, _) = Settings::load(None, &BTreeMap::new(), flags).unwrap();
        let limits = Limits::new(&settings);
        let half = settings.max_body_bytes / 2;
        let (one, other) = (at_once(limits.turn(half)), at_once(limits.turn(half)));
        assert!(one.is_some() && other.is_some());
        assert!(at_once(limits.turn(SMALL + 1)).is_none());
        assert!(at_once(limits.turn(SMALL)).is_some());
        drop(one);
        assert!(at_once(limits.turn(half)).is_some());
        drop(other);
        let least: Vec<_> = (0..8).map(|_| at_once(limits.turn(SMALL + 1))).collect();
        assert!(least.iter().all(Option::is_some));
        assert!(at_once(limits.turn(SMALL + 1)).is_none());
        drop(least);
        // More than can be had waits for all of it.
        assert!(at_once(limits.turn(usize::MAX)).is_some());
    }

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
