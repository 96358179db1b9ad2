//! How a text is written: bare where every YAML reader takes it for the same text, else in quotes.

use std::fmt::Write as _;

use super::WIDTH;
use super::tree::{Block, Text};
use crate::policy::printable::is_printable;

/// Words that YAML 1.1 or 1.2 takes for something other than a text.
const WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// The text as the item of a list or the value of a field.
pub(super) fn write(text: &str, out: &mut String) {
    if is_bare(text) {
        out.push_str(text);
    } else if text.contains(['"', '\\']) && text.chars().all(is_printable) {
        // Nothing has to be escaped in it but its own quotes.
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        quote(text, out);
    }
}

/// The value of a field that is no text: a number, a day, true or false.
pub(super) fn write_bare(text: &str, out: &mut String) {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.:".contains(&byte);
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins && !text.ends_with(':') && text.bytes().all(is_safe) {
        out.push_str(text);
    } else {
        write(text, out);
    }
}

/// Whether a text needs no quotes, in brackets or outside of them: letters, digits and `-._/@+`,
/// and no number, date, truth value or null.
fn is_bare(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@+".contains(&byte);
    let begins = |first: char| first.is_ascii_alphanumeric() || first == '/' || first == '_';
    text.starts_with(begins)
        && text.bytes().all(is_safe)
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !is_number(text)
}

/// Whether any reader of YAML may take it for a number or a date.
fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"_.+-eE".contains(&byte);
    let digits = text.strip_prefix('0').and_then(|rest| {
        let rest = rest.strip_prefix(['b', 'B', 'o', 'O', 'x', 'X'])?;
        Some(rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_'))
    });
    let begins = text.starts_with(|first: char| first.is_ascii_digit());
    begins && (text.bytes().all(is_part) || digits == Some(true))
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            shown if is_printable(shown) => out.push(shown),
            hidden => {
                let code = u32::from(hidden);
                // Writing to a text cannot fail.
                let _ = match code {
                    ..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
}

/// A text over several lines: what stands behind the key, and the lines, without indentation.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) header: &'static str,
    pub(super) lines: Vec<String>,
}

/// The lines of a text that the author wrote over several; `None` where it is written like any other.
pub(super) fn lines(text: &Text<'_>, indent: usize) -> Option<Lines> {
    let block = text.block?;
    let (inside, ends) = match text.value.strip_suffix('\n') {
        Some(inside) => (inside, true),
        None => (&*text.value, false),
    };
    let is_plain = |line: &str| {
        // What is indented further, or blank and not empty, has rules of its own.
        !line.starts_with([' ', '\t'])
            && !line.ends_with([' ', '\t'])
            && line.chars().all(is_printable)
    };
    if inside.is_empty() || inside.ends_with('\n') || !inside.split('\n').all(is_plain) {
        return None;
    }
    match block {
        Block::Literal => {
            let header = if ends { "|" } else { "|-" };
            Some(Lines { header, lines: inside.split('\n').map(str::to_owned).collect() })
        }
        Block::Folded => {
            if inside.contains("  ") || inside.contains('\t') {
                return None;
            }
            let header = if ends { ">" } else { ">-" };
            Some(Lines { header, lines: folded(inside, WIDTH.saturating_sub(indent)) })
        }
    }
}

/// Paragraphs, each broken into lines at its spaces.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, paragraph) in text.split('\n').enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let more = word.chars().count();
            if !line.is_empty() {
                if length + 1 + more > width {
                    lines.push(std::mem::take(&mut line));
                    length = 0;
                } else {
                    line.push(' ');
                    length += 1;
                }
            }
            line.push_str(word);
            length += more;
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}
