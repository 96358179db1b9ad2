//! Patterns that name images of a repository by tag or digest, compiled.
//!
//! Patterns of the same repository share a number, and all tags and digests lie in one index behind that
//! number. So ten thousand tags of one repository are found as ten are.

use std::collections::HashMap;

use crate::image::Reference;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::place_index::{PlaceIndex, PlaceIndexBuilder, Reach};
use crate::policy::pattern::registry_pattern::Pin;
use crate::policy::pattern::syntax::TagPattern;
use crate::policy::pattern::version_range::VersionRange;
use crate::policy::pattern::version_set::VersionSet;

/// Compiled patterns over images, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct ImageSet {
    /// Hosts and globs over hosts with a path, each with the number of the repository.
    repositories: PlaceIndex,
    /// `repository number/tag` for a tag, `repository number/tag/digest` where there is a digest; the tag
    /// is empty where any is meant. No wildcard of a tag reaches across the slash.
    pins: PatternIndex,
    /// The ranges of versions of a repository, by its number.
    versions: HashMap<usize, VersionSet>,
}

/// Patterns on their way into a set.
#[derive(Debug, Default)]
pub(in crate::policy) struct ImageSetBuilder {
    set: ImageSet,
    numbers: HashMap<String, usize>,
    repositories: PlaceIndexBuilder,
    versions: HashMap<usize, Vec<(usize, VersionRange)>>,
}

impl ImageSetBuilder {
    /// Adds the pattern at `position` of the policy's list.
    pub(in crate::policy) fn insert(&mut self, position: usize, host: &str, path: &str, pin: Pin) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(format!("{host}/{path}")).or_insert_with(|| {
            self.repositories.insert(host, path, next);
            next
        });
        let pin = match pin {
            Pin::Tag(TagPattern::Text(tag)) => format!("{number}/{tag}"),
            Pin::Digest(digest) => format!("{number}//{digest}"),
            Pin::Both { tag, digest } => format!("{number}/{tag}/{digest}"),
            Pin::Tag(TagPattern::Versions(range)) => {
                self.versions.entry(number).or_default().push((position, range));
                return;
            }
            // A regex has slashes, so that none is read as a tag.
            Pin::Tag(TagPattern::Regex(_)) => return,
        };
        self.set.pins.insert(&pin, position);
    }

    /// Compiles what was added; `None` where that is nothing.
    pub(in crate::policy) fn build(self) -> Option<Box<ImageSet>> {
        let Self { mut set, numbers, repositories, versions } = self;
        if numbers.is_empty() {
            return None;
        }
        let versions = versions.into_iter();
        set.versions = versions.map(|(number, of)| (number, VersionSet::new(&of))).collect();
        set.repositories = repositories.build();
        set.pins.shrink();
        Some(Box::new(set))
    }
}

impl ImageSet {
    /// Visits the positions of the patterns that name the image, in no order. A reference without tag and
    /// digest is the image `latest`, as runtimes pull it.
    pub(in crate::policy) fn each(&self, reference: &Reference<'_>, mut visit: impl FnMut(usize)) {
        let (tag, digest) = (reference.judged_tag(), reference.digest());
        self.each_repository(reference, |number| {
            if let Some(tag) = tag {
                self.pins.each(&format!("{number}/{tag}"), 0, &mut visit);
                let versions = self.versions.get(&number);
                versions.and_then(|versions| versions.first(tag)).into_iter().for_each(&mut visit);
            }
            if let Some(digest) = digest {
                self.pins.each(&format!("{number}//{digest}"), 0, &mut visit);
            }
            if let (Some(tag), Some(digest)) = (tag, digest) {
                self.pins.each(&format!("{number}/{tag}/{digest}"), 0, &mut visit);
            }
        });
    }

    /// Whether a pattern names some image of the reference's repository.
    pub(in crate::policy) fn names_some_of(&self, reference: &Reference<'_>) -> bool {
        let mut found = false;
        self.each_repository(reference, |_| found = true);
        found
    }

