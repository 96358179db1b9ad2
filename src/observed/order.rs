//! Members of a slice in the order in which they were used, each in several such lists at once.
//!
//! A list is made of positions, so that moving a member to its end takes no allocation. Whoever owns
//! the slice sees to it that a member which goes away is in no list any more.

/// The position of nobody.
const NONE: u32 = u32::MAX;

/// The neighbours of a member in one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    older: u32,
    newer: u32,
}

/// The ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    oldest: u32,
    newest: u32,
}

/// Which of a member's links belong to a list.
pub(super) type Which<T> = fn(&mut T) -> &mut Links;

impl Default for Links {
    fn default() -> Self {
        Self { older: NONE, newer: NONE }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self { oldest: NONE, newest: NONE }
    }
}

impl Order {
    /// The member that was not used for the longest.
    pub(super) fn oldest(self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Appends a member that is not in the list.
    pub(super) fn push<T>(&mut self, members: &mut [T], which: Which<T>, at: u32) {
        let older = std::mem::replace(&mut self.newest, at);
        link(members, which, at, |links| *links = Links { older, newer: NONE });
        if older == NONE {
            self.oldest = at;
        } else {
            link(members, which, older, |links| links.newer = at);
        }
    }

    /// Takes a member out that is in the list.
    pub(super) fn remove<T>(&mut self, members: &mut [T], which: Which<T>, at: u32) {
        let mut taken = Links::default();
        link(members, which, at, |links| taken = std::mem::take(links));
        let Links { older, newer } = taken;
        if older == NONE {
            self.oldest = newer;
        } else {
            link(members, which, older, |links| links.newer = newer);
        }
        if newer == NONE {
            self.newest = older;
        } else {
            link(members, which, newer, |links| links.older = older);
        }
    }

    /// Moves a member of the list to its end.
    pub(super) fn used<T>(&mut self, members: &mut [T], which: Which<T>, at: u32) {
        if self.newest != at {
            self.remove(members, which, at);
            self.push(members, which, at);
        }
    }
}

fn link<T>(members: &mut [T], which: Which<T>, at: u32, change: impl FnOnce(&mut Links)) {
    if let Some(member) = members.get_mut(at as usize) {
        change(which(member));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Links, Order};

    fn listed(mut order: Order, members: &mut [Links]) -> Vec<u32> {
        let mut listed = Vec::new();
        while let Some(at) = order.oldest() {
            order.remove(members, |links| links, at);
            listed.push(at);
        }
        assert_eq!(order, Order::default());
        listed
    }

    proptest! {
        #[test]
        fn a_list_is_in_the_order_of_use(steps in prop::collection::vec((0..3, 0_u32..8), 0..40)) {
            let (mut order, mut expected) = (Order::default(), Vec::new());
            let mut members = [Links::default(); 8];
            for (step, at) in steps {
                let is_in = expected.contains(&at);
                match step {
                    0 if !is_in => order.push(&mut members, |links| links, at),
                    1 if is_in => order.used(&mut members, |links| links, at),
                    2 if is_in => order.remove(&mut members, |links| links, at),
                    _ => continue,
                }
                expected.retain(|each| *each != at);
                if step != 2 {
                    expected.push(at);
                }
                prop_assert_eq!(order.oldest(), expected.first().copied());
            }
            prop_assert_eq!(listed(order, &mut members), expected);
        }
    }
}
