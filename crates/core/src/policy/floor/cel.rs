//! Expressions in CEL about one image, with what they cost at most.
//!
//! The costs are those that the API server counts while it evaluates, as cel-go's `runtimecost.go` and
//! <https://github.com/google/cel-go/blob/master/common/cost.go> publish them: a tenth of a string's length
//! for a traversal, and for `matches` that times a quarter of the length of the regex. Whatever else there
//! is costs a unit or a few.

use std::fmt::Write as _;

/// Images of one object for which a floor stays within the limits.
pub(super) const MOST_IMAGES: u64 = 100;
/// Characters of an image for which it does: a host and a path of 80 beside a digest.
pub(super) const LONGEST_IMAGE: u64 = 160;
/// What one expression may cost by the API server's `PerCallLimit`, less a tenth for the loop around it.
const MOST_COST: u64 = 900_000;
/// What a test of one image may cost.
pub(super) const MOST_COST_OF_TEST: u64 = MOST_COST / MOST_IMAGES;

/// A condition, as an operand that needs no parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) text: String,
    /// Units for one image of [`LONGEST_IMAGE`] characters.
    pub(super) cost: u64,
}

impl Test {
    /// A condition that costs little, such as a comparison.
    pub(super) fn cheap(text: impl Into<String>) -> Self {
        Self { text: text.into(), cost: 2 + LONGEST_IMAGE / 10 }
    }

    /// Whether the text `subject` matches a regex, which is not anchored by itself.
    pub(super) fn matches(subject: &str, regex: &str) -> Self {
        let text = format!("{subject}.matches({})", quoted(regex));
        Self { text, cost: cost_of_regex(regex.len()) }
    }

    /// Whether all hold; `None` of nothing.
    pub(super) fn all(tests: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::joined(tests, " && ")
    }

    /// Whether one holds; `None` of nothing.
    pub(super) fn any(tests: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::joined(tests, " || ")
    }

    pub(super) fn not(self) -> Self {
        Self { text: format!("!{}", self.text), cost: self.cost + 1 }
    }

    fn joined(tests: impl IntoIterator<Item = Self>, operator: &str) -> Option<Self> {
        let mut tests = tests.into_iter();
        let first = tests.next()?;
        let Some(second) = tests.next() else { return Some(first) };
        let mut joined = Self { text: format!("({}", first.text), cost: first.cost };
        for test in [second].into_iter().chain(tests) {
            joined.text.push_str(operator);
            joined.text.push_str(&test.text);
            joined.cost += test.cost + 1;
        }
        joined.text.push(')');
        Some(joined)
    }
}

/// What `matches` costs for an image and a regex of this length.
pub(super) fn cost_of_regex(length: usize) -> u64 {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    (LONGEST_IMAGE + 1).div_ceil(10).saturating_mul(length.div_ceil(4)).saturating_add(3)
}

/// A literal of CEL.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\\' | '\'' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
        }
    }
    quoted.push('\'');
    quoted
}

/// A list of literals.
pub(super) fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}
