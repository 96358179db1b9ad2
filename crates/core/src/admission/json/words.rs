//! The bytes that are special in a text, found eight at a time: the closing quote, a backslash, a
//! control character. Keys and images are short, so that larger blocks would not pay.

/// A byte in each place of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

/// The first byte that is special in a text, and the place behind it.
#[inline]
pub(super) fn stop(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let (words, _) = text.get(at..)?.as_chunks();
    let mut in_front = at;
    for word in words {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            let place = in_front + special.trailing_zeros() as usize / 8;
            return text.get(place).map(|byte| (*byte, place + 1));
        }
        in_front += 8;
    }
    let rest = text.get(in_front..)?;
    let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    rest.get(place).map(|byte| (*byte, in_front + place + 1))
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
