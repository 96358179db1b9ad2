//! For people: grouped by file, or by namespace where there is no file. The same image with the same
//! answer is one entry of its group, with the number of times.

use std::collections::{BTreeMap, HashMap};
use std::io;

use imagegate_core::policy::Rule;

use super::Style;
use crate::answer::Answer;
use crate::finding::Finding;
use crate::remark::Remarks;
use crate::runner::inert;
use crate::trouble::Trouble;
use crate::{NotJudged, Place, Report};

pub(super) fn write(report: &Report, style: Style, out: &mut impl io::Write) -> io::Result<()> {
    write_findings(report, style, out)?;
    for line in report.summary.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The report for people, without its summary.
///
/// # Errors
/// Those of the writer.
pub fn write_findings(report: &Report, style: Style, out: &mut impl io::Write) -> io::Result<()> {
    for group in groups(report, style) {
        if let Some(title) = group.title {
            writeln!(out, "{}", style.bold(&inert(title)))?;
        }
        for entry in &group.entries {
            entry.write(group.title.is_some(), style, out)?;
        }
        for trouble in &group.troubles {
            write_trouble(trouble, style, out)?;
        }
        for each in &group.not_judged {
            let at = line_and_column(each.object.place.as_ref());
            let title = each.object.title();
            let (image, title) = (inert(&each.image), inert(&title));
            let word = style.answer_like("2", "not judged");
            writeln!(out, "  {at}{word} {image}  ({title} {})", inert(&each.field))?;
        }
        if group.title.is_some() {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// What stands below one title.
#[derive(Default)]
struct Group<'r> {
    /// The file or the namespace.
    title: Option<&'r str>,
    entries: Vec<Entry<'r>>,
    /// The entry of each image, to fold the next one like it.
    index: HashMap<Key<'r>, usize>,
    troubles: Vec<&'r Trouble>,
    not_judged: Vec<&'r NotJudged>,
}

/// What images have in common that are shown once.
type Key<'r> = (Answer, Option<&'r str>, Option<Rule>, Option<&'r str>, bool);

/// One image, and how often it stands in the group.
struct Entry<'r> {
    finding: &'r Finding,
    times: usize,
}

fn groups(report: &Report, style: Style) -> Vec<Group<'_>> {
    let mut groups = Groups::default();
    for finding in &report.findings {
        if finding.decision != Answer::Allow || style.verbose {
            groups.titled(title(finding)).add(finding);
        }
    }
    for trouble in &report.troubles {
        groups.titled(file(trouble.place.as_ref())).troubles.push(trouble);
    }
    for not_judged in report.not_judged.iter().filter(|_| style.verbose) {
        groups.titled(file(not_judged.object.place.as_ref())).not_judged.push(not_judged);
    }
    groups.in_order.into_values().collect()
}

/// Groups by their titles, in the order in which they were first met.
#[derive(Default)]
struct Groups<'r> {
    positions: HashMap<Option<&'r str>, usize>,
    in_order: BTreeMap<usize, Group<'r>>,
}

impl<'r> Groups<'r> {
    fn titled(&mut self, title: Option<&'r str>) -> &mut Group<'r> {
        let next = self.positions.len();
        let position = *self.positions.entry(title).or_insert(next);
        self.in_order.entry(position).or_insert_with(|| Group { title, ..Group::default() })
    }
}

fn file(place: Option<&Place>) -> Option<&str> {
    place.map(|place| place.file.as_str())
}

/// The file of a finding; its namespace if it is of an object in a cluster.
fn title(finding: &Finding) -> Option<&str> {
    match &finding.object.place {
        Some(place) => Some(&place.file),
        None if finding.object.kind.is_some() => finding.object.namespace.as_deref(),
        None => None,
    }
}

impl<'r> Group<'r> {
    fn add(&mut self, finding: &'r Finding) {
        let key = (
            finding.decision,
            finding.image.as_deref(),
            finding.rule,
            finding.override_name.as_deref(),
            finding.known,
        );
        let next = self.entries.len();
        let at = *self.index.entry(key).or_insert(next);
        match self.entries.get_mut(at) {
            Some(entry) => entry.times += 1,
            None => self.entries.push(Entry { finding, times: 1 }),
        }
    }
}

impl Entry<'_> {
    fn write(&self, grouped: bool, style: Style, out: &mut impl io::Write) -> io::Result<()> {
        let Self { finding, times } = self;
        let indent = if grouped { "  " } else { "" };
        let image = finding.image.as_deref().unwrap_or("(no image)");
        let at = line_and_column(finding.object.place.as_ref());
        write!(out, "{indent}{at}{} {}", style.answer(finding.decision), inert(image))?;
        if *times > 1 {
            write!(out, " ×{times}")?;
        }
        let title = finding.object.title();
        match &finding.field {
            Some(field) => write!(out, "  ({} {})", inert(&title), inert(field))?,
            None if !title.is_empty() => write!(out, "  ({})", inert(&title))?,
            None => {}
        }
        if finding.known {
            write!(out, "  known")?;
        }
        if let Some(why) = finding.out_of_reach {
            write!(out, "  {why}")?;
        }
        writeln!(out)?;
        if let Some(text) = &finding.message {
            writeln!(out, "{indent}       {}", inert(text))?;
        }
        if let Some(exemption) = &finding.exemption {
            let (name, reason) = (inert(&exemption.name), inert(&exemption.reason));
            writeln!(out, "{indent}       {name}: {reason}")?;
        }
        if let Some(hint) = &finding.hint {
            writeln!(out, "{indent}       hint: {}", inert(hint))?;
        }
        Ok(())
    }
}

fn write_trouble(trouble: &Trouble, style: Style, out: &mut impl io::Write) -> io::Result<()> {
    let at = line_and_column(trouble.place.as_ref());
    let word = style.answer_like("35", "error");
    writeln!(out, "  {at}{word} {}", inert(&trouble.message))?;
    if let Some(hint) = &trouble.hint {
        writeln!(out, "         hint: {}", inert(hint))?;
    }
    Ok(())
}

/// `12:16 `, where it is known.
fn line_and_column(place: Option<&Place>) -> String {
    match place.map(|place| (place.line, place.column)) {
        Some((Some(line), Some(column))) => format!("{line}:{column} "),
        Some((Some(line), None)) => format!("{line} "),
        _ => String::new(),
    }
}

impl Style {
    /// The answer's name in its colour, padded to the longest.
    fn answer(self, answer: Answer) -> String {
        let code = match answer {
            Answer::Allow => "32",
            Answer::Deny => "31",
            Answer::Warn | Answer::Audit | Answer::Exempt => "33",
        };
        self.answer_like(code, answer.as_str())
    }

    fn answer_like(self, code: &str, word: &str) -> String {
        self.painted(code, &format!("{word:<6}"))
    }

    fn bold(self, text: &str) -> String {
        self.painted("1", text)
    }

    fn painted(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `PATH:LINE:COLUMN: message` for each remark that says something, and the summary.
pub(super) fn write_remarks(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    for remark in remarks.shown() {
        if let Some(place) = &remark.place {
            let number = |number: Option<u64>| number.map(|number| format!(":{number}"));
            let line = number(place.line).unwrap_or_default();
            let column = number(place.column).unwrap_or_default();
            write!(out, "{}{line}{column}: ", inert(&place.file))?;
        }
        writeln!(out, "{}", inert(&remark.message))?;
        if let Some(hint) = &remark.hint {
            writeln!(out, "  hint: {}", inert(hint))?;
        }
    }
    for line in &remarks.summary {
        writeln!(out, "{}", inert(line))?;
    }
    Ok(())
}
