//! Skips a value, checking its grammar and nothing else.
//!
//! Here it is done byte by byte; [`super::blocks`] is faster on what API servers write.

use super::blocks;
use super::words::stop;
use super::{DEEPEST, Declined, Json};

impl Json<'_> {
    /// Takes one value of any type. Texts in it need not be UTF-8, as in `serde_json`.
    pub(super) fn skip(&mut self) -> Result<(), Declined> {
        let deepest = DEEPEST - self.depth;
        let end = match self.peek() {
            Some(b'{' | b'[') if deepest >= blocks::DEEPEST => {
                blocks::container_end(self.level, self.text, self.at)
            }
            _ => None,
        };
        let end = end.or_else(|| value_end(self.text, self.at, deepest));
        self.at = end.ok_or(Declined)?;
        Ok(())
    }
}

/// The place behind the value that begins at `at`, whose brackets are at most `deepest` deep.
///
/// The place is passed by value, here and below, so that it stays in a register.
pub(super) fn value_end(text: &[u8], mut at: usize, deepest: u32) -> Option<usize> {
    // One bit for each bracket that is open, the innermost lowest: 1 for an object.
    let mut objects: u128 = 0;
    let mut depth = 0;
    loop {
        let byte;
        (byte, at) = token(text, at)?;
        match byte {
            b'"' => at = text_end(text, at)?,
            b'{' | b'[' => {
                if depth >= deepest {
                    return None;
                }
                let is_object = byte == b'{';
                let (next, behind) = token(text, at)?;
                if next == if is_object { b'}' } else { b']' } {
                    at = behind;
                } else {
                    depth += 1;
                    objects = objects << 1 | u128::from(is_object);
                    if is_object {
                        at = key_end(text, at)?;
                    }
                    continue;
                }
            }
            _ => at = scalar_end(text, at - 1)?,
        }
        // A value ends here, and with it as many others as there are closing brackets.
        loop {
            if depth == 0 {
                return Some(at);
            }
            let is_object = objects & 1 == 1;
            let byte;
            (byte, at) = token(text, at)?;
            match byte {
                b',' => {
                    if is_object {
                        at = key_end(text, at)?;
                    }
                    break;
                }
                b'}' if is_object => {}
                b']' if !is_object => {}
                _ => return None,
            }
            objects >>= 1;
            depth -= 1;
        }
    }
}

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

fn key_end(text: &[u8], at: usize) -> Option<usize> {
    let (b'"', at) = token(text, at)? else { return None };
    let (b':', at) = token(text, text_end(text, at)?)? else { return None };
    Some(at)
}

/// The place behind a text, from behind its opening quote.
#[inline]
fn text_end(text: &[u8], mut at: usize) -> Option<usize> {
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
