//! A list of tag patterns, compiled.

use crate::policy::pattern::TagPattern;
use crate::policy::pattern_index::PatternIndex;
use crate::policy::regexes::Regexes;

/// Compiled tag patterns, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct TagSet {
    texts: PatternIndex,
    regexes: Regexes,
    empty: bool,
}

impl TagSet {
    /// Compiles checked patterns in the order of the policy's list.
    ///
    /// # Errors
    /// When the regexes together are over their size limit.
    pub(super) fn new(
        patterns: impl IntoIterator<Item = (usize, TagPattern)>,
    ) -> Result<Self, regex::Error> {
        let mut set = Self { empty: true, ..Self::default() };
        let mut regexes = Vec::new();
        for (position, pattern) in patterns {
            set.empty = false;
            match pattern {
                TagPattern::Text(text) => set.texts.insert(&text, position),
                TagPattern::Regex(pattern) => regexes.push((position, pattern)),
            }
        }
        set.regexes = Regexes::new(&regexes)?;
        Ok(set)
    }

    /// Whether the list has no pattern.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// The lowest position among the patterns that match `tag`.
    pub(super) fn first(&self, tag: &str) -> Option<usize> {
        match (self.texts.first(tag), self.regexes.first(tag)) {
            (Some(text), Some(regex)) => Some(text.min(regex)),
            (text, regex) => text.or(regex),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TagSet;
    use crate::policy::pattern::TagPattern;

    #[test]
    fn rows() {
        let patterns = ["staging", "latest", "*-rc*", "/dev-[0-9]+/", "1.0"];
        let parsed = patterns.iter().map(|pattern| TagPattern::parse(pattern).unwrap());
        let set = TagSet::new(parsed.enumerate()).unwrap();
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
