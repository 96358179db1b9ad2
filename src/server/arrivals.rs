//! The bodies that are still arriving, oldest first.
//!
//! A request whose body is still arriving holds a slot, and the bytes received so far hold a part
//! of the budget. A client that sends slowly, or not at all, must not keep either from others: when
//! nothing is left for a new request, the body that has been arriving for the longest is abandoned.
//! A body sent by the API server arrives within milliseconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The bodies that are arriving on all connections.
#[derive(Debug, Default)]
pub(super) struct Arrivals(Mutex<Queue>);

/// A body in the queue. Dropping it takes it out.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    arrivals: &'a Arrivals,
    number: u64,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// Keyed by order of arrival.
    bodies: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    /// What it holds of the budget, in the budget's units.
    units: usize,
    give_up: oneshot::Sender<()>,
}

impl Arrivals {
    /// Queues a body that did not arrive together with its headers and holds `units` so far. The
    /// receiver resolves when the body is abandoned.
    pub(super) fn join(&self, units: usize) -> (Arrival<'_>, oneshot::Receiver<()>) {
        let (give_up, leaves) = oneshot::channel();
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.bodies.insert(number, Held { units, give_up });
        (Arrival { arrivals: self, number }, leaves)
    }

    /// Abandons the oldest body to free its slot; false if no body is arriving.
    pub(super) fn give_up_oldest(&self) -> bool {
        self.queue().bodies.pop_first().is_some_and(|(_, held)| held.give_up.send(()).is_ok())
    }

    /// Abandons the oldest bodies, except the one that asks, until they add up to at least `units`.
    /// Where all of them together hold less, none is abandoned and the result is false.
    pub(super) fn give_up_units(&self, units: usize, asking: Option<&Arrival<'_>>) -> bool {
        let mut queue = self.queue();
        let asking = asking.map(|arrival| arrival.number);
        let mut left = units;
        let mut oldest = Vec::new();
        for (number, held) in &queue.bodies {
            if held.units > 0 && Some(*number) != asking {
                oldest.push(*number);
                left = left.saturating_sub(held.units);
                if left == 0 {
                    break;
                }
            }
        }
        if left > 0 {
            return false;
        }
        for held in oldest.iter().filter_map(|number| queue.bodies.remove(number)) {
            // If it ended just now, its units are free as well.
            let _ = held.give_up.send(());
        }
        true
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival<'_> {
    /// Records how many units the body holds now.
    pub(super) fn holds(&self, units: usize) {
        if let Some(held) = self.arrivals.queue().bodies.get_mut(&self.number) {
            held.units = units;
        }
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.arrivals.queue().bodies.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;

    #[test]
    fn the_oldest_is_given_up_first() {
        let arrivals = Arrivals::default();
        let (_first, mut first) = arrivals.join(0);
        let (second_arrival, mut second) = arrivals.join(0);
        let (_third, mut third) = arrivals.join(0);
        drop(second_arrival);
        assert!(arrivals.give_up_oldest() && first.try_recv().is_ok());
        assert!(arrivals.give_up_oldest() && third.try_recv().is_ok());
        assert!(!arrivals.give_up_oldest() && second.try_recv().is_err());
    }

    #[test]
    fn no_more_are_given_up_than_it_takes_and_none_where_that_is_not_enough() {
        let arrivals = Arrivals::default();
        let (_empty, mut empty) = arrivals.join(0);
        let (_small, mut small) = arrivals.join(2);
        let (large_arrival, mut large) = arrivals.join(1);
        large_arrival.holds(8);
        let (asking, mut own) = arrivals.join(100);
        assert!(!arrivals.give_up_units(11, Some(&asking)) && small.try_recv().is_err());
        assert!(arrivals.give_up_units(2, Some(&asking)));
        assert!(small.try_recv().is_ok() && large.try_recv().is_err());
        assert!(arrivals.give_up_units(3, Some(&asking)) && large.try_recv().is_ok());
        assert!(arrivals.give_up_units(1, None) && own.try_recv().is_ok());
        assert!(empty.try_recv().is_err(), "it holds nothing");
    }
}
