//! Many patterns, one text: which of them match, at a cost that hardly grows with their number.
//!
//! Every pattern goes into the cheapest bucket that can find it: exact texts into a map, globs
//! under their longer literal end, and only globs that begin and end with a wildcard into a list
//! that is scanned. Buckets are necessary, not sufficient: a glob is always matched in full.

use std::collections::HashMap;

use crate::policy::glob::Glob;

/// A set of exact texts and globs, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct PatternIndex {
    exact: HashMap<Box<str>, usize>,
    by_prefix: EndIndex,
    by_suffix: EndIndex,
    scanned: Vec<(usize, Glob)>,
}

/// Globs under one of their literal ends, with the lengths of those ends.
#[derive(Clone, Debug, Default)]
struct EndIndex {
    lengths: Vec<usize>,
    globs: HashMap<Box<str>, Vec<(usize, Glob)>>,
}

impl PatternIndex {
    /// Adds `pattern`, an exact text or a glob. Of two equal exact texts the first counts.
    pub(super) fn insert(&mut self, pattern: &str, position: usize) {
        if !pattern.contains('*') {
            self.exact.entry(pattern.into()).or_insert(position);
            return;
        }
        let glob = Glob::new(pattern);
        let (prefix, suffix) = (glob.prefix().len(), glob.suffix().len());
        if prefix == 0 && suffix == 0 {
            self.scanned.push((position, glob));
        } else if prefix >= suffix {
            self.by_prefix.insert(glob.prefix().into(), position, glob);
        } else {
            self.by_suffix.insert(glob.suffix().into(), position, glob);
        }
    }

    /// The lowest position among the patterns that match `text`.
    pub(super) fn first(&self, text: &str) -> Option<usize> {
        let mut first = None;
        self.each(text, |position| {
            first = Some(first.map_or(position, |first: usize| first.min(position)));
        });
        first
    }

    /// Visits the positions of all patterns that match `text`, in no order.
    pub(super) fn each(&self, text: &str, mut visit: impl FnMut(usize)) {
        if let Some(position) = self.exact.get(text) {
            visit(*position);
        }
        let mut scan = |globs: &[(usize, Glob)]| {
            for (position, glob) in globs {
                if glob.matches(text) {
                    visit(*position);
                }
            }
        };
        for length in &self.by_prefix.lengths {
            if let Some(globs) = text.get(..*length).and_then(|end| self.by_prefix.globs.get(end)) {
                scan(globs);
            }
        }
        for length in &self.by_suffix.lengths {
            let end = text.len().checked_sub(*length).and_then(|start| text.get(start..));
            if let Some(globs) = end.and_then(|end| self.by_suffix.globs.get(end)) {
                scan(globs);
            }
        }
        scan(&self.scanned);
    }
}

impl EndIndex {
    fn insert(&mut self, end: Box<str>, position: usize, glob: Glob) {
        if let Err(place) = self.lengths.binary_search(&end.len()) {
            self.lengths.insert(place, end.len());
        }
        self.globs.entry(end).or_default().push((position, glob));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PatternIndex;
    use crate::policy::glob::Glob;

    fn index(patterns: &[String]) -> PatternIndex {
        let mut index = PatternIndex::default();
        for (position, pattern) in patterns.iter().enumerate() {
            index.insert(pattern, position);
        }
        index
    }

    #[test]
    fn the_first_pattern_wins() {
        let patterns = ["prod-*", "prod-eu", "*-eu", "*o*"].map(str::to_owned);
        let index = index(&patterns);
        assert_eq!(index.first("prod-eu"), Some(0));
        assert_eq!(index.first("dev-eu"), Some(2));
        assert_eq!(index.first("other"), Some(3));
        assert_eq!(index.first("x"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_scan(
            patterns in proptest::collection::vec("[ab*]{0,5}", 0..12),
            text in "[ab]{0,6}",
        ) {
            let scan = patterns.iter().position(|pattern| Glob::new(pattern).matches(&text));
            prop_assert_eq!(index(&patterns).first(&text), scan);
        }
    }
}
