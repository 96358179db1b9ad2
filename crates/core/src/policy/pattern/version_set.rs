//! Many version ranges, one tag: the first that contains it, found by a binary search.

use std::collections::BTreeSet;

use crate::policy::pattern::version_range::{Version, VersionRange};

/// Ranges, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct VersionSet {
    /// In order: from which version on the first range is the one at this position, or none.
    steps: Vec<(Version, Option<u32>)>,
}

impl VersionSet {
    /// Cuts the versions where a range begins or ends; between two cuts the first range is the same.
    pub(super) fn new(ranges: &[(usize, VersionRange)]) -> Self {
        let mut cuts = Vec::new();
        for (position, VersionRange { from, before }) in ranges {
            let position = u32::try_from(*position).unwrap_or(u32::MAX);
            cuts.push((*from, true, position));
            cuts.extend(before.map(|before| (before, false, position)));
        }
        cuts.sort_unstable();
        let mut steps = Vec::new();
        let mut open = BTreeSet::new();
        let mut cuts = cuts.into_iter().peekable();
        while let Some((version, begins, position)) = cuts.next() {
            if begins {
                open.insert(position);
            } else {
                open.remove(&position);
            }
            if cuts.peek().is_none_or(|(next, ..)| *next != version) {
                let first = open.first().copied();
                if steps.last().is_none_or(|(_, before)| *before != first) {
                    steps.push((version, first));
                }
            }
        }
        steps.shrink_to_fit();
        Self { steps }
    }

    /// The lowest position among the ranges that contain the version which the tag is.
    pub(super) fn first(&self, tag: &str) -> Option<usize> {
        if self.steps.is_empty() {
            return None;
        }
        let version = Version::of_tag(tag)?;
        let behind = self.steps.partition_point(|(from, _)| *from <= version);
        let (_, position) = self.steps.get(behind.checked_sub(1)?)?;
        position.map(|position| position as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::VersionSet;
    use crate::policy::pattern::version_range::VersionRange;

    fn set(ranges: &[String]) -> VersionSet {
        let parse = |range: &String| VersionRange::parse(&format!("semver:{range}")).unwrap();
        let ranges = ranges.iter().map(parse).enumerate();
        let ranges: Vec<_> = ranges.map(|(position, range)| (position, range.unwrap())).collect();
        VersionSet::new(&ranges)
    }

    #[test]
    fn no_range_matches_nothing() {
        assert_eq!(VersionSet::default().first("1.27"), None);
        assert_eq!(VersionSet::new(&[]).first("1.27"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_scan(
            ranges in proptest::collection::vec("[~^][0-3](\\.[0-3])?|>=[0-3]|=[0-2]\\.1\\.[0-3]", 0..8),
            tag in "v?[0-4](\\.[0-3]){0,2}(-a)?|a",
        ) {
            let alone = |range: &String| set(std::slice::from_ref(range)).first(&tag).is_some();
            prop_assert_eq!(set(&ranges).first(&tag), ranges.iter().position(alone));
        }
    }
}
