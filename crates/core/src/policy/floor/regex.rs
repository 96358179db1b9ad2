//! Regexes for the API server: the subset that RE2 and its relatives read alike.
//!
//! A regex of the policy is printed anew from its parsed form, over the letters that the matched text can
//! have. So no engine's own idea of a class, of case or of Unicode matters.

use regex_syntax::hir::{Class, Hir, HirKind};

/// RE2 refuses a larger count, also of repetitions inside one another.
const MOST_REPEATED: u32 = 1_000;

/// A regex that RE2 does not have, or one about the ends of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsayable;

/// The text of a regex over letters that `is_letter` names, without anchors; `None` for one that matches
/// no such text.
///
/// # Errors
/// When it cannot be said.
pub(super) fn print(hir: &Hir, is_letter: fn(u8) -> bool) -> Result<Option<String>, Unsayable> {
    of(hir, is_letter, 1)
}

/// A text that matches itself.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '.' => escaped.push_str("[.]"),
            '\\' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// One of several regexes.
pub(super) fn alternatives(regexes: &[String]) -> String {
    match regexes {
        [one] if !one.contains('|') => one.clone(),
        _ => format!("(?:{})", regexes.join("|")),
    }
}

fn of(hir: &Hir, is_letter: fn(u8) -> bool, repeated: u32) -> Result<Option<String>, Unsayable> {
    match hir.kind() {
        HirKind::Empty => Ok(Some(String::new())),
        HirKind::Look(_) => Err(Unsayable),
        HirKind::Literal(literal) => {
            if !literal.0.iter().all(|byte| is_letter(*byte)) {
                return Ok(None);
            }
            let text = std::str::from_utf8(&literal.0).map_err(|_| Unsayable)?;
            Ok(Some(escaped(text)))
        }
        HirKind::Class(class) => Ok(letters(class, is_letter)),
        HirKind::Capture(capture) => of(&capture.sub, is_letter, repeated),
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min, repetition.max);
            let most = max.unwrap_or(min).max(1).saturating_mul(repeated);
            if most > MOST_REPEATED {
                return Err(Unsayable);
            }
            let Some(sub) = of(&repetition.sub, is_letter, most)? else {
                return Ok((min == 0).then(String::new));
            };
            let count = match (min, max) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (min, None) => format!("{{{min},}}"),
                (min, Some(max)) => format!("{{{min},{max}}}"),
            };
            Ok(Some(format!("(?:{sub}){count}")))
        }
        HirKind::Concat(parts) => {
            let parts: Result<Vec<_>, _> =
                parts.iter().map(|part| of(part, is_letter, repeated)).collect();
            let parts: Option<Vec<_>> = parts?.into_iter().collect();
            Ok(parts.map(|parts| parts.concat()))
        }
        HirKind::Alternation(parts) => {
            let parts: Result<Vec<_>, _> =
                parts.iter().map(|part| of(part, is_letter, repeated)).collect();
            let parts: Vec<_> = parts?.into_iter().flatten().collect();
            Ok((!parts.is_empty()).then(|| format!("(?:{})", parts.join("|"))))
        }
    }
}

fn letters(class: &Class, is_letter: fn(u8) -> bool) -> Option<String> {
    let in_class = |byte: u8| match class {
        Class::Bytes(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte))
        }
        Class::Unicode(class) => {
            let character = char::from(byte);
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&character))
        }
    };
    let bytes: Vec<u8> = (0..0x80).filter(|byte| is_letter(*byte) && in_class(*byte)).collect();
    if bytes.is_empty() {
        return None;
    }
    let mut text = String::from("[");
    let runs = bytes.chunk_by(|one, next| one + 1 == *next && one.is_ascii_alphanumeric());
    for run in runs {
        match run {
            [first, .., last] if run.len() > 2 => {
                text.push(char::from(*first));
                text.push('-');
                text.push(char::from(*last));
            }
            _ => {
                for byte in run {
                    if matches!(byte, b'-' | b'[' | b']' | b'\\' | b'^') {
                        text.push('\\');
                    }
                    text.push(char::from(*byte));
                }
            }
        }
    }
    text.push(']');
    Some(text)
}
