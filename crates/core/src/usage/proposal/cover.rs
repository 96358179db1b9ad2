//! The registries and path prefixes that cover what is used, with the least beyond it.
//!
//! What is used is a tree: registry hosts, below them the segments of their paths, below those the
//! repositories. A list of entries is a cut through this tree. Its length is what people have to
//! read and keep; what it admits beyond what is used is what they trust without knowing it. Both are
//! weighed as in a description of minimum length:
//!
//! - an entry costs 1;
//! - an entry costs a further 2 for each level that it leaves open, from itself down to the deepest
//!   repository in use below it. Each open level multiplies what is admitted, and so adds to its
//!   logarithm;
//! - the whole of a registry where anyone may publish ([`is_shared`]) is never an entry.
//!
//! So two repositories of one owner are two entries, three are the owner's prefix. [`Fit::Tight`]
//! leaves no level open: each repository is an entry. [`Fit::Loose`] opens levels at no cost, up to
//! the owner of each image, and a shared registry at the cost of [`SHARED`] entries.
//!
//! Costs add up over the tree, so the cheapest cut is found from the leaves to the roots: a node is
//! an entry where that costs no more than the cheapest cuts below it do together. The result is the
//! cheapest there is, and the shortest of these.

use std::collections::BTreeMap;

use super::shared::is_shared;

/// What an open level costs, in entries.
const OPEN_LEVEL: u64 = 2;
/// What a whole shared registry costs, in entries, where it can be one at all.
const SHARED: u64 = 8;

/// How closely a proposal fits what is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// Each repository by itself.
    Tight,
    /// A prefix where it stands for several repositories.
    #[default]
    Balanced,
    /// The owner of each image, whatever else they publish.
    Loose,
}

/// An entry of the list of allowed registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// `docker.io/library`
    pub(super) place: String,
    /// The repositories in use that it covers, by their positions in what was given.
    pub(super) covers: Vec<usize>,
    /// How many levels below it are open; 0 where it is a repository.
    pub(super) open_levels: u64,
}

/// The cheapest entries that cover `repositories`, each written `host/path`, sorted.
pub(super) fn cover<'a>(repositories: impl IntoIterator<Item = &'a str>, fit: Fit) -> Vec<Entry> {
    let mut hosts: BTreeMap<&str, Node<'_>> = BTreeMap::new();
    for (position, repository) in repositories.into_iter().enumerate() {
        let (host, path) = repository.split_once('/').unwrap_or((repository, ""));
        let mut node = hosts.entry(host).or_default();
        for segment in path.split('/') {
            node = node.below.entry(segment).or_default();
        }
        node.used.push(position);
    }
    let mut entries = Vec::new();
    for (host, node) in &hosts {
        node.cut(host, &Costs { fit, is_shared_host: is_shared(host) }, &mut entries);
    }
    entries
}

/// A host, or a part of a path.
#[derive(Default)]
struct Node<'a> {
    below: BTreeMap<&'a str, Node<'a>>,
    /// Who uses the repository that ends here.
    used: Vec<usize>,
}

struct Costs {
    fit: Fit,
    is_shared_host: bool,
}

impl Costs {
    /// What a node costs as an entry; `None` where it must not be one.
    fn of_entry(&self, is_host: bool, open_levels: u64) -> Option<u64> {
        let is_shared = is_host && self.is_shared_host;
        match self.fit {
            _ if open_levels == 0 => Some(1),
            Fit::Tight => None,
            Fit::Balanced if is_shared => None,
            Fit::Balanced => Some(1 + OPEN_LEVEL * open_levels),
            Fit::Loose if is_shared => Some(1 + SHARED),
            Fit::Loose => Some(1),
        }
    }
}

