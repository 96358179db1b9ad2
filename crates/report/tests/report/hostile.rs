//! Texts of users cannot leave their place in any format.

use serde_json::Value;

use super::formats::written;
use crate::sample::{HOSTILE, report};
use imagegate_core::policy::{is_printable, printable};
use imagegate_report::Format;

#[test]
fn no_format_carries_a_control_character() {
    for format in Format::ALL {
        let text = written(&report(), format);
        for character in text.chars().filter(|character| *character != '\n') {
            let is_line_end = format == Format::Csv && character == '\r';
            // JSON escapes what its grammar asks for, and a reader gets the text as it was written: a
            // path has to be that of the file.
            let is_json = matches!(format, Format::Json | Format::Ndjson | Format::Gitlab)
                && character > '\u{1f}';
            assert!(
                is_line_end || is_json || is_printable(character),
                "{format:?} has {character:?}"
            );
        }
    }
    let issues: Value = serde_json::from_str(&written(&report(), Format::Gitlab)).unwrap();
    for issue in issues.as_array().unwrap() {
        let description = issue["description"].as_str().unwrap();
        assert!(description.chars().all(is_printable), "{description:?}");
    }
}

#[test]
fn json_gives_the_texts_back_as_they_were_written() {
    let value: Value = serde_json::from_str(&written(&report(), Format::Json)).unwrap();
    for text in HOSTILE {
        let is_it = |finding: &Value| finding["image"] == text && finding["name"] == text;
        assert!(value["findings"].as_array().unwrap().iter().any(is_it), "{text:?}");
    }
}

#[test]
fn every_line_for_the_runner_is_a_command_of_ours_or_the_summary() {
    let text = written(&report(), Format::Github);
    let ours = ["::error ", "::warning ", "::notice ", "ImageGate: "];
    for line in text.lines() {
        assert!(ours.iter().any(|start| line.starts_with(start)), "{line}");
        let Some(command) = line.strip_prefix("::") else { continue };
        // As the runner splits it: the properties end at the next two colons.
        let (properties, _) = command.split_once("::").unwrap();
        let (_, properties) = properties.split_once(' ').unwrap();
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            assert!(["file", "line", "col", "title"].contains(&name), "{line}");
            assert!(!value.contains(':'), "{line}");
        }
    }
    // A percent sign of a user is not one of the runner.
    assert!(text.contains("%250A%3A%3Aerror%3A%3A%2525"), "{text}");
}

#[test]
fn no_text_is_markup_in_a_page() {
    let text = written(&report(), Format::Html);
    let known = [
        "html", "head", "meta", "title", "style", "body", "h1", "ul", "li", "table", "thead",
        "tbody",
    ];
    let known = [&known[..], &["tr", "th", "td", "code", "br", "details", "summary"]].concat();
    for rest in text.split('<').skip(1).filter(|rest| !rest.starts_with("!DOCTYPE")) {
        let (tag, _) = rest.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(known.contains(&name), "{tag}");
    }
    assert!(HOSTILE.iter().any(|text| text.contains('<')));
    assert!(text.contains("&lt;") && text.contains("&amp;"), "{text}");
}

#[test]
fn no_cell_is_a_formula_or_breaks_a_row() {
    let text = written(&report(), Format::Csv);
    let rows = rows(&text);
    let columns = rows[0].len();
    let report = report();
    let expected = report.findings.len() + report.troubles.len() + report.not_judged.len();
    assert_eq!(rows.len(), expected + 1);
    for row in &rows {
        assert_eq!(row.len(), columns, "{row:?}");
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        }
    }
    assert!(rows.iter().flatten().any(|cell| cell == "'=1+1"));
    assert!(rows.iter().flatten().any(|cell| cell == "\",\""), "quotes are doubled and read back");
    let behind_a_tab = "'\\t=cmd|' /C calc'!A0";
    assert!(rows.iter().flatten().any(|cell| cell == behind_a_tab));
}

/// Reads RFC 4180, by its grammar.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted);
    rows
}

#[test]
fn markdown_keeps_the_texts_in_code_spans_of_one_row() {
    let text = written(&report(), Format::Markdown);
    for line in text.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(unescaped_pipes(line), 5, "{line}");
        let outside = outside_code(line);
        for forbidden in ["<script", "](", "@", "#", "::", "*", "http"] {
            assert!(!outside.contains(forbidden), "{forbidden} in {outside}");
        }
    }
    for text_of_user in HOSTILE {
        let shown = printable(text_of_user).replace('|', "\\|");
        assert!(text.contains(&shown), "{shown}");
    }
}

fn unescaped_pipes(line: &str) -> usize {
    let mut before = ' ';
    line.chars()
        .filter(|character| {
            let is_pipe = *character == '|' && before != '\\';
            before = *character;
            is_pipe
        })
        .count()
}

/// What is left of a line without its code spans, by `CommonMark`: a run of backticks closes at the next
/// run of the same length.
fn outside_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let run = rest[start..].chars().take_while(|character| *character == '`').count();
        let behind = &rest[start + run..];
        let mut at = 0;
        let end = loop {
            let next = behind[at..].find('`').expect("an open code span") + at;
            let length = behind[next..].chars().take_while(|character| *character == '`').count();
            if length == run {
                break next;
            }
            at = next + length;
        };
        rest = &behind[end + run..];
    }
    outside + rest
}

#[test]
fn xml_and_sarif_hold_no_markup_of_users() {
    let junit = written(&report(), Format::Junit);
    for forbidden in ["<script", "<x/>", "]]>"] {
        assert!(!junit.contains(forbidden), "{forbidden}");
    }
    let sarif: Value = serde_json::from_str(&written(&report(), Format::Sarif)).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let message = result["message"]["text"].as_str().unwrap();
        assert!(!message.contains("[click](") || message.contains("\\[click\\]("), "{message}");
        for location in result["locations"].as_array().into_iter().flatten() {
            if let Some(uri) = location["physicalLocation"]["artifactLocation"]["uri"].as_str() {
                assert!(uri.is_ascii() && !uri.contains(['<', ' ', ':', '\\']), "{uri}");
            }
        }
    }
}
