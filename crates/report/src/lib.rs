//! What was found about images, and the formats in which people and pipelines read it.
//!
//! A command judges images, gathers a [`Report`] of [`Finding`]s, and writes it in a [`Format`].
//! Each format shows the same findings, so that a pipeline can change its format and keep its
//! verdict. What a user wrote is escaped by the rules of each format.
//!
//! | module | holds |
//! |---|---|
//! | `answer` | what becomes of one image, in one word |
//! | `finding` | one image with its place, its answer and the reasons |
//! | `trouble` | what could not be read or understood, and what was passed over |
//! | `summary` | the counts, and how a command ends because of them |
//! | `exit` | exit codes |
//! | `remark` | all of that in the form in which pipelines take it |
//! | `rules` | what a remark can be about, with a help text for each |
//! | `comparison` | two policies side by side, and whom the new one hits |
//! | `format` | the report as text, JSON and so on |
//! | `runner` | texts that a CI runner would take for commands |
//! | `json` | JSON that does no harm on a terminal |
//! | `patient` | a writer whose reader may leave early |
//!
//! Pure, like the core: no IO but the writer that is passed in, no clock, no terminal is asked.

// As in the core: a panic would lose the verdict of a whole run. Tests may panic.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod answer;
mod comparison;
mod exit;
mod finding;
mod format;
mod json;
mod patient;
mod remark;
mod rules;
mod runner;
mod summary;
mod trouble;

pub use answer::Answer;
pub use comparison::Comparison;
pub use exit::Exit;
pub use finding::{BrokenRule, Exempted, Finding, ImageReference, Object, Place};
pub use format::{Format, Style, write, write_findings, write_remarks};
pub use json::{write_json, write_json_line};
pub use patient::Patient;
pub use remark::{Level, Remark, Remarks};
pub use rules::RuleId;
pub use runner::inert;
pub use summary::{FailOn, Outcome, PolicySource, Summary};
pub use trouble::{NotJudged, Trouble, TroubleKind};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Everything that one run found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The policy, and the counts of the run.
    pub summary: Summary,
    /// The images, in the order in which they were read.
    pub findings: Vec<Finding>,
    /// What could not be read or understood, in the same order.
    pub troubles: Vec<Trouble>,
    /// What looks like an image and stands where none is expected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_judged: Vec<NotJudged>,
    /// Tags that stand for more than one digest where they run, with the digests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moved_tags: BTreeMap<String, BTreeSet<String>>,
}

impl Report {
    /// An empty report of a run with this policy.
    #[must_use]
    pub fn new(policy: PolicySource) -> Self {
        Self { summary: Summary { policy, ..Summary::default() }, ..Self::default() }
    }

    /// Adds a finding and counts it.
    pub fn add(&mut self, finding: Finding) {
        self.summary.count(&finding);
        self.findings.push(finding);
    }

    /// Adds something that could not be read or understood, and counts it.
    pub fn add_trouble(&mut self, trouble: Trouble) {
        self.summary.count_trouble(&trouble);
        self.troubles.push(trouble);
    }

    /// Adds something that looks like an image and was not judged, and counts it.
    pub fn add_not_judged(&mut self, not_judged: NotJudged) {
        self.summary.not_judged += 1;
        self.not_judged.push(not_judged);
    }
}
