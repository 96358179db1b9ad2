//! Patterns over places, `host/path`, each known by a number.
//!
//! A wildcard never reaches across the slash behind the host: places whose host is a glob are kept behind the
//! number of that glob, and the others are looked up behind the host that was parsed.

use std::collections::HashMap;

use crate::image::Reference;
use crate::policy::pattern::index::PatternIndex;

/// Compiled places.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct PlaceIndex {
    /// `host/path`, where the host is no glob.
    places: PatternIndex,
    /// Globs over hosts, each known by its number.
    host_globs: PatternIndex,
    /// `number/path` for the host glob of that number.
    glob_places: PatternIndex,
}

/// Places on their way into an index.
#[derive(Debug, Default)]
pub(in crate::policy) struct PlaceIndexBuilder {
    index: PlaceIndex,
    globs: HashMap<String, usize>,
}

/// How much of a repository's path a place has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Reach {
    /// All of it.
    Whole,
    /// All of it, or a leading run of whole segments: `acme` covers `acme/x`, not `acmex`.
    Below,
}

impl PlaceIndexBuilder {
    /// Adds `host/path`, known by `number`. Of two equal ones that follow each other the first counts.
    pub(in crate::policy) fn insert(&mut self, host: &str, path: &str, number: usize) {
        if !host.contains('*') {
            return self.index.places.insert(&format!("{host}/{path}"), number);
        }
        let next = self.globs.len();
        let glob = *self.globs.entry(host.to_owned()).or_insert_with(|| {
            self.index.host_globs.insert(host, next);
            next
        });
        self.index.glob_places.insert(&format!("{glob}/{path}"), number);
    }

    /// Compiles what was added.
    pub(in crate::policy) fn build(self) -> PlaceIndex {
        let mut index = self.index;
        for part in [&mut index.places, &mut index.host_globs, &mut index.glob_places] {
            part.shrink();
        }
        index
    }
}

impl PlaceIndex {
    /// Visits the numbers of the places that cover the reference's repository, in no order.
    pub(in crate::policy) fn each(
        &self,
        reference: &Reference<'_>,
        reach: Reach,
        mut visit: impl FnMut(usize),
    ) {
        if self.places.is_empty() && self.host_globs.is_empty() {
            return;
        }
        let (registry, repository) = (reference.registry(), &*reference.repository());
        if !self.places.is_empty() {
            each_place(&self.places, registry, repository, reach, &mut visit);
        }
        self.host_globs.each(registry, 0, |glob| {
            each_place(&self.glob_places, &glob.to_string(), repository, reach, &mut visit);
        });
    }
}

fn each_place(
    places: &PatternIndex,
    host: &str,
    repository: &str,
    reach: Reach,
    visit: &mut impl FnMut(usize),
) {
    let place = format!("{host}/{repository}");
    // No pattern of this host has a literal start that is not longer than the host.
    let shortest = host.len() + 1;
    if reach == Reach::Below {
        let slashes = place.match_indices('/').map(|(end, _)| end).filter(|end| *end > host.len());
        for leading in slashes.filter_map(|end| place.get(..end)) {
            places.each(leading, shortest, &mut *visit);
        }
    }
    places.each(&place, shortest, visit);
}
