//! A page for people without the tool: one file, to attach, to keep or to publish.
//!
//! It loads nothing and runs nothing, which its content security policy holds it to. Texts of users are
//! text: none of them is markup.

use std::collections::HashMap;
use std::io;

use imagegate_core::policy::printable;

use crate::remark::{Level, Remark, Remarks};

use super::relative;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
"#;
const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
code { font: .9em ui-monospace, monospace; white-space: pre-wrap; }
summary { cursor: pointer; }
.error { color: #c62828; }
.warning { color: #b26a00; }
";

/// The same remark on the same image, with the places where it stands.
struct Row<'r> {
    remark: &'r Remark,
    places: Vec<String>,
}

pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    let rows = rows(remarks);
    let failing = rows.iter().filter(|row| row.is_failing()).map(|row| row.places.len());
    let title = match failing.sum() {
        0 => "ImageGate: nothing fails".to_owned(),
        1 => "ImageGate: 1 finding fails".to_owned(),
        many => format!("ImageGate: {many} findings fail"),
    };
    write!(out, "{HEAD}<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n")?;
    writeln!(out, "<h1>{title}</h1>\n<ul>")?;
    for line in &remarks.summary {
        writeln!(out, "<li>{}</li>", text(line))?;
    }
    writeln!(out, "</ul>")?;
    if !rows.is_empty() {
        writeln!(out, "<table>\n<thead><tr>")?;
        for heading in ["", "what", "rule", "where", "why"] {
            writeln!(out, "<th scope=\"col\">{heading}</th>")?;
        }
        writeln!(out, "</tr></thead>\n<tbody>")?;
        rows.iter().try_for_each(|row| row.write(out))?;
        writeln!(out, "</tbody>\n</table>")?;
    }
    writeln!(out, "</body>\n</html>")
}

/// What fails first, then by weight, each in its order.
fn rows(remarks: &Remarks) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut positions = HashMap::new();
    for remark in remarks.shown() {
        let key = (remark.level, remark.rule, &remark.subject, &remark.message, remark.known);
        let next = rows.len();
        let position = *positions.entry(key).or_insert(next);
        let place = place(remark);
        match rows.get_mut(position) {
            Some(row) => row.places.push(place),
            None => rows.push(Row { remark, places: vec![place] }),
        }
    }
    rows.sort_by_key(|row| (!row.is_failing(), std::cmp::Reverse(row.remark.level)));
    rows
}

/// Where it stands, as far as that is known: `deploy/web.yaml:12`, and the field of the object.
fn place(remark: &Remark) -> String {
    let file = remark.place.as_ref().map(|place| match place.line {
        Some(line) => format!("{}:{line}", relative(place)),
        None => relative(place).to_owned(),
    });
    let parts = file.iter().chain(Some(&remark.object)).filter(|part| !part.is_empty());
    parts.map(|part| code(part)).collect::<Vec<_>>().join("<br>\n")
}

impl Row<'_> {
    fn is_failing(&self) -> bool {
        self.remark.level == Level::Error && !self.remark.known
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        let Self { remark, places } = self;
        let (class, word) = match remark.level {
            _ if remark.known => ("note", "known"),
            Level::Error => ("error", "error"),
            Level::Warning => ("warning", "warning"),
            Level::Note | Level::Passed => ("note", "note"),
        };
        writeln!(out, "<tr>\n<td class=\"{class}\">{word}</td>")?;
        writeln!(out, "<td>{}</td>", code(&remark.subject))?;
        writeln!(out, "<td>{}</td>", remark.rule.as_str())?;
        match places.as_slice() {
            [] => writeln!(out, "<td></td>")?,
            [one] => writeln!(out, "<td>{one}</td>")?,
            [first, others @ ..] => {
                writeln!(
                    out,
                    "<td>{first}\n<details><summary>and {} more</summary>",
                    others.len()
                )?;
                others.iter().try_for_each(|place| writeln!(out, "{place}<br>"))?;
                writeln!(out, "</details></td>")?;
            }
        }
        let why = Some(&remark.message).into_iter().chain(&remark.hint);
        let why: Vec<_> = why.map(|line| text(line)).collect();
        writeln!(out, "<td>{}</td>\n</tr>", why.join("<br>\n"))
    }
}

fn code(written: &str) -> String {
    if written.is_empty() { String::new() } else { format!("<code>{}</code>", text(written)) }
}

/// Escaped as HTML asks for in text, and in values of attributes too.
fn text(written: &str) -> String {
    let mut shown = String::with_capacity(written.len());
    for character in printable(written).chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            other => shown.push(other),
        }
    }
    shown
}
