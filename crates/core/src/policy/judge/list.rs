//! A list of the policy: as somebody wrote it, as a message shows it, and compiled.
//!
//! What its items mean is the matter of the compiled set.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::policy::printable::printable;

/// Lists in a message are cut at this many bytes: the whole answer is cut at 1 KiB.
const LONGEST_LIST: usize = 400;

/// A list of the policy: as written, and compiled. Shared between a policy and its overrides.
#[derive(Debug)]
pub(in crate::policy) struct List<T> {
    pub(in crate::policy) written: Written,
    /// The written items joined for a message, cut where they are many.
    pub(in crate::policy) joined: String,
    pub(in crate::policy) set: T,
}

/// The items of a list as written, in one piece: there may be hundreds of thousands. A clone
/// shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Written(Arc<Items>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Items {
    texts: Box<str>,
    /// Where each item ends.
    ends: Box<[u32]>,
}

impl<T> List<T> {
    pub(in crate::policy) fn new(written: Written, set: T) -> Self {
        Self { joined: written.joined(), written, set }
    }
}

impl Written {
    pub(in crate::policy) fn of<'a>(items: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut texts = String::with_capacity(items.clone().map(str::len).sum());
        let mut ends = Vec::with_capacity(items.size_hint().0);
        for item in items {
            texts.push_str(item);
            // Documents are far smaller than 4 GiB.
            ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
        }
        Self(Arc::new(Items { texts: texts.into(), ends: ends.into() }))
    }

    pub(in crate::policy) fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// The item at `position`; empty where there is none.
    pub(in crate::policy) fn get(&self, position: usize) -> &str {
        let end = |position: usize| self.0.ends.get(position).map(|end| *end as usize);
        let start = position.checked_sub(1).map_or(Some(0), end);
        let (Some(start), Some(end)) = (start, end(position)) else { return "" };
        self.0.texts.get(start..end).unwrap_or_default()
    }

    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// The items joined by `,` for a message; how many are not shown is said where they are many.
    fn joined(&self) -> String {
        let mut joined = String::new();
        for (index, item) in self.iter().enumerate() {
            if index > 0 && joined.len() + item.len() > LONGEST_LIST {
                let _ = write!(joined, " and {} more", self.len() - index);
                break;
            }
            if index > 0 {
                joined.push(',');
            }
            joined.push_str(&printable(item));
        }
        joined
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LIST, Written};

    #[test]
    fn a_list_is_cut_behind_its_longest_and_never_before_its_first() {
        let long = |length: usize| "x".repeat(length);
        let rows = [
            (vec![], String::new()),
            (vec![long(1), long(2)], "x,xx".to_owned()),
            (vec![long(LONGEST_LIST + 1)], long(LONGEST_LIST + 1)),
            (vec![long(LONGEST_LIST - 1), long(1)], format!("{},x", long(LONGEST_LIST - 1))),
            (vec![long(LONGEST_LIST), long(1)], format!("{} and 1 more", long(LONGEST_LIST))),
            (vec![long(1), long(LONGEST_LIST), long(1)], "x and 2 more".to_owned()),
        ];
        for (items, expected) in rows {
            let written = Written::of(items.iter().map(String::as_str));
            assert_eq!(written.joined(), expected);
        }
    }
}
