//! Our own JSON: the report as it is, in one object or one object a line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use crate::answer::Answer;
use crate::finding::Finding;
use crate::json::{write_json, write_json_line};
use crate::remark::{Level, Remark, Remarks};
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
    #[serde(skip_serializing_if = "<[NotJudged]>::is_empty")]
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
    write_json(&report.as_json(), out)
}

impl Report {
    /// The report as the format JSON has it, for a larger object that holds it.
    #[must_use]
    pub fn as_json(&self) -> impl Serialize {
        Whole::of(self)
    }
}

impl<'r> Whole<'r> {
    fn of(report: &'r Report) -> Self {
        let Report { summary, findings, troubles, not_judged, moved_tags } = report;
        Self {
            policy_hash: &summary.policy.hash,
            allowed: summary.allowed,
            denied: summary.denied,
            unreadable: summary.unreadable + summary.not_understood,
            summary,
            findings: findings.iter().map(Named::of).collect(),
            troubles,
            not_judged,
            moved_tags,
        }
    }
}

/// A tag that means several images, as a line of its own.
#[derive(Serialize)]
struct MovedTag<'r> {
    image: &'r str,
    digests: &'r BTreeSet<String>,
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

/// `{"type": "finding", …}` and so on; the last line is the summary.
pub(super) fn write_lines(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    for finding in &report.findings {
        line("finding", finding, out)?;
    }
    for trouble in &report.troubles {
        line("trouble", trouble, out)?;
    }
    for not_judged in &report.not_judged {
        line("notJudged", not_judged, out)?;
    }
    for (image, digests) in &report.moved_tags {
        line("movedTag", &MovedTag { image, digests }, out)?;
    }
    line("summary", &report.summary, out)
}

pub(super) fn write_remarks(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Listed<'r> {
        command: &'r str,
        remarks: Vec<Shown<'r>>,
        summary: &'r [String],
    }
    let Remarks { command, list, summary } = remarks;
    write_json(&Listed { command, remarks: list.iter().map(shown).collect(), summary }, out)
}

pub(super) fn write_remark_lines(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Ending<'r> {
        command: &'r str,
        lines: &'r [String],
    }
    for remark in &remarks.list {
        line("remark", &shown(remark), out)?;
    }
    line("summary", &Ending { command: remarks.command, lines: &remarks.summary }, out)
}

fn line(kind: &str, value: &impl Serialize, out: &mut impl io::Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Typed<'v, T> {
        r#type: &'v str,
        #[serde(flatten)]
        value: &'v T,
    }
    write_json_line(&Typed { r#type: kind, value }, out)
}

#[derive(Serialize)]
struct Shown<'r> {
    level: &'static str,
    rule: &'static str,
    #[serde(flatten)]
    place: Option<&'r crate::Place>,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'r str,
    message: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'r str>,
}

fn shown(remark: &Remark) -> Shown<'_> {
    Shown {
        level: match remark.level {
            Level::Passed => "passed",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        },
        rule: remark.rule.as_str(),
        place: remark.place.as_ref(),
        subject: &remark.subject,
        message: &remark.message,
        hint: remark.hint.as_deref(),
    }
}
