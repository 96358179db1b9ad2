//! For programs: everything that is known, as one object.

use std::io::{self, Write};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Comparison;
use crate::json::write_json;
use imagegate_core::policy::Rule;
use imagegate_core::usage::{Hit, Hits};

pub(super) fn write(comparison: &Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let impact = &comparison.impact;
    let hits = |hits: &Hits| {
        let images: Vec<_> = hits.most_frequent.iter().map(|each| hit(each, comparison)).collect();
        json!({"uses": hits.uses, "images": images})
    };
    let changes = comparison.difference.changes.iter();
    let changes: Vec<_> =
        changes.map(|it| json!({"text": it.text, "loosens": it.loosens})).collect();
    let report = json!({
        "oldPolicyHash": comparison.old.hash(),
        "newPolicyHash": comparison.new.hash(),
        "uses": impact.uses,
        "images": impact.images,
        "newlyDenied": hits(&impact.newly_denied),
        "newlyWarned": hits(&impact.newly_warned),
        "newlyAudited": hits(&impact.newly_audited),
        "newlyAdmitted": hits(&impact.newly_admitted),
        "perhapsDenied": hits(&impact.perhaps_denied),
        "perhapsChanged": hits(&impact.perhaps_changed),
        "loosens": comparison.difference.loosens,
        "changes": changes,
        "changesLeftOut": comparison.difference.left_out,
    });
    write_json(&report, out)
}

fn hit(hit: &Hit, comparison: &Comparison<'_>) -> Value {
    json!({
        "image": hit.image,
        "count": hit.count,
        "uses": hit.uses,
        "rule": hit.rule.map(Rule::as_str),
        "message": comparison.messages.get(hit.image.as_str()),
        "namespaces": hit.namespaces,
        "moreNamespaces": hit.more_namespaces,
        "owners": hit.owners,
        "moreOwners": hit.more_owners,
        "lastSeen": hit.last_seen.and_then(moment),
    })
}

fn moment(at: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(at).ok()?.format(&Rfc3339).ok()
}
