//! Our own JSON: the report as it is, and the names that its first version had.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use crate::answer::Answer;
use crate::finding::Finding;
use crate::{NotJudged, Report, Summary, Trouble};

/// A report with the fields of the first version beside its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'r> {
    policy_hash: &'r str,
    allowed: usize,
    denied: usize,
    unreadable: usize,
    summary: &'r Summary,
    findings: Vec<Named<'r>>,
    troubles: &'r [Trouble],
    not_judged: &'r [NotJudged],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    moved_tags: &'r BTreeMap<String, BTreeSet<String>>,
}

/// A finding, with the answer and the object by their first names.
#[derive(Serialize)]
struct Named<'r> {
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(flatten)]
    finding: &'r Finding,
}

pub(super) fn write(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    let Report { summary, findings, troubles, not_judged, moved_tags } = report;
    let whole = Whole {
        policy_hash: &summary.policy.hash,
        allowed: summary.allowed,
        denied: summary.denied,
        unreadable: summary.unreadable + summary.not_understood,
        summary,
        findings: findings.iter().map(Named::of).collect(),
        troubles,
        not_judged,
        moved_tags,
    };
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    out.write_all(b"\n")
}

impl<'r> Named<'r> {
    fn of(finding: &'r Finding) -> Self {
        let object = &finding.object;
        let named = object.kind.as_ref().map(|kind| match &object.name {
            Some(name) => format!("{kind} {name}"),
            None => kind.clone(),
        });
        Self { answer: finding.decision, object: named, finding }
    }
}
