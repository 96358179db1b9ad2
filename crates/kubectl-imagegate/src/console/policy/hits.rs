//! Whom an edit would hit, as JSON: how many images, the first of them, and their namespaces.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::policy::Rule;
use imagegate_core::usage::Hit;
use serde_json::{Value, json};

use crate::audit::ByImage;
use crate::change::{Hits, Newly};
use crate::images::moment;

/// Images of each kind that the page gets, and namespaces.
const MOST: usize = 100;
/// Owners of one image.
const MOST_OWNERS: usize = 3;

pub(super) fn to_json(hits: &Hits<'_>) -> Value {
    json!({
        "judged": { "uses": hits.remembered.uses, "images": hits.remembered.images },
        "newlyDenied": newly(&hits.denied()),
        "newlyAdmitted": newly(&hits.admitted()),
        "byLabels": hits.by_labels(),
    })
}

fn newly(newly: &Newly<'_>) -> Value {
    let Newly { running, beyond } = newly;
    let images = running.len() + beyond.len();
    let mut namespaces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let runs = running.iter().flat_map(|row| {
        row.owners.iter().map(|(namespace, ..)| (*namespace, row.image.unwrap_or_default()))
    });
    let seen = beyond.iter().flat_map(|hit| {
        hit.namespaces.iter().map(|namespace| (namespace.as_str(), hit.image.as_str()))
    });
    for (namespace, image) in runs.chain(seen) {
        namespaces.entry(namespace).or_default().insert(image);
    }
    let mut by_namespace: Vec<_> =
        namespaces.iter().map(|(namespace, images)| (*namespace, images.len())).collect();
    by_namespace.sort_by_key(|(namespace, images)| (std::cmp::Reverse(*images), *namespace));
    let rows = running.iter().map(running_row).chain(beyond.iter().map(|hit| remembered_row(hit)));
    let named = by_namespace.iter().take(MOST);
    json!({
        "images": images,
        "rows": rows.take(MOST).collect::<Vec<_>>(),
        "namespaces": named
            .map(|(namespace, images)| json!({ "namespace": namespace, "images": images }))
            .collect::<Vec<_>>(),
        "allNamespaces": by_namespace.len(),
    })
}

fn running_row(row: &ByImage<'_>) -> Value {
    let owners = row.owners.iter().take(MOST_OWNERS);
    let owners = owners.map(|(namespace, kind, name)| format!("{namespace}/{kind} {name}"));
    json!({
        "image": row.image,
        "runs": true,
        "count": row.pods.len(),
        "lastSeen": null,
        "owners": owners.collect::<Vec<_>>(),
        "moreOwners": row.owners.len().saturating_sub(MOST_OWNERS),
        "rule": row.rule.map(Rule::as_str),
    })
}

fn remembered_row(hit: &Hit) -> Value {
    let (names, more) = match hit.owners.as_slice() {
        [] => (&hit.namespaces, hit.more_namespaces),
        _ => (&hit.owners, hit.more_owners),
    };
    json!({
        "image": hit.image,
        "runs": false,
        "count": hit.count,
        "lastSeen": hit.last_seen.and_then(moment),
        "owners": names.iter().take(MOST_OWNERS).collect::<Vec<_>>(),
        "moreOwners": names.len().saturating_sub(MOST_OWNERS) + more,
        "rule": hit.rule.map(Rule::as_str),
    })
}
