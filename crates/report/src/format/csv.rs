//! A table by RFC 4180: a header, lines that end with CR LF, and quotes around what needs them.
//!
//! A program that opens a table may take a cell for a formula and run it. A cell that begins like one
//! gets an apostrophe in front, as OWASP advises. Escaping makes control characters visible, so that
//! no cell breaks a line.

use std::borrow::Cow;
use std::io;

use imagegate_core::policy::{Rule, printable};

use crate::finding::{Finding, Object, Place};
use crate::remark::{Level, Remarks};
use crate::{ImageReference, Report};

const COLUMNS: [&str; 26] = [
    "decision",
    "mode",
    "rule",
    "file",
    "line",
    "column",
    "document",
    "kind",
    "namespace",
    "name",
    "field",
    "container",
    "image",
    "registry",
    "repository",
    "tag",
    "digest",
    "message",
    "hint",
    "override",
    "exemption",
    "reason",
    "known",
    "owner",
    "running",
    "outOfReach",
];

/// A row for each finding, each trouble and each value that was not judged.
pub(super) fn write(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    row(out, COLUMNS)?;
    for finding in &report.findings {
        row(out, of_finding(finding))?;
    }
    for trouble in &report.troubles {
        let object = Object { place: trouble.place.clone(), ..Object::default() };
        let mut cells = empty_but(trouble.kind.as_str(), &object);
        set(&mut cells, "message", &trouble.message);
        set(&mut cells, "hint", trouble.hint.as_deref().unwrap_or_default());
        row(out, cells)?;
    }
    for not_judged in &report.not_judged {
        let mut cells = empty_but("not-judged", &not_judged.object);
        set(&mut cells, "field", &not_judged.field);
        set(&mut cells, "image", &not_judged.image);
        row(out, cells)?;
    }
    Ok(())
}

pub(super) fn write_remarks(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    row(out, ["level", "rule", "file", "line", "column", "subject", "message", "hint"])?;
    for remark in &remarks.list {
        let level = match remark.level {
            Level::Passed => "passed",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let [file, line, column, _] = of_place(remark.place.as_ref());
        row(
            out,
            [
                level.into(),
                remark.rule.as_str().into(),
                file,
                line,
                column,
                Cow::from(&remark.subject),
                Cow::from(&remark.message),
                remark.hint.as_deref().unwrap_or_default().into(),
            ],
        )?;
    }
    Ok(())
}

type Cells<'r> = [Cow<'r, str>; COLUMNS.len()];

fn of_finding(finding: &Finding) -> Cells<'_> {
    let mut cells = empty_but(finding.decision.as_str(), &finding.object);
    let text = Option::unwrap_or_default;
    set(&mut cells, "mode", finding.mode.as_str());
    set(&mut cells, "rule", finding.rule.map_or("", Rule::as_str));
    set(&mut cells, "field", text(finding.field.as_deref()));
    set(&mut cells, "container", &finding.container);
    set(&mut cells, "image", text(finding.image.as_deref()));
    if let Some(ImageReference { registry, repository, tag, digest }) = &finding.reference {
        set(&mut cells, "registry", registry);
        set(&mut cells, "repository", repository);
        set(&mut cells, "tag", text(tag.as_deref()));
        set(&mut cells, "digest", text(digest.as_deref()));
    }
    set(&mut cells, "message", text(finding.message.as_deref()));
    set(&mut cells, "hint", text(finding.hint.as_deref()));
    set(&mut cells, "override", text(finding.override_name.as_deref()));
    if let Some(exemption) = &finding.exemption {
        set(&mut cells, "exemption", &exemption.name);
        set(&mut cells, "reason", &exemption.reason);
    }
    set(&mut cells, "known", if finding.known { "true" } else { "" });
    set(&mut cells, "owner", text(finding.owner.as_deref()));
    set(&mut cells, "running", text(finding.running.as_deref()));
    set(&mut cells, "outOfReach", text(finding.out_of_reach));
    cells
}

/// Cells with a decision and an object.
fn empty_but<'r>(decision: &'r str, object: &'r Object) -> Cells<'r> {
    let mut cells: Cells<'r> = Default::default();
    set(&mut cells, "decision", decision);
    let [file, line, column, document] = of_place(object.place.as_ref());
    set(&mut cells, "file", file);
    set(&mut cells, "line", line);
    set(&mut cells, "column", column);
    set(&mut cells, "document", document);
    for (name, value) in
        [("kind", &object.kind), ("namespace", &object.namespace), ("name", &object.name)]
    {
        set(&mut cells, name, value.as_deref().unwrap_or_default());
    }
    cells
}

/// The file, the line, the column and the document.
fn of_place(place: Option<&Place>) -> [Cow<'_, str>; 4] {
    let Some(Place { file, line, column, document }) = place else { return Default::default() };
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let document = document.map(|document| document.to_string()).unwrap_or_default();
    [file.into(), number(*line).into(), number(*column).into(), document.into()]
}

fn set<'r>(cells: &mut Cells<'r>, column: &str, value: impl Into<Cow<'r, str>>) {
    let position = COLUMNS.iter().position(|name| *name == column);
    if let Some(cell) = position.and_then(|position| cells.get_mut(position)) {
        *cell = value.into();
    }
}

fn row<'c>(
    out: &mut impl io::Write,
    cells: impl IntoIterator<Item = impl Into<Cow<'c, str>>>,
) -> io::Result<()> {
    for (position, cell) in cells.into_iter().enumerate() {
        if position > 0 {
            out.write_all(b",")?;
        }
        write_cell(&cell.into(), out)?;
    }
    out.write_all(b"\r\n")
}

fn write_cell(cell: &str, out: &mut impl io::Write) -> io::Result<()> {
    // Before escaping: behind a tab or a line break, too, a formula is one.
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let shown = printable(cell);
    let apostrophe = if is_formula { "'" } else { "" };
    if shown.contains([',', '"']) || shown.starts_with(' ') || shown.ends_with(' ') {
        write!(out, "\"{apostrophe}{}\"", shown.replace('"', "\"\""))
    } else {
        write!(out, "{apostrophe}{shown}")
    }
}
