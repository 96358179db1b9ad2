//! Skips a value, checking its grammar and nothing else.
//!
//! Here it is done byte by byte; [`super::blocks`] is faster on what API servers write.

use super::blocks;
use super::{DEEPEST, Declined, Json};

/// A byte in each place of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

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

/// The first byte that is special in a text, the closing quote, a backslash or a control
/// character, and the place behind it.
#[inline]
fn stop(text: &[u8], mut at: usize) -> Option<(u8, usize)> {
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let special = special(word);
        if special != 0 {
            at += special.trailing_zeros() as usize / 8;
            return text.get(at).map(|byte| (*byte, at + 1));
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    let place = rest.iter().position(|byte| is_special(*byte))?;
    rest.get(place).map(|byte| (*byte, at + place + 1))
}

/// Whether a text of JSON can hold these bytes as they are: none is a quote, a backslash or a control
/// character.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let is_plain = |word: &[u8; 8]| special(u64::from_le_bytes(*word)) == 0;
    let (words, rest) = text.as_chunks();
    // What is left of a text is looked at with what comes before it.
    words.iter().all(is_plain)
        && text.last_chunk().map_or_else(|| !rest.iter().any(|byte| is_special(*byte)), is_plain)
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
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

/// Marks the highest bit of the bytes that are special in a text. The lowest mark is always right;
/// above it there may be false ones.
///
/// Source: Mycroft's test for a zero byte, <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.
fn special(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
    let equal = |byte: u8| zero(word ^ (EACH * u64::from(byte)));
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (EACH << 7)
}
