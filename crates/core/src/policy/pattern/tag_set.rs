//! A list of tag patterns, compiled.

use regex_syntax::hir::Hir;

use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::regexes::Regexes;
use crate::policy::pattern::syntax::TagPattern;
use crate::policy::pattern::version_range::VersionRange;
use crate::policy::pattern::version_set::VersionSet;

/// Compiled tag patterns, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct TagSet {
    texts: PatternIndex,
    /// `None` where there are only texts, as in nearly every policy.
    others: Option<Box<Others>>,
    empty: bool,
}

/// Patterns that are no texts.
#[derive(Clone, Debug)]
struct Others {
    regexes: Regexes,
    versions: VersionSet,
}

/// Patterns on their way into a set.
#[derive(Debug, Default)]
pub(in crate::policy) struct TagSetBuilder {
    texts: PatternIndex,
    regexes: Vec<(usize, Hir)>,
    versions: Vec<(usize, VersionRange)>,
}

impl TagSetBuilder {
    /// Adds the pattern at `position` of the policy's list.
    pub(in crate::policy) fn insert(&mut self, position: usize, pattern: TagPattern) {
        match pattern {
            TagPattern::Text(text) => self.texts.insert(&text, position),
            TagPattern::Regex(regex) => self.regexes.push((position, regex)),
            TagPattern::Versions(range) => self.versions.push((position, range)),
        }
    }

    /// Compiles what was added, as one of `sets` sets of the policy that have regexes.
    ///
    /// # Errors
    /// When the regexes together are over their size limit.
    pub(in crate::policy) fn build(self, sets: usize) -> Result<TagSet, regex::Error> {
        let Self { mut texts, regexes, versions } = self;
        texts.shrink();
        if regexes.is_empty() && versions.is_empty() {
            let empty = texts.is_empty();
            return Ok(TagSet { texts, others: None, empty });
        }
        let regexes = Regexes::new(regexes, sets)?;
        let others = Some(Box::new(Others { regexes, versions: VersionSet::new(&versions) }));
        Ok(TagSet { texts, others, empty: false })
    }
}

impl TagSet {
    /// Whether the list has no pattern.
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.empty
    }

    /// The lowest position among the patterns that match `tag`.
    pub(in crate::policy) fn first(&self, tag: &str) -> Option<usize> {
        let text = self.texts.first(tag);
        let Some(others) = &self.others else { return text };
        let found = [text, others.regexes.first(tag), others.versions.first(tag)];
        found.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::TagSetBuilder;
    use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

    #[test]
    fn rows() {
        let patterns = ["staging", "latest", "*-rc*", "/dev-[0-9]+/", "1.0", "semver:^1"];
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
            ("x1.0-latest", None),
            ("2.0-rc1", Some(2)),
            ("dev-12", Some(3)),
            ("dev-12x", None),
            ("xdev-1", None),
            ("1.0", Some(4)),
            ("1x0", None),
            ("1.0.0", Some(5)),
            ("v1.27-alpine", Some(5)),
            ("1.27-rc1", Some(2)),
            ("2", None),
        ];
        for (tag, expected) in rows {
            assert_eq!(set.first(tag), expected, "{tag}");
        }
    }
}
