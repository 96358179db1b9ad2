//! An iterator that ends when its time is up.
//!
//! For work on many items of which each takes a moment, on a thread that cannot be cancelled.

use std::time::{Duration, Instant};

/// Ends with its items or after `allowed`, counted from the first item.
#[derive(Clone, Debug)]
pub(super) struct InTime<I> {
    items: I,
    allowed: Duration,
    ends: Option<Instant>,
}

impl<I> InTime<I> {
    pub(super) fn new(items: I, allowed: Duration) -> Self {
        Self { items, allowed, ends: None }
    }
}

impl<I: Iterator> Iterator for InTime<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let now = Instant::now();
        match self.ends {
            None => self.ends = Some(now + self.allowed),
            Some(ends) if now >= ends => return None,
            Some(_) => {}
        }
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.items.size_hint().1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::InTime;

    #[test]
    fn what_has_no_time_left_ends_after_its_first_item() {
        let hours = InTime::new(1..=3, Duration::from_hours(1));
        assert_eq!(hours.size_hint(), (0, Some(3)));
        assert_eq!(hours.clone().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(hours.collect::<Vec<_>>(), [1, 2, 3], "each pass has its own time");
        assert_eq!(InTime::new(1..=3, Duration::ZERO).collect::<Vec<_>>(), [1]);
    }
}