impl Node<'_> {
    fn levels(&self) -> u64 {
        self.below.values().map(|node| 1 + node.levels()).max().unwrap_or(0)
    }

    /// Appends the cheapest entries for this node and all below it; returns what they cost.
    fn cut(&self, place: &str, costs: &Costs, entries: &mut Vec<Entry>) -> u64 {
        if !self.used.is_empty() {
            // A repository covers those below it, and there is no smaller entry for it.
            entries.push(self.entry(place, 0));
            return 1;
        }
        let start = entries.len();
        let mut below = 0;
        for (segment, node) in &self.below {
            below += node.cut(&format!("{place}/{segment}"), costs, entries);
        }
        let open_levels = self.levels();
        match costs.of_entry(!place.contains('/'), open_levels) {
            Some(cost) if cost <= below => {
                entries.truncate(start);
                entries.push(self.entry(place, open_levels));
                cost
            }
            _ => below,
        }
    }

    fn entry(&self, place: &str, open_levels: u64) -> Entry {
        let mut covers = Vec::new();
        self.collect(&mut covers);
        covers.sort_unstable();
        Entry { place: place.to_owned(), covers, open_levels }
    }

    fn collect(&self, covers: &mut Vec<usize>) {
        covers.extend(&self.used);
        for node in self.below.values() {
            node.collect(covers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, cover};

    #[test]
    fn rows() {
        let rows: [(&[&str], [&[&str]; 3]); 9] = [
            (&[], [&[], &[], &[]]),
            (
                &["docker.io/library/nginx"],
                [
                    &["docker.io/library/nginx"],
                    &["docker.io/library/nginx"],
                    &["docker.io/library"],
                ],
            ),
            // Two repositories of one owner are two entries, three are the owner.
            (
                &["gcr.io/acme/a", "gcr.io/acme/b"],
                [
                    &["gcr.io/acme/a", "gcr.io/acme/b"],
                    &["gcr.io/acme/a", "gcr.io/acme/b"],
                    &["gcr.io/acme"],
                ],
            ),
            (
                &["gcr.io/acme/a", "gcr.io/acme/b", "gcr.io/acme/c"],
                [
                    &["gcr.io/acme/a", "gcr.io/acme/b", "gcr.io/acme/c"],
                    &["gcr.io/acme"],
                    &["gcr.io/acme"],
                ],
            ),
            // A registry of one owner is an entry where much of it is used.
            (
                &["r.corp:5000/a", "r.corp:5000/b", "r.corp:5000/c"],
                [
                    &["r.corp:5000/a", "r.corp:5000/b", "r.corp:5000/c"],
                    &["r.corp:5000"],
                    &["r.corp:5000"],
                ],
            ),
            (
                &["r.corp/a/x", "r.corp/a/y", "r.corp/a/z", "r.corp/b/x"],
                [
                    &["r.corp/a/x", "r.corp/a/y", "r.corp/a/z", "r.corp/b/x"],
                    &["r.corp/a", "r.corp/b/x"],
                    &["r.corp"],
                ],
            ),
            // A repository covers what is below it.
            (
                &["gcr.io/acme/app", "gcr.io/acme/app/worker"],
                [&["gcr.io/acme/app"], &["gcr.io/acme/app"], &["gcr.io/acme"]],
            ),
            (
                &["[fc00::1]:5000/a"],
                [&["[fc00::1]:5000/a"], &["[fc00::1]:5000/a"], &["[fc00::1]:5000"]],
            ),
            // Alike at their start is not below.
            (
                &["gcr.io/acme", "gcr.io/acmex/y"],
                [
                    &["gcr.io/acme", "gcr.io/acmex/y"],
                    &["gcr.io/acme", "gcr.io/acmex/y"],
                    &["gcr.io/acme", "gcr.io/acmex"],
                ],
            ),
        ];
        for (repositories, expected) in rows {
            for (fit, expected) in [Fit::Tight, Fit::Balanced, Fit::Loose].into_iter().zip(expected)
            {
                let entries = cover(repositories.iter().copied(), fit);
                let places: Vec<_> = entries.iter().map(|entry| entry.place.as_str()).collect();
                assert_eq!(places, expected, "{repositories:?} {fit:?}");
            }
        }
    }

    #[test]
    fn a_shared_registry_is_an_entry_only_where_loose_and_many_publish_there() {
        let of = |owners: usize| (0..owners).map(|n| format!("quay.io/{n}/a")).collect::<Vec<_>>();
        let entries = |owners: usize, fit| cover(of(owners).iter().map(String::as_str), fit).len();
        assert_eq!(entries(50, Fit::Balanced), 50);
        assert_eq!(entries(8, Fit::Loose), 8);
        assert_eq!(entries(9, Fit::Loose), 1);
    }
}
