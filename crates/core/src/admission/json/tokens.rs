//! Where a token ends: whitespace, strings, escapes, numbers and literals.
//!
//! Positions are passed by value, so that they stay in a register.

/// The next byte that is not whitespace, and the position behind it.
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

/// The position behind a string, from behind its opening quote.
#[inline]
pub(super) fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match string_stop(text, at)? {
            (b'"', behind) => return Some(behind),
            (b'\\', behind) => at = escape_end(text, behind)?,
            _ => return None,
        }
    }
}

/// The first byte that is special in a string, and the position behind it.
///
/// Keys and images are short, so larger steps than eight bytes would not pay.
#[inline]
pub(super) fn string_stop(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let (words, _) = text.get(at..)?.as_chunks();
    let mut before = at;
    for word in words {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            let position = before + special.trailing_zeros() as usize / 8;
            return text.get(position).map(|byte| (*byte, position + 1));
        }
        before += 8;
    }
    let rest = text.get(before..)?;
    let position = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    rest.get(position).map(|byte| (*byte, before + position + 1))
}

/// A byte of value 1 in each position of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// Marks the highest bit of each byte that is special in a string: the closing quote, a backslash, a
/// control character. The lowest mark is always right; above it there may be false ones.
///
/// Source: Mycroft's test for a zero byte, <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.
fn special(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
    let equal = |byte: u8| zero(word ^ (EACH * u64::from(byte)));
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (EACH << 7)
}

/// The position behind an escape, from behind its backslash.
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

/// The position behind a number or a literal.
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

/// The position behind a number, from behind its sign.
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
