//! Many patterns, one text: which of them match, at a cost that hardly grows with their number.
//!
//! Every pattern goes into the cheapest bucket that can find it: exact texts by themselves, globs
//! by their longer literal end, and only globs that begin and end with a wildcard into one that is
//! scanned. Buckets are necessary, not sufficient: a pattern is always matched in full. So a
//! bucket is known by its hash alone, and a pattern takes some forty bytes besides its text.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

use crate::policy::pattern::glob;

/// A set of exact texts and globs, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct PatternIndex {
    /// All patterns, one behind the other.
    texts: String,
    patterns: Vec<Pattern>,
    /// The newest pattern of a bucket, by the hash of the bucket.
    buckets: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// Its keys are drawn at random, so that no policy can choose what falls into one bucket.
    hasher: RandomState,
    /// Whether there is an exact text, and a glob without a literal end.
    exact: bool,
    scanned: bool,
    /// The lengths of the literal ends, in order.
    prefixes: Vec<usize>,
    suffixes: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    /// Where its text begins and ends.
    start: u32,
    end: u32,
    position: u32,
    /// The one before it in its bucket, counted from 1; 0 where there is none.
    next: u32,
}

/// What a bucket's patterns have in common with the texts that they match.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Bucket<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Scanned,
    Suffix(&'a str),
}

/// The keys are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl PatternIndex {
    /// Adds `pattern`, an exact text or a glob, shorter than 64 KiB. Of two equal ones that follow
    /// each other the first counts.
    pub(in crate::policy) fn insert(&mut self, pattern: &str, position: usize) {
        let bucket = Bucket::of(pattern);
        match bucket {
            Bucket::Exact(_) => self.exact = true,
            Bucket::Prefix(end) => insert_sorted(&mut self.prefixes, end.len()),
            Bucket::Suffix(end) => insert_sorted(&mut self.suffixes, end.len()),
            Bucket::Scanned => self.scanned = true,
        }
        let newest = self.buckets.entry(self.hasher.hash_one(bucket)).or_default();
        let before = newest.checked_sub(1).and_then(|before| self.patterns.get(before as usize));
        if before.is_some_and(|before| text(&self.texts, *before) == pattern) {
            return;
        }
        let start = index(self.texts.len());
        self.texts.push_str(pattern);
        let end = index(self.texts.len());
        self.patterns.push(Pattern { start, end, position: index(position), next: *newest });
        *newest = index(self.patterns.len());
    }

    /// Gives back the room for more patterns.
    pub(in crate::policy) fn shrink(&mut self) {
        self.texts.shrink_to_fit();
        self.patterns.shrink_to_fit();
    }

    /// Whether there is no pattern.
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The lowest position among the patterns that match `text`.
    pub(in crate::policy) fn first(&self, text: &str) -> Option<usize> {
        let mut first = None;
        self.each(text, 0, |position| {
            first = Some(first.map_or(position, |first: usize| first.min(position)));
        });
        first
    }

    /// Visits the positions of all patterns that match `text`, in no order; globs whose literal
    /// start is shorter than `shortest` bytes may be left out.
    pub(in crate::policy) fn each(
        &self,
        text: &str,
        shortest: usize,
        mut visit: impl FnMut(usize),
    ) {
        if self.exact {
            self.visit(Bucket::Exact(text), text, &mut visit);
        }
        let possible = self.prefixes.partition_point(|length| *length < shortest);
        for length in self.prefixes.iter().skip(possible) {
            let Some(start) = text.get(..*length) else { continue };
            self.visit(Bucket::Prefix(start), text, &mut visit);
        }
        for length in &self.suffixes {
            let end = text.len().checked_sub(*length).and_then(|start| text.get(start..));
            let Some(end) = end else { continue };
            self.visit(Bucket::Suffix(end), text, &mut visit);
        }
        if self.scanned {
            self.visit(Bucket::Scanned, text, &mut visit);
        }
    }

    fn visit(&self, bucket: Bucket<'_>, text: &str, visit: &mut impl FnMut(usize)) {
        let mut next = self.buckets.get(&self.hasher.hash_one(bucket)).copied().unwrap_or_default();
        while let Some(pattern) = next.checked_sub(1).and_then(|i| self.patterns.get(i as usize)) {
            let written = self::text(&self.texts, *pattern);
            let matches = match bucket {
                Bucket::Exact(_) => written == text,
                _ => glob::matches(written, text),
            };
            if matches {
                visit(pattern.position as usize);
            }
            next = pattern.next;
        }
    }
}

impl<'a> Bucket<'a> {
    fn of(pattern: &'a str) -> Self {
        if !pattern.contains('*') {
            return Self::Exact(pattern);
        }
        let (prefix, suffix) = (glob::prefix(pattern), glob::suffix(pattern));
        if prefix.is_empty() && suffix.is_empty() {
            Self::Scanned
        } else if prefix.len() >= suffix.len() {
            Self::Prefix(prefix)
        } else {
            Self::Suffix(suffix)
        }
    }
}

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn text(texts: &str, pattern: Pattern) -> &str {
    texts.get(pattern.start as usize..pattern.end as usize).unwrap_or_default()
}

fn insert_sorted(lengths: &mut Vec<usize>, length: usize) {
    if let Err(place) = lengths.binary_search(&length) {
        lengths.insert(place, length);
    }
}

/// A position in what a policy of at most a few MiB holds.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Bucket, PatternIndex};
    use crate::policy::pattern::glob;

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

    #[test]
    fn equal_patterns_do_not_pile_up() {
        let index = index(&["a", "a", "b*", "b*", "*c", "*c", "*", "*"].map(str::to_owned));
        assert_eq!(index.patterns.len(), 4);
        assert_eq!(index.first("a"), Some(0));
        assert_eq!(index.first("bd"), Some(2));
    }

    #[test]
    fn each_pattern_goes_where_the_fewest_texts_find_it() {
        for (pattern, bucket) in [
            ("a", Bucket::Exact("a")),
            ("a*", Bucket::Prefix("a")),
            ("aa*b", Bucket::Prefix("aa")),
            ("*b", Bucket::Suffix("b")),
            ("a*bb", Bucket::Suffix("bb")),
            ("ab*cd", Bucket::Prefix("ab")),
            ("*", Bucket::Scanned),
            ("*c*", Bucket::Scanned),
        ] {
            assert_eq!(Bucket::of(pattern), bucket, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_scan(
            patterns in proptest::collection::vec("[ab*]{0,5}", 0..12),
            text in "[ab]{0,6}",
        ) {
            let scan = patterns.iter().position(|pattern| glob::matches(pattern, &text));
            prop_assert_eq!(index(&patterns).first(&text), scan);
        }
    }
}
