//! Limits on what is in flight at once: requests, and the bytes of their headers and bodies.
//!
//! A request that exceeds a limit is refused, and the API server retries it. Before that happens,
//! bodies that are still arriving are abandoned to free their slots and bytes: see [`Arrivals`]. A
//! large body that has arrived waits for its turn to be judged.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::arrivals::{Arrival, Arrivals};
use crate::settings::Settings;

/// The budget is counted in units of this many bytes, since a semaphore hands out at most `u32`
/// permits.
const UNIT: usize = 1 << 10;
/// A body up to this many bytes does not wait for a turn. Nearly all bodies are smaller.
const SMALL: usize = 64 << 10;
/// The least that a turn counts for, in bytes, however small the body: its lists take memory too.
const LEAST_TURN: usize = 1 << 20;
/// The most permits that a semaphore can hand out at once.
const MOST_PERMITS: usize = u32::MAX as usize;
/// One connection may hold this fraction of the budget, so that it takes several to use it up.
const PARTS: usize = 4;
/// What a header field costs in memory on top of its name and value, in bytes: an entry of the map,
/// which doubles when it grows, and two handles to shared bytes.
const FIELD: usize = 256;
/// Requests that may wait for a body to be abandoned. Few, since no budget covers their headers.
const WAITING: usize = 256;
/// How long they wait. An abandoned body is dropped at once; this is for a process short of CPU.
const LEAVING: Duration = Duration::from_secs(1);

/// The limits that all connections share.
#[derive(Debug)]
pub struct Limits {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Bytes of large bodies that may be judged at once: as many as the largest body may have.
    turns: Semaphore,
    pub(super) arrivals: Arrivals,
    /// How much of the budget one connection may hold.
    part: usize,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// Time within which a whole body must arrive.
    pub body_time: Duration,
}

/// One connection's part of the budget.
#[derive(Clone, Debug)]
pub(super) struct Part(Arc<Semaphore>);

/// A request with its slot, whose headers are in the budget.
#[derive(Debug)]
pub(super) struct Admitted {
    _slot: OwnedSemaphorePermit,
    _headers: [OwnedSemaphorePermit; 2],
}

/// The answer to whether a request can be served.
#[derive(Debug)]
pub(super) enum Admission {
    Now(Admitted),
    /// As soon as something has been abandoned in its favour.
    Later(OwnedSemaphorePermit),
    Refused,
}

/// What a body holds of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Budget<'l> {
    limits: &'l Limits,
    part: &'l Semaphore,
    held: [SemaphorePermit<'l>; 2],
}

