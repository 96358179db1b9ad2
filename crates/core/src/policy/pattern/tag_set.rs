//! A list of tag patterns, compiled.

use regex_syntax::hir::Hir;

use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::regexes::Regexes;
use crate::policy::pattern::syntax::TagPattern;

/// Compiled tag patterns, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct TagSet {
    texts: PatternIndex,
    regexes: Regexes,
    empty: bool,
}

/// Patterns on their way into a set.
#[derive(Debug, Default)]
pub(in crate::policy) struct TagSetBuilder {
    texts: PatternIndex,
    regexes: Vec<(usize, Hir)>,
}

impl TagSetBuilder {
    /// Adds the pattern at `position` of the policy's list.
    pub(in crate::policy) fn insert(&mut self, position: usize, pattern: TagPattern) {
        match pattern {
            TagPattern::Text(text) => self.texts.insert(&text, position),
            TagPattern::Regex(regex) => self.regexes.push((position, regex)),
        }
    }

    /// Compiles what was added, as one of `sets` sets of the policy that have regexes.
    ///
    /// # Errors
    /// When the regexes together are over their size limit.
    pub(in crate::policy) fn build(self, sets: usize) -> Result<TagSet, regex::Error> {
        let Self { mut texts, regexes } = self;
        texts.shrink();
        let empty = texts.is_empty() && regexes.is_empty();
        Ok(TagSet { texts, regexes: Regexes::new(regexes, sets)?, empty })
    }
}

impl TagSet {
    /// Whether the list has no pattern.
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.empty
    }

    /// The lowest position among the patterns that match `tag`.
    pub(in crate::policy) fn first(&self, tag: &str) -> Option<usize> {
        match (self.texts.first(tag), self.regexes.first(tag)) {
            (Some(text), Some(regex)) => Some(text.min(regex)),
            (text, regex) => text.or(regex),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TagSetBuilder;
    use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

    #[test]
    fn rows() {
        let patterns = ["staging", "latest", "*-rc*", "/dev-[0-9]+/", "1.0"];
        let mut builder = TagSetBuilder::default();
        for (position, pattern) in patterns.iter().enumerate() {
            builder.insert(position, TagPattern::parse(pattern).unwrap());
        }
        let set = builder.build(1).unwrap();
        let rows = [
            ("staging", Some(0)),
            ("latest", Some(1)),
            ("LATEST", None),
            ("latest-1.2", None),
            ("1.0-latest", None),
            ("2.0-rc1", Some(2)),
            ("dev-12", Some(3)),
            ("dev-12x", None),
            ("xdev-1", None),
            ("1.0", Some(4)),
            ("1x0", None),
        ];
        for (tag, expected) in rows {
            assert_eq!(set.first(tag), expected, "{tag}");
        }
    }
}
