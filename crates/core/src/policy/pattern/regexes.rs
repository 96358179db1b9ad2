//! The user's regexes, as one anchored set: the last resort of every lookup.
//!
//! A regex of thirty bytes can be a machine of a megabyte, so a policy has a budget of them:
//! their number, what they come to when compiled, and what matching may remember. The size is
//! estimated from the parsed regex, before anything is compiled.

use std::borrow::Cow;

use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::policy::pattern::syntax::BadPattern;

/// More regexes than this in one policy are refused: globs and hosts are indexed, regexes are not.
pub(in crate::policy) const MOST_REGEXES: usize = 1_000;
/// Bytes that one compiled regex may take, by [`size`].
const LARGEST: usize = 1 << 20;
/// Bytes that all regexes of a policy may take together, by [`size`].
pub(in crate::policy) const LARGEST_TOGETHER: usize = 4 << 20;
/// Bytes that the lazy DFAs of a policy may remember, for each thread that matches.
const MOST_REMEMBERED: usize = 2 << 20;

/// Checked regexes, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Regexes {
    set: Option<RegexSet>,
    positions: Vec<usize>,
}

/// Parses the text between the slashes.
///
/// # Errors
/// When it is no regex by itself, or one that would be too large.
pub(in crate::policy) fn parse(pattern: &str) -> Result<Hir, BadPattern> {
    let bad = |message: String, hint: Option<&'static str>| {
        let hint = hint.map(Cow::Borrowed);
        BadPattern { message, hint }
    };
    if pattern.is_empty() {
        let hint = "write the pattern between the slashes";
        return Err(bad("is an empty regex".to_owned(), Some(hint)));
    }
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).nest_limit(32).build();
    let parsed = parser.parse(pattern).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        let reason = reason.strip_prefix("error: ").unwrap_or(reason).trim_end_matches('.');
        bad(format!("is not a valid regex: {reason}"), None)
    })?;
    if size(&parsed) > LARGEST {
        let hint = "a repetition counts as often as it repeats: write `*` or a smaller number";
        return Err(bad("is too large a regex".to_owned(), Some(hint)));
    }
    Ok(parsed)
}

/// Bytes that a parsed regex takes when it is compiled: about, and rather too many.
pub(in crate::policy) fn size(hir: &Hir) -> usize {
    /// A state of the machine, forward and backward.
    const STATE: usize = 64;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE),
        HirKind::Class(Class::Bytes(class)) => STATE + class.ranges().len().saturating_mul(16),
        // Each range becomes some sequences of up to four bytes.
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().saturating_mul(12 * STATE),
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).unwrap_or(usize::MAX);
            let most = repetition.max.map_or(least.saturating_add(1), |most| {
                usize::try_from(most).unwrap_or(usize::MAX)
            });
            size(&repetition.sub).saturating_add(STATE).saturating_mul(most.max(1))
        }
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(STATE, |sum, part| sum.saturating_add(size(part)).saturating_add(16))
        }
    }
}

impl Regexes {
    /// Compiles regexes that have each been parsed alone, as one of `sets` sets of the policy.
    ///
    /// # Errors
    /// When they are larger than all of a policy's may be, which [`size`] foresees.
    pub(in crate::policy) fn new(
        patterns: Vec<(usize, Hir)>,
        sets: usize,
    ) -> Result<Self, regex::Error> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let positions = patterns.iter().map(|(position, _)| *position).collect();
        // Anchored as a parsed regex, so that no flag or comment of the user's reaches the anchors.
        let anchored = |hir| Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
        let set =
            RegexSetBuilder::new(patterns.into_iter().map(|(_, hir)| anchored(hir).to_string()))
                // Printing a parsed regex gives one of characters, with `(?-u:…)` around bytes.
                .unicode(true)
                .size_limit(LARGEST_TOGETHER)
                .dfa_size_limit(MOST_REMEMBERED / sets.max(1))
                .build()?;
        Ok(Self { set: Some(set), positions })
    }

    /// Whether there is none, so that callers need not build the text to match.
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.set.is_none()
    }

    /// The lowest position among the regexes that match the whole of `text`.
    pub(in crate::policy) fn first(&self, text: &str) -> Option<usize> {
        let found = self.set.as_ref()?.matches(text.as_bytes());
        found.iter().filter_map(|index| self.positions.get(index).copied()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, parse, size};

    #[test]
    fn a_regex_is_as_large_as_its_parts_and_as_often_as_they_repeat() {
        for (regex, expected) in [
            ("", 64),
            ("^", 64),
            ("abc", 3 * 64),
            ("[ac]", 64 + 2 * 16),
            ("(?u:[α-ω])", 12 * 64),
            ("a*", 128),
            ("a{3}", 3 * 128),
            ("a{2,}", 3 * 128),
            ("(ab)", 2 * 64),
            ("a[bd]", 64 + (64 + 16) + (96 + 16)),
        ] {
            let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
            let parsed = parsed.clone().parse(regex).unwrap();
            assert_eq!(size(&parsed), expected, "{regex}");
        }
    }

    #[test]
    fn a_regex_may_be_as_large_as_the_largest_and_no_larger() {
        let repeated = |count: usize| parse(&format!("a{{{count}}}"));
        let most = LARGEST / 128;
        assert!(repeated(most).is_ok());
        assert_eq!(repeated(most + 1).unwrap_err().message, "is too large a regex");
    }
}