impl Limits {
    /// The limits set by the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let all = settings.max_body_bytes_total.div_ceil(UNIT);
        // Room for the largest body with its headers.
        let largest = settings.max_body_bytes.div_ceil(UNIT) + (64 << 10) / UNIT;
        Self {
            requests: semaphore(settings.max_requests),
            bytes: semaphore(all),
            waiting: semaphore(WAITING),
            turns: Semaphore::new(settings.max_body_bytes.min(MOST_PERMITS)),
            arrivals: Arrivals::default(),
            part: (all / PARTS).max(largest),
            max_body: settings.max_body_bytes,
            body_time: settings.body,
        }
    }

    /// A new part, for a connection.
    pub(super) fn part(&self) -> Part {
        Part(Arc::new(Semaphore::new(self.part.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes a slot for a request, and room for its headers. It does not wait, so that only those
    /// who wait for [`Limits::admitted_later`] have headers in memory that no budget covers.
    pub(super) fn admit(&self, part: &Part, headers: &http::HeaderMap) -> Admission {
        let units = cost(headers).div_ceil(UNIT);
        if let Some(admitted) = self.admit_now(part, units) {
            return Admission::Now(admitted);
        }
        match Arc::clone(&self.waiting).try_acquire_owned() {
            Ok(waits) => Admission::Later(waits),
            Err(_) => Admission::Refused,
        }
    }

    /// Abandons bodies in favour of a request; `None` if that does not help.
    pub(super) async fn admitted_later(
        &self,
        part: &Part,
        headers: &http::HeaderMap,
    ) -> Option<Admitted> {
        let units = cost(headers).div_ceil(UNIT);
        let slot = match Arc::clone(&self.requests).try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) if self.arrivals.give_up_oldest() => {
                let slot = Arc::clone(&self.requests).acquire_owned();
                timeout(LEAVING, slot).await.ok()?.ok()?
            }
            Err(_) => return None,
        };
        let own = take(&part.0, units)?;
        let all = match take(&self.bytes, units) {
            Some(all) => all,
            None if self.arrivals.give_up_units(units, None) => {
                let units = u32::try_from(units).ok()?;
                let all = Arc::clone(&self.bytes).acquire_many_owned(units);
                timeout(LEAVING, all).await.ok()?.ok()?
            }
            None => return None,
        };
        Some(Admitted { _slot: slot, _headers: [own, all] })
    }

    fn admit_now(&self, part: &Part, units: usize) -> Option<Admitted> {
        let slot = Arc::clone(&self.requests).try_acquire_owned().ok()?;
        let headers = [take(&part.0, units)?, take(&self.bytes, units)?];
        Some(Admitted { _slot: slot, _headers: headers })
    }

    /// Waits until a body of this many bytes may be judged. While it is being judged, a body needs
    /// up to three times its size on top of itself, and a thread of the runtime. So large bodies
    /// take turns, however many cores there are. The byte budget limits how many of them can wait.
    pub(super) async fn turn(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        if bytes <= SMALL {
            return None;
        }
        let bytes = bytes.max(LEAST_TURN).min(self.max_body).min(MOST_PERMITS);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // It is never closed.
        self.turns.acquire_many(bytes).await.ok()
    }

    /// An empty part of the budget.
    pub(super) fn budget<'l>(&'l self, part: &'l Part) -> Option<Budget<'l>> {
        let held = [part.0.try_acquire_many(0).ok()?, self.bytes.try_acquire_many(0).ok()?];
        Some(Budget { limits: self, part: &part.0, held })
    }
}

impl Budget<'_> {
    /// What it holds, in the budget's units.
    pub(super) fn units(&self) -> usize {
        let [_, all] = &self.held;
        all.num_permits()
    }

    /// Raises it to this many bytes, abandoning other bodies if need be; false if there is not
    /// enough.
    pub(super) async fn raise_to(&mut self, bytes: usize, own: Option<&Arrival<'_>>) -> bool {
        let units = bytes.div_ceil(UNIT).saturating_sub(self.units());
        if units == 0 {
            return true;
        }
        let Ok(more) = u32::try_from(units) else { return false };
        let Ok(of_part) = self.part.try_acquire_many(more) else { return false };
        let all = match self.limits.bytes.try_acquire_many(more) {
            Ok(all) => all,
            Err(_) if self.limits.arrivals.give_up_units(units, own) => {
                match timeout(LEAVING, self.limits.bytes.acquire_many(more)).await {
                    Ok(Ok(all)) => all,
                    _ => return false,
                }
            }
            Err(_) => return false,
        };
        let [part, held] = &mut self.held;
        part.merge(of_part);
        held.merge(all);
        if let Some(own) = own {
            own.holds(self.units());
        }
        true
    }
}

fn take(semaphore: &Arc<Semaphore>, units: usize) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).try_acquire_many_owned(u32::try_from(units).ok()?).ok()
}

