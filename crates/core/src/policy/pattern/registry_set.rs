//! A list of registry patterns, compiled: hosts first, then hosts with a path, regexes last.

use std::cmp::Reverse;

use regex_syntax::hir::Hir;

use crate::image::Reference;
use crate::policy::pattern::image_set::{ImageSet, ImageSetBuilder};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::place_index::{PlaceIndex, PlaceIndexBuilder, Reach};
use crate::policy::pattern::regexes::Regexes;
use crate::policy::pattern::registry_pattern::RegistryPattern;

/// Compiled registry patterns, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RegistrySet {
    everything: Option<usize>,
    /// Hosts and globs over hosts, without a path.
    hosts: PatternIndex,
    /// Hosts and globs over hosts, each with a path.
    places: PlaceIndex,
    /// The hosts of `places` and `images` that are no glob.
    place_hosts: PatternIndex,
    /// Images by tag or digest; `None` where there are none, as in most lists.
    images: Option<Box<ImageSet>>,
    regexes: Regexes,
    /// How specific the pattern at each position is, where the most specific one decides.
    specificity: Option<Box<[u32]>>,
}

/// Patterns on their way into a set.
#[derive(Debug, Default)]
pub(in crate::policy) struct RegistrySetBuilder {
    set: RegistrySet,
    places: PlaceIndexBuilder,
    images: ImageSetBuilder,
    regexes: Vec<(usize, Hir)>,
    specificity: Option<Vec<u32>>,
}

impl RegistrySetBuilder {
    /// A set of `count` patterns of which the most specific one decides, not the first.
    pub(in crate::policy) fn by_specificity(count: usize) -> Self {
        Self { specificity: Some(vec![0; count]), ..Self::default() }
    }

    /// Adds the pattern at `position` of the policy's list.
    pub(in crate::policy) fn insert(&mut self, position: usize, pattern: RegistryPattern) {
        let specificity = self.specificity.as_mut().and_then(|all| all.get_mut(position));
        if let Some(specificity) = specificity {
            *specificity = pattern.specificity();
        }
        match pattern {
            RegistryPattern::Everything => {
                self.set.everything.get_or_insert(position);
            }
            RegistryPattern::Place { host, path: None } => self.set.hosts.insert(&host, position),
            RegistryPattern::Place { host, path: Some(path) } => {
                self.names_host(&host, position);
                self.places.insert(&host, &path, position);
            }
            RegistryPattern::Images { host, path, pin } => {
                self.names_host(&host, position);
                self.images.insert(position, &host, &path, pin);
            }
            RegistryPattern::Regex(regex) => self.regexes.push((position, regex)),
        }
    }

    fn names_host(&mut self, host: &str, position: usize) {
        if !host.contains('*') {
            self.set.place_hosts.insert(host, position);
        }
    }

    /// Compiles what was added, as one of `sets` sets of the policy that have regexes.
    ///
    /// # Errors
    /// When the regexes together are over their size limit.
    pub(in crate::policy) fn build(self, sets: usize) -> Result<RegistrySet, regex::Error> {
        let Self { mut set, places, images, regexes, specificity } = self;
        set.places = places.build();
        set.images = images.build();
        set.regexes = Regexes::new(regexes, sets)?;
        set.specificity = specificity.map(Vec::into_boxed_slice);
        set.hosts.shrink();
        set.place_hosts.shrink();
        Ok(set)
    }
}

impl RegistrySet {
    /// The position of the pattern that decides, among those that cover the reference: the first, or in a set
    /// by specificity the first of the most specific ones.
    pub(in crate::policy) fn first(&self, reference: &Reference<'_>) -> Option<usize> {
        let registry = reference.registry();
        let mut first = Deciding { found: self.everything, by: self.specificity.as_deref() };
        self.hosts.each(registry, 0, |found| first.consider(found));
        self.places.each(reference, Reach::Below, |found| first.consider(found));
        if !self.regexes.is_empty() {
            let found = self.regexes.first(&format!("{registry}/{}", reference.repository()));
            found.into_iter().for_each(|found| first.consider(found));
        }
        if let Some(images) = &self.images {
            images.each(reference, |found| first.consider(found));
        }
        first.found
    }

    /// Whether a pattern names some image of the reference's repository, by tag or digest.
    pub(in crate::policy) fn names_some_of(&self, reference: &Reference<'_>) -> bool {
        self.images.as_ref().is_some_and(|images| images.names_some_of(reference))
    }

    /// Whether a pattern names this host, without a glob, and a path below it.
    pub(in crate::policy) fn has_paths_of(&self, host: &str) -> bool {
        self.place_hosts.first(host).is_some()
    }
}

/// The position that decides so far.
struct Deciding<'s> {
    found: Option<usize>,
    /// How specific the pattern at each position is, where that counts before the position.
    by: Option<&'s [u32]>,
}

