//! Findings and troubles as far as there is room, and how many there are beyond.

use std::io::{self, Write};

use imagegate_check::{Judge, Problem, Target, Visitor, not_judged, trouble};
use imagegate_core::manifest::{Candidate, Object, Position};
use imagegate_core::policy::Reading;
use imagegate_report::{Report, write_json_line};
use serde::Serialize;

use crate::explained::Explained;
use crate::manifest::SOURCE;

/// Findings, troubles, and values that were not judged: as many of each are kept.
pub(crate) const MOST: usize = 1_000;
/// Bytes of JSON. An explanation can name every exemption of a policy, and there is one for each finding. The
/// answer is up to twice as large, since a finding has a name in two places.
const LARGEST: usize = 16 << 20;

/// What is kept of what is read.
pub(crate) struct Answer<'j> {
    judge: &'j Judge<'j>,
    report: Report,
    explanations: Vec<Explained>,
    more: More,
    /// Bytes of JSON that are kept.
    size: usize,
}

/// How many of what was found are in the counts alone.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct More {
    findings: usize,
    troubles: usize,
    not_judged: usize,
}

impl<'j> Answer<'j> {
    pub(crate) fn new(judge: &'j Judge<'j>, report: Report) -> Self {
        Self { judge, report, explanations: Vec::new(), more: More::default(), size: 0 }
    }

    pub(crate) fn finish(self) -> (Report, Vec<Explained>, More) {
        (self.report, self.explanations, self.more)
    }

    /// Whether there is no room for anything beside so many that are kept.
    fn is_full(&self, kept: usize) -> bool {
        kept >= MOST || self.size >= LARGEST
    }

    /// Takes the room that a value needs; false where it is not there, and then there is none any more.
    fn takes(&mut self, value: &impl Serialize) -> bool {
        self.size = self.size.saturating_add(size(value));
        self.size <= LARGEST
    }
}

impl Visitor for Answer<'_> {
    fn reading(&self) -> Reading<'_> {
        self.judge.reading()
    }

    fn object(&mut self) {
        self.report.summary.objects += 1;
    }

    fn image(&mut self, target: Target) {
        let kept = self.report.findings.len();
        if !self.is_full(kept) {
            let finding = self.judge.finding(&target);
            let explained = Explained::of(kept, self.judge, &target);
            if self.takes(&(&finding, &explained)) {
                self.report.add(finding);
                self.explanations.push(explained);
                return;
            }
        }
        self.report.summary.count(&self.judge.unexplained(&target));
        self.more.findings += 1;
    }

    fn candidate(&mut self, document: usize, object: Option<&Object<'_>>, found: Candidate) {
        let found = not_judged(SOURCE, document, object, found);
        if !self.is_full(self.report.not_judged.len()) && self.takes(&found) {
            self.report.add_not_judged(found);
        } else {
            self.report.summary.not_judged += 1;
            self.more.not_judged += 1;
        }
    }

    fn skipped(&mut self, _position: Position) {
        self.report.summary.skipped += 1;
    }

    fn problem(&mut self, problem: Problem) {
        let found = trouble(SOURCE, problem);
        if !self.is_full(self.report.troubles.len()) && self.takes(&found) {
            self.report.add_trouble(found);
        } else {
            self.report.summary.count_trouble(&found);
            self.more.troubles += 1;
        }
    }
}

/// Bytes of a value as JSON.
fn size(value: &impl Serialize) -> usize {
    let mut counted = Counted(0);
    let _ = write_json_line(value, &mut counted);
    counted.0
}

/// Counts what is written.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