/// The cost of header fields in memory, in bytes.
fn cost(headers: &http::HeaderMap) -> usize {
    let of_field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + FIELD
    };
    headers.iter().map(of_field).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use http::{HeaderMap, HeaderName, HeaderValue};

    use tokio::time::timeout;

    use super::{Admission, Limits, WAITING, cost};
    use crate::settings::{Flags, Settings};

    const PATIENCE: Duration = Duration::from_secs(30);

    fn limits(requests: i64) -> Limits {
        let flags = Flags::from([
            ("self_signed", true.into()),
            ("max_requests", requests.into()),
            ("max_body_bytes", (1 << 20).into()),
            ("max_body_bytes_total", (8 << 20).into()),
        ]);
        Limits::new(&Settings::load(None, &BTreeMap::new(), flags).unwrap().0)
    }

    #[tokio::test]
    async fn one_connection_has_a_quarter_of_the_budget() {
        let limits = limits(10);
        let (one, other) = (limits.part(), limits.part());
        let mut first = limits.budget(&one).unwrap();
        assert!(first.raise_to(2 << 20, None).await);
        assert!(!limits.budget(&one).unwrap().raise_to(1, None).await);
        assert!(limits.budget(&other).unwrap().raise_to(2 << 20, None).await);
        drop(first);
        assert!(limits.budget(&one).unwrap().raise_to(2 << 20, None).await);
    }

    #[tokio::test]
    async fn header_fields_are_in_the_budget() {
        let limits = limits(10_000);
        let name = HeaderName::from_static("x");
        let fields = (0..64).map(|_| (name.clone(), HeaderValue::from_static("y")));
        let mut headers = HeaderMap::new();
        headers.extend(fields);
        for (name, value) in [(&name, 64); 64] {
            headers.append(name, HeaderValue::from(value));
        }
        let cost = (headers.len() * 256).next_multiple_of(1024);
        let mut admitted = Vec::new();
        while let Admission::Now(each) = limits.admit(&limits.part(), &headers) {
            admitted.push(each);
        }
        assert!((1..=(8 << 20) / cost).contains(&admitted.len()), "{}", admitted.len());
        drop(admitted);
        assert!(matches!(limits.admit(&limits.part(), &headers), Admission::Now(_)));
    }

    #[tokio::test]
    async fn a_newcomer_has_the_slot_of_the_body_that_arrives_for_the_longest() {
        let (limits, headers) = (limits(1), HeaderMap::new());
        let part = limits.part();
        let Admission::Now(first) = limits.admit(&part, &headers) else { panic!("a free slot") };
        let waiting: Vec<Admission> = (0..WAITING).map(|_| limits.admit(&part, &headers)).collect();
        assert!(waiting.iter().all(|each| matches!(each, Admission::Later(_))));
        assert!(matches!(limits.admit(&part, &headers), Admission::Refused));
        let hopeless = at_once(limits.admitted_later(&part, &headers));
        assert!(matches!(hopeless, Some(None)), "nothing is arriving, so there is no wait");
        let (arrival, given_up) = limits.arrivals.join(0);
        let leaves = async {
            given_up.await.unwrap();
            drop((arrival, first));
        };
        let ((), newcomer) = tokio::join!(leaves, limits.admitted_later(&part, &headers));
        assert!(newcomer.is_some());
    }

    #[tokio::test]
    async fn bytes_are_taken_from_the_body_that_arrives_for_the_longest() {
        const PART: usize = 2 << 20;
        let limits = limits(10);
        let parts: Vec<_> = (0..4).map(|_| limits.part()).collect();
        let mut held = Vec::new();
        for part in &parts {
            let mut budget = limits.budget(part).unwrap();
            assert!(budget.raise_to(PART, None).await);
            assert!(budget.raise_to(PART, None).await, "it has them");
            assert_eq!(budget.units(), 2048);
            held.push(budget);
        }
        let newcomer = limits.part();
        let mut headers = HeaderMap::new();
        headers.insert("x", HeaderValue::from_static("y"));
        let mut budget = limits.budget(&newcomer).unwrap();
        // If no body is arriving, nobody waits.
        assert_eq!(at_once(budget.raise_to(1, None)), Some(false));
        let hopeless = at_once(limits.admitted_later(&newcomer, &headers));
        assert!(matches!(hopeless, Some(None)));

        let (arrival, given_up) = limits.arrivals.join(held[0].units());
        let oldest = held.remove(0);
        let leaves = async {
            given_up.await.unwrap();
            drop((arrival, oldest));
        };
        let both = async { tokio::join!(leaves, budget.raise_to(PART, None)) };
        let ((), raised) = timeout(PATIENCE, both).await.expect("it is not given up");
        assert!(raised);
        drop(budget);
        let mut budget = limits.budget(&newcomer).unwrap();
        assert!(budget.raise_to(PART, None).await);
        let (arrival, given_up) = limits.arrivals.join(held[0].units());
        let oldest = held.remove(0);
        let leaves = async {
            given_up.await.unwrap();
            drop((arrival, oldest));
        };
        let other = limits.part();
        let both = async { tokio::join!(leaves, limits.admitted_later(&other, &headers)) };
        let ((), admitted) = timeout(PATIENCE, both).await.expect("it is not given up");
        assert!(admitted.is_some());
    }

    #[test]
    fn a_header_field_costs_256_bytes_beside_its_name_and_value() {
        let mut headers = HeaderMap::new();
        assert_eq!(cost(&headers), 0);
        headers.insert("te", HeaderValue::from_static("trailers"));
        assert_eq!(cost(&headers), 2 + 8 + 256);
        headers.insert("x", HeaderValue::from_static(""));
        assert_eq!(cost(&headers), 2 + 8 + 256 + 1 + 256);
    }

    /// The result of a future that is ready at once.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    #[test]
    fn large_bodies_take_turns_and_small_ones_need_not() {
        const SMALL: usize = 64 << 10;
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
        // A body larger than the whole waits for all of it.
        assert!(at_once(limits.turn(usize::MAX)).is_some());
    }
}