    fn each_repository(&self, reference: &Reference<'_>, visit: impl FnMut(usize)) {
        self.repositories.each(reference, Reach::Whole, visit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ImageSetBuilder;
    use crate::image::Reference;
    use crate::policy::pattern::glob;
    use crate::policy::pattern::registry_pattern::{Pin, RegistryPattern};
    use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

    const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    /// The positions of the patterns that name an image, in order.
    fn named(patterns: &[String], image: &str) -> Vec<usize> {
        let mut builder = ImageSetBuilder::default();
        for (position, pattern) in patterns.iter().enumerate() {
            match RegistryPattern::parse(pattern).unwrap() {
                RegistryPattern::Images { host, path, pin } => {
                    builder.insert(position, &host, &path, pin);
                }
                other => panic!("{other:?}"),
            }
        }
        let mut found = Vec::new();
        let reference = Reference::parse(image).unwrap();
        if let Some(set) = builder.build() {
            set.each(&reference, |position| found.push(position));
        }
        found.sort_unstable();
        found
    }

    /// What a pattern means, without any index.
    fn names(pattern: &str, image: &str) -> bool {
        let reference = Reference::parse(image).unwrap();
        let RegistryPattern::Images { host, path, pin } = RegistryPattern::parse(pattern).unwrap()
        else {
            return false;
        };
        let tag = reference.tag().or(reference.digest().is_none().then_some("latest"));
        let has_tag = |glob: &str| tag.is_some_and(|tag| glob::matches(glob, tag));
        let has_digest = |digest: &String| reference.digest() == Some(digest.as_str());
        let is_pinned = match &pin {
            Pin::Tag(TagPattern::Text(glob)) => has_tag(glob),
            Pin::Tag(_) => false,
            Pin::Digest(digest) => has_digest(digest),
            Pin::Both { tag, digest } => has_tag(tag) && has_digest(digest),
        };
        is_pinned
            && glob::matches(&host, reference.registry())
            && glob::matches(&path, &reference.repository())
    }

    #[test]
    fn rows() {
        let rows = [
            ("a.io/web:1", "a.io/web:1", true),
            ("a.io/web:1", "a.io/web:1.1", false),
            ("a.io/web:1", "a.io/web/x:1", false),
            ("a.io/web:1", "a.io/web", false),
            ("a.io/web:latest", "a.io/web", true),
            ("a.io/web:1", "b.io/web:1", false),
            ("a.io/*:1.*", "a.io/web:1.2", true),
            ("a.io/*:1.*", "a.io/x/web:1.2", false),
            ("a.io/**:1.*", "a.io/x/web:1.2", true),
            ("*.io/web:1", "a.io/web:1", true),
            ("*.io/web:1", "a.io/x:1", false),
            ("a.io/web:semver:^1", "a.io/web:1.2", true),
            ("a.io/web:semver:^1", "a.io/web:2", false),
            ("a.io/web:*", "a.io/web:x", true),
            ("a.io/web:1", "a.io:5000/web:1", false),
        ];
        for (pattern, image, expected) in rows {
            let found = named(&[pattern.to_owned()], image);
            assert_eq!(!found.is_empty(), expected, "{pattern} {image}");
        }
        let (pinned, both) = (format!("a.io/web@{A}"), format!("a.io/web:v*@{A}"));
        let b = A.replace('a', "b");
        for (pattern, image, expected) in [
            (&pinned, format!("a.io/web@{A}"), true),
            (&pinned, format!("a.io/web:x@{A}"), true),
            (&pinned, format!("a.io/web@{}", b.replace("shb", "sha")), false),
            (&pinned, "a.io/web:1".to_owned(), false),
            (&both, format!("a.io/web:v1@{A}"), true),
            (&both, format!("a.io/web:x@{A}"), false),
            (&both, format!("a.io/web@{A}"), false),
            (&both, "a.io/web:v1".to_owned(), false),
        ] {
            let found = named(std::slice::from_ref(pattern), &image);
            assert_eq!(!found.is_empty(), expected, "{pattern} {image}");
        }
        // The wildcard of a tag does not reach into the digest.
        let found = named(&["a.io/web:*a".to_owned()], &format!("a.io/web:b@{A}"));
        assert!(found.is_empty());
    }

    fn pattern() -> impl Strategy<Value = String> {
        let place = r"(a\.b|\*\.b|a\.\*)(/[ab*]{1,2}){1,2}";
        (place, "(:[ab]{1,2}|:[ab]\\*|:\\*[ab]?|@|:a\\*?@)")
            .prop_map(|(place, pin)| place + &pin.replace('@', &format!("@{A}")))
    }

    fn image() -> impl Strategy<Value = String> {
        (r"[ab]\.b(/[ab]{1,2}){1,2}(:[ab]{1,2})?", any::<bool>())
            .prop_map(|(name, pinned)| if pinned { format!("{name}@{A}") } else { name })
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_scan(
            patterns in proptest::collection::vec(pattern(), 1..8),
            image in image(),
        ) {
            let scan = patterns.iter().enumerate().filter(|(_, pattern)| names(pattern, &image));
            let scan: Vec<_> = scan.map(|(position, _)| position).collect();
            // Of two equal patterns that follow each other the set keeps the first.
            let first = |positions: &[usize]| positions.first().copied();
            prop_assert_eq!(first(&named(&patterns, &image)), first(&scan));
        }
    }
}
