//! Reads all inputs at once, and puts what is found together in their order.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::render::{Rendered, Step};
use crate::cli::located;
use crate::cli::manifests::{Input, Inputs, Selection, in_order, read};
use imagegate_check::{Judge, Problem, Target, Visitor, not_judged, placed, trouble};
use imagegate_core::manifest::{self, Candidate, Position};
use imagegate_core::policy::{self, printable};
use imagegate_report::{Finding, NotJudged, Report, Trouble, TroubleKind};

/// Fewer files than this are read before a bar could be seen.
const LONG: usize = 500;
/// Documents that were passed over are listed up to this number.
const MOST_PASSED_OVER: usize = 20;

/// A report that grows.
pub(super) struct Gather<'j> {
    judge: &'j Judge<'j>,
    report: Report,
    keeps_allowed: bool,
    passed_over: Vec<String>,
}

/// What was found in one file.
#[derive(Default)]
struct Content {
    findings: Vec<Finding>,
    troubles: Vec<Trouble>,
    not_judged: Vec<NotJudged>,
    passed_over: Vec<String>,
    objects: usize,
    skipped: usize,
    /// Images that are allowed, and of which nothing is kept but this.
    allowed: usize,
}

impl<'j> Gather<'j> {
    pub(super) fn new(judge: &'j Judge<'j>, report: Report, keeps_allowed: bool) -> Self {
        Self { judge, report, keeps_allowed, passed_over: Vec::new() }
    }

    /// Images as they stand on the command line.
    pub(super) fn images(&mut self, images: &[String]) {
        for image in images {
            self.report.add(self.judge.finding(&Target::of_image(image)));
        }
    }

    /// Everything in some files, directories and streams.
    pub(super) fn files(&mut self, paths: &[PathBuf], selection: &Selection) -> Result<()> {
        let mut found = Inputs::default();
        for path in paths {
            selection.inputs(path, &mut found)?;
        }
        self.report.summary.skipped += found.skipped;
        for (path, message) in found.problems {
            self.unreadable(&path.display().to_string(), message);
        }
        let bar = bar(found.files.len());
        let (judge, keeps_allowed) = (self.judge, self.keeps_allowed);
        let work = |input: &Input| {
            let name = input.name();
            let mut reading = Reading::new(&name, judge, keeps_allowed);
            read(input, &mut reading);
            reading.content
        };
        in_order(&found.files, work, |content| {
            bar.inc(1);
            self.add(content);
            Ok::<(), anyhow::Error>(())
        })?;
        bar.finish_and_clear();
        Ok(())
    }

    /// What the user's own tools make of charts and kustomizations.
    pub(super) fn rendered(&mut self, rendered: &Rendered) -> Result<()> {
        rendered.each(|name, step| match step {
            Step::Output(source) => self.source(name, source),
            Step::Failed(message) => self.unreadable(name, message),
        })
    }

    /// Everything in a stream; `name` is how it is shown.
    fn source(&mut self, name: &str, source: impl Read) {
        let mut reading = Reading::new(name, self.judge, self.keeps_allowed);
        imagegate_check::read(name, source, &mut reading);
        self.add(reading.content);
    }

    /// Marks what was there before, as often as it was.
    pub(super) fn forgive(&mut self, mut known: HashMap<String, usize>) {
        let mut summary = self.report.summary.clone();
        for count in [
            &mut summary.allowed,
            &mut summary.denied,
            &mut summary.warned,
            &mut summary.audited,
            &mut summary.exempted,
        ] {
            *count = 0;
        }
        let forgotten = summary.images - self.report.findings.len();
        summary.images = forgotten;
        summary.allowed = forgotten;
        for finding in &mut self.report.findings {
            if let Some(left) = known.get_mut(&super::changed::identity(finding))
                && *left > 0
                && finding.decision.is_violation()
            {
                *left -= 1;
                finding.known = true;
            }
            summary.count(finding);
        }
        self.report.summary = summary;
    }

    /// The report, and what was passed over, in words.
    pub(super) fn finish(self) -> (Report, Vec<String>) {
        (self.report, self.passed_over)
    }

    fn unreadable(&mut self, name: &str, message: String) {
        let place = Some(placed(name, Position::default(), 0));
        let kind = TroubleKind::Unreadable;
        self.report.add_trouble(Trouble { kind, place, message, hint: None });
    }

    fn add(&mut self, content: Content) {
        let Content { findings, troubles, not_judged, passed_over, objects, skipped, allowed } =
            content;
        let room = MOST_PASSED_OVER.saturating_sub(self.passed_over.len());
        self.passed_over.extend(passed_over.into_iter().take(room));
        self.report.summary.objects += objects;
        self.report.summary.skipped += skipped;
        self.report.summary.images += allowed;
        self.report.summary.allowed += allowed;
        for finding in findings {
            self.report.add(finding);
        }
        for trouble in troubles {
            self.report.add_trouble(trouble);
        }
        for each in not_judged {
            self.report.add_not_judged(each);
        }
    }
}

/// Judges what is read of one file.
struct Reading<'r> {
    name: &'r str,
    judge: &'r Judge<'r>,
    keeps_allowed: bool,
    content: Content,
}

impl<'r> Reading<'r> {
    fn new(name: &'r str, judge: &'r Judge<'r>, keeps_allowed: bool) -> Self {
        Self { name, judge, keeps_allowed, content: Content::default() }
    }
}

impl Visitor for Reading<'_> {
    fn reading(&self) -> policy::Reading<'_> {
        self.judge.reading()
    }

    fn object(&mut self) {
        self.content.objects += 1;
    }

    fn image(&mut self, target: Target) {
        let finding = self.judge.finding(&target);
        if Judge::is_plain(&finding) && !self.keeps_allowed {
            self.content.allowed += 1;
        } else {
            self.content.findings.push(finding);
        }
    }

    fn candidate(
        &mut self,
        document: usize,
        object: Option<&manifest::Object<'_>>,
        found: Candidate,
    ) {
        self.content.not_judged.push(not_judged(self.name, document, object, found));
    }

    fn skipped(&mut self, position: Position) {
        self.content.skipped += 1;
        if self.content.passed_over.len() < MOST_PASSED_OVER {
            let place = Some((position.line.into(), position.column.into()));
            let what = "not a Kubernetes object, and passed over";
            self.content.passed_over.push(located::at(self.name, place, what));
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.content.troubles.push(trouble(self.name, problem));
    }
}

/// A trouble as `FILE:LINE:COLUMN: what`.
pub(super) fn described(trouble: &Trouble) -> String {
    let place = trouble.place.as_ref();
    let file = place.map_or("", |place| place.file.as_str());
    let at = place.and_then(|place| Some((place.line?, place.column?)));
    let mut line = located::at(file, at, &trouble.message);
    if let Some(hint) = &trouble.hint {
        line.push_str("\n  hint: ");
        line.push_str(&printable(hint));
    }
    line
}

/// A bar on a terminal, for a long run; indicatif shows none where standard error is not one.
fn bar(files: usize) -> ProgressBar {
    if files < LONG {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} files, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
