//! Where a token ends: white space, texts, escapes, numbers and literals, byte by byte.
//!
//! The place is passed by value, so that it stays in a register.

use super::words::stop;

/// The next byte that is no white space, and the place behind it.
#[inline]
pub(super) fn token(text: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        let byte = *text.get(at)?;
        at += 1;
        if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
            return Some((byte, at));
        }
    }
}

/// The place behind a text, from behind its opening quote.
#[inline]
pub(super) fn text_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match stop(text, at)? {
            (b'"', behind) => return Some(behind),
            (b'\\', behind) => at = escape_end(text, behind)?,
            _ => return None,
        }
    }
}

/// The place behind an escape, from behind its backslash.
#[inline]
pub(super) fn escape_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = text.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// The place behind a number or a literal.
pub(super) fn scalar_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'-' => number_end(text, at + 1),
        b't' => literal_end(text, at, b"true"),
        b'f' => literal_end(text, at, b"false"),
        b'n' => literal_end(text, at, b"null"),
        _ => number_end(text, at),
    }
}

fn literal_end(text: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    let end = at + literal.len();
    (text.get(at..end)? == literal).then_some(end)
}

/// The place behind a number, from behind its sign.
fn number_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = match text.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => digits_end(text, at),
        _ => return None,
    };
    if text.get(at) == Some(&b'.') {
        at = some_digits_end(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at = some_digits_end(text, at + 1 + sign)?;
    }
    Some(at)
}

fn some_digits_end(text: &[u8], at: usize) -> Option<usize> {
    let end = digits_end(text, at);
    (end > at).then_some(end)
}

fn digits_end(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}