impl Deciding<'_> {
    fn consider(&mut self, candidate: usize) {
        let Some(found) = self.found else {
            self.found = Some(candidate);
            return;
        };
        let decides = match self.by {
            None => candidate < found,
            Some(by) => {
                let specificity = |position: usize| by.get(position).copied().unwrap_or_default();
                (Reverse(specificity(candidate)), candidate) < (Reverse(specificity(found)), found)
            }
        };
        if decides {
            self.found = Some(candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::RegistrySetBuilder;
    use crate::image::Reference;
    use crate::policy::pattern::glob;
    use crate::policy::pattern::registry_pattern::RegistryPattern;
    use crate::policy::pattern::syntax::Pattern as _;

    fn first(patterns: &[&str], image: &str) -> Option<usize> {
        let mut builder = RegistrySetBuilder::default();
        for (position, pattern) in patterns.iter().enumerate() {
            builder.insert(position, RegistryPattern::parse(pattern).unwrap());
        }
        builder.build(1).unwrap().first(&Reference::parse(image).unwrap())
    }

    #[test]
    fn rows() {
        let rows: &[(&[&str], &str, Option<usize>)] = &[
            (&["docker.io", "gcr.io"], "gcr.io/a/b:1", Some(1)),
            (&["docker.io", "gcr.io"], "quay.io/a/b:1", None),
            (&["docker.io"], "index.docker.io/library/nginx:1", Some(0)),
            (&["index.docker.io"], "docker.io/nginx:1", Some(0)),
            (&["GCR.IO"], "gcr.io/a/b:1", Some(0)),
            (&["gcr.io"], "GCR.io:443/a/b:1", Some(0)),
            (&["gcr.io"], "gcr.io:5000/a:1", None),
            (&["gcr.io"], "gcr.io.evil.com/a:1", None),
            (&["gcr.io/acme"], "gcr.io/acme/x:1", Some(0)),
            (&["gcr.io/acme/"], "gcr.io/acme/x:1", Some(0)),
            (&["gcr.io/acme"], "gcr.io/acme:1", Some(0)),
            (&["gcr.io/acme"], "gcr.io/acmex/x:1", None),
            (&["gcr.io/acme/*/base"], "gcr.io/acme/x/base:1", Some(0)),
            (&["gcr.io/acme/*/base"], "gcr.io/acme/x/y/base:1", None),
            (&["gcr.io/acme/**/base"], "gcr.io/acme/x/y/base:1", Some(0)),
            (&["gcr.io/team-*"], "gcr.io/team-a/x/y:1", Some(0)),
            (&["gcr.io/team-*"], "gcr.io/other/team-a:1", None),
            (&["*.pkg.dev"], "eu.pkg.dev/acme/x:1", Some(0)),
            (&["*.pkg.dev"], "pkg.dev/acme/x:1", None),
            (&["*.pkg.dev/acme"], "eu.pkg.dev/acme/x:1", Some(0)),
            (&["*.pkg.dev/acme"], "eu.pkg.dev/other/acme:1", None),
            (&["*.corp/*"], "evil.io/x.corp/y:1", None),
            // However many stars a host has, they stay within the host.
            (&["**.corp/acme"], "evil.io/x.corp/acme/y:1", None),
            (&["**.corp/acme"], "x.corp/acme/y:1", Some(0)),
            (&["*"], "anything.example/x:1", Some(0)),
            (&["quay.io", "*"], "anything.example/x:1", Some(1)),
            (&["quay.io", "*"], "quay.io/x:1", Some(0)),
            (&["/gcr\\.io/acme-[0-9]+/.*/"], "gcr.io/acme-12/x:1", Some(0)),
            (&["/gcr\\.io/acme-[0-9]+/.*/"], "gcr.io/acme-x/x:1", None),
            (&["/gcr.io/acme/"], "gcr.io/acme/x:1", None),
            (&["/(?i)gcr.io/a|b/"], "evil.io/b:1", None),
            (&["registry.corp:5000"], "registry.corp:5000/x:1", Some(0)),
            (&["registry.corp"], "registry.corp:5000/x:1", None),
            (&["localhost"], "localhost/x:1", Some(0)),
            // Of several that cover it, the first of the list.
            (&["gcr.io/acme", "gcr.io/acme/x"], "gcr.io/acme/x/y:1", Some(0)),
            (&["gcr.io/acme/x", "gcr.io/acme"], "gcr.io/acme/x/y:1", Some(0)),
            (&["gcr.io/acme", "gcr.io"], "gcr.io/acme/x:1", Some(0)),
            (&["gcr.io", "gcr.io/acme"], "gcr.io/acme/x:1", Some(0)),
            (&["*.io", "gcr.io", "/.*/", "*"], "gcr.io/acme/x:1", Some(0)),
            (&["/.*/", "*", "*.io", "gcr.io"], "gcr.io/acme/x:1", Some(0)),
        ];
        for (patterns, image, expected) in rows {
            assert_eq!(first(patterns, image), *expected, "{patterns:?} on {image}");
        }
    }

    /// What a pattern means, without any index.
    fn covers(pattern: &str, image: &str) -> bool {
        let reference = Reference::parse(image).unwrap();
        let RegistryPattern::Place { host, path } = RegistryPattern::parse(pattern).unwrap() else {
            return true;
        };
        let repository = reference.repository();
        let ends = repository.match_indices('/').map(|(end, _)| end).chain([repository.len()]);
        let below = |path: &str| {
            let mut leading = ends.clone().filter_map(|end| repository.get(..end));
            leading.any(|leading| glob::matches(path, leading))
        };
        glob::matches(&host, reference.registry()) && path.is_none_or(|path| below(&path))
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_scan(
            patterns in proptest::collection::vec(
                r"(a\.b|\*\.b|a\.\*\*|[ab*]{1,2}\.b|\*)(/[ab*]{1,2}){0,3}", 1..8,
            ),
            image in r"[ab]{1,2}\.b(/[ab]{1,2}){1,3}",
        ) {
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let scan = patterns.iter().position(|pattern| covers(pattern, &image));
            prop_assert_eq!(first(&patterns, &image), scan);
        }
    }
}
