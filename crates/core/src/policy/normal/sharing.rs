//! Whether two overrides may match the same request, so that one of them takes it from the other.
//!
//! Told by what is written, and on the safe side: yes, unless no namespace can be in both.

use std::collections::HashSet;

use crate::policy::normal::form::Fields;
use crate::policy::read::selector::SELECTOR_FIELDS;

/// The names of those that are in the other list too.
pub(super) fn in_both<'p>(list: &'p [Fields], other: &[Fields]) -> HashSet<&'p str> {
    let others: HashSet<&str> = other.iter().map(Fields::name).collect();
    list.iter().map(Fields::name).filter(|name| others.contains(name)).collect()
}

/// Whether a request may exist that an override matches, and one behind it in the list too, among
/// those that are named.
pub(super) fn may_share(one: &Fields, list: &[Fields], named: &HashSet<&str>) -> bool {
    let behind = list.iter().skip_while(|each| each.name() != one.name()).skip(1);
    let mut behind = behind.filter(|each| named.contains(each.name()));
    behind.any(|other| may_both_match(one, other))
}

/// Whether a request may exist that both overrides match. Only namespaces are looked at.
fn may_both_match(one: &Fields, other: &Fields) -> bool {
    let selects = |each: &Fields| SELECTOR_FIELDS.iter().any(|field| each.get(field).is_some());
    let (namespaces, others) = (one.items("namespaces"), other.items("namespaces"));
    match (namespaces.is_empty(), others.is_empty()) {
        (false, false) => {
            namespaces.iter().any(|glob| others.iter().any(|other| globs_may_meet(glob, other)))
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
