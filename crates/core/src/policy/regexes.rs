//! The user's regexes, as one anchored set: the last resort of every lookup.

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::policy::pattern::{REGEX_SIZE_LIMIT, anchored};

/// More regexes than this in one list are refused: globs and hosts are indexed, regexes are not.
pub(super) const MOST_REGEXES: usize = 1_000;

/// Checked regexes, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct Regexes {
    set: Option<RegexSet>,
    positions: Vec<usize>,
}

impl Regexes {
    /// Compiles patterns that have each been checked alone.
    ///
    /// # Errors
    /// When all of them together are over the size limit.
    pub(super) fn new(patterns: &[(usize, String)]) -> Result<Self, regex::Error> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let set = RegexSetBuilder::new(patterns.iter().map(|(_, pattern)| anchored(pattern)))
            .unicode(false)
            .size_limit(REGEX_SIZE_LIMIT * 16)
            .dfa_size_limit(REGEX_SIZE_LIMIT * 4)
            .build()?;
        let positions = patterns.iter().map(|(position, _)| *position).collect();
        Ok(Self { set: Some(set), positions })
    }

    /// Whether there is none, so that callers need not build the text to match.
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_none()
    }

    /// The lowest position among the regexes that match the whole of `text`.
    pub(super) fn first(&self, text: &str) -> Option<usize> {
        let set = self.set.as_ref()?;
        let matches = set.matches(text.as_bytes());
        matches.iter().filter_map(|index| self.positions.get(index).copied()).min()
    }
}
