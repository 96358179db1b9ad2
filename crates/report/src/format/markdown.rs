//! A summary for a pull request, in GitHub's and GitLab's Markdown.
//!
//! Whatever a user wrote stands in code spans: nothing there is a link, a mention, markup or HTML.

use std::io;

use imagegate_core::policy::printable;

use crate::remark::{Level, Remark, Remarks};

use super::relative;

/// More rows than this nobody reads. GitHub takes 64 KiB in a comment.
const MOST_ROWS: usize = 100;
/// Characters of one cell.
const LONGEST: usize = 300;

/// The same remark on the same image, and the places where it stands.
struct Row<'r> {
    remark: &'r Remark,
    times: usize,
}

pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    let rows = rows(remarks);
    let failing = rows.iter().filter(|row| row.is_failing()).map(|row| row.times).sum::<usize>();
    let title = match failing {
        0 => "✅ nothing fails".to_owned(),
        1 => "❌ 1 finding fails".to_owned(),
        many => format!("❌ {many} findings fail"),
    };
    writeln!(out, "### ImageGate: {title}\n")?;
    if !rows.is_empty() {
        writeln!(out, "| | what | where | why |\n|---|---|---|---|")?;
        for row in rows.iter().take(MOST_ROWS) {
            row.write(out)?;
        }
        writeln!(out)?;
    }
    if rows.len() > MOST_ROWS {
        writeln!(out, "…and {} more.\n", rows.len() - MOST_ROWS)?;
    }
    for line in &remarks.summary {
        writeln!(out, "- {}", code(line))?;
    }
    Ok(())
}

/// What fails first, then by weight, each in its order; the same is one row.
fn rows(remarks: &Remarks) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut positions = std::collections::HashMap::new();
    for remark in remarks.shown() {
        let file = remark.place.as_ref().map(|place| &place.file);
        let key = (remark.level, remark.rule, &remark.subject, file, remark.known);
        let next = rows.len();
        let position =
            if remark.subject.is_empty() { next } else { *positions.entry(key).or_insert(next) };
        match rows.get_mut(position) {
            Some(row) => row.times += 1,
            None => rows.push(Row { remark, times: 1 }),
        }
    }
    rows.sort_by_key(|row| (!row.is_failing(), std::cmp::Reverse(row.remark.level)));
    rows
}

impl Row<'_> {
    fn is_failing(&self) -> bool {
        self.remark.level == Level::Error && !self.remark.known
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Self { remark, times } = self;
        let sign = match remark.level {
            _ if remark.known => "known",
            Level::Error => "❌",
            Level::Warning => "⚠️",
            Level::Note | Level::Passed => "ℹ️",
        };
        let times = if *times > 1 { format!(" ×{times}") } else { String::new() };
        let what = match remark.subject.as_str() {
            "" => remark.rule.as_str().to_owned(),
            subject => code(subject),
        };
        let place = remark.place.as_ref().map(|place| match place.line {
            Some(line) => format!("{}:{line}", relative(place)),
            None => relative(place).to_owned(),
        });
        let location: Vec<_> = place
            .iter()
            .chain(Some(&remark.object))
            .filter(|text| !text.is_empty())
            .map(|text| code(text))
            .collect();
        let why: Vec<_> = Some(&remark.message).into_iter().chain(&remark.hint).collect();
        let why: Vec<_> = why.into_iter().map(|text| code(text)).collect();
        writeln!(
            out,
            "| {sign} | {what}{times} | {} | {} |",
            location.join("<br>"),
            why.join("<br>")
        )
    }
}

/// A code span that shows the text as it is, also in a table: with a fence longer than any backticks
/// in it, and pipes escaped (<https://github.github.com/gfm/#code-spans>, `#example-200`).
fn code(text: &str) -> String {
    let shown = printable(text);
    let mut shown: String = shown.chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    let longest = shown.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space on either side is taken away, if the text is more than spaces.
    let space = if shown.starts_with(['`', ' ']) || shown.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", shown.replace('|', "\\|"))
}
