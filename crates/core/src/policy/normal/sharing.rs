//! Whether two overrides may match the same request, so that one of them takes it from the other.
//!
//! Told by what is written, and on the safe side: yes, unless no namespace can be in both, or where there is
//! much to compare.

use std::collections::{HashMap, HashSet};

use crate::policy::normal::form::Fields;
use crate::policy::read::selector::SELECTOR_FIELDS;

/// Overrides, and pairs of namespaces of two of them, that are compared at most.
const MOST_COMPARED: usize = 64;

/// The overrides of a policy that are in another one too.
pub(super) struct Kept<'p> {
    /// Of every override.
    positions: HashMap<&'p str, usize>,
    /// In their order.
    kept: Vec<(usize, &'p Fields)>,
}

impl<'p> Kept<'p> {
    pub(super) fn of(list: &'p [Fields], other: &[Fields]) -> Self {
        let others: HashSet<&str> = other.iter().map(Fields::name).collect();
        let all = || list.iter().enumerate();
        let kept = all().filter(|(_, each)| others.contains(each.name())).collect();
        Self { positions: all().map(|(position, each)| (each.name(), position)).collect(), kept }
    }

    /// Whether a request may exist that an override matches, and one behind it too that is kept.
    pub(super) fn may_share(&self, one: &Fields) -> bool {
        let Some(position) = self.positions.get(one.name()) else { return false };
        let first = self.kept.partition_point(|(at, _)| at <= position);
        let behind = self.kept.get(first..).unwrap_or_default();
        behind.len() > MOST_COMPARED || behind.iter().any(|(_, other)| may_both_match(one, other))
    }
}

/// Whether a request may exist that both overrides match. Only namespaces are looked at.
fn may_both_match(one: &Fields, other: &Fields) -> bool {
    let selects = |each: &Fields| SELECTOR_FIELDS.iter().any(|field| each.get(field).is_some());
    let (namespaces, others) = (one.items("namespaces"), other.items("namespaces"));
    match (namespaces.is_empty(), others.is_empty()) {
        (false, false) => {
            namespaces.len() * others.len() > MOST_COMPARED
                || namespaces
                    .iter()
                    .any(|glob| others.iter().any(|other| globs_may_meet(glob, other)))
        }
        // What has no namespaces is pinned by a path, or selects in all of them.
        (true, true) => selects(one) && selects(other),
        (true, false) => selects(one),
        (false, true) => selects(other),
    }
}

/// Whether a text may exist that both patterns match; yes, where it cannot be told by their ends.
fn globs_may_meet(one: &str, other: &str) -> bool {
    if one.starts_with('/') || other.starts_with('/') {
        return true;
    }
    match (one.split_once('*'), other.split_once('*')) {
        (None, None) => one == other,
        (None, Some((begins, _))) => one.starts_with(begins) && one.ends_with(end(other)),
        (Some((begins, _)), None) => other.starts_with(begins) && other.ends_with(end(one)),
        (Some((one_begins, _)), Some((begins, _))) => {
            let (one_ends, ends) = (end(one), end(other));
            (one_begins.starts_with(begins) || begins.starts_with(one_begins))
                && (one_ends.ends_with(ends) || ends.ends_with(one_ends))
        }
    }
}

/// What stands behind the last star.
fn end(glob: &str) -> &str {
    glob.rsplit('*').next().unwrap_or_default()
}
