//! Finds the end of a text that is looked at.

#![expect(clippy::inline_always, reason = "the only way into the caller's instruction set")]

use fearless_simd::{Level, Simd, dispatch};

use super::classes::{BLOCK, split_block, stops_and_foreign};

/// A text without escapes, from behind its opening quote.
pub(super) struct Plain<'de> {
    pub(super) bytes: &'de [u8],
    /// Where it is not, nothing is known of its encoding.
    pub(super) is_ascii: bool,
}

impl<'de> Plain<'de> {
    /// The text that begins at `at`; `None` where it has an escape, or none of its kind is there.
    pub(super) fn at(level: Level, text: &'de [u8], at: usize) -> Option<Self> {
        let text = text.get(at..)?;
        dispatch!(level, simd => find(simd, text))
    }
}

#[inline(always)]
fn find<S: Simd>(simd: S, text: &[u8]) -> Option<Plain<'_>> {
    let mut at = 0;
    let mut is_ascii = true;
    let mut rest = text;
    while let Some((block, behind)) = split_block(rest) {
        let (stops, foreign) = stops_and_foreign(simd, &block);
        if stops == 0 {
            is_ascii &= foreign == 0;
            at += BLOCK;
            rest = behind;
            continue;
        }
        let in_front = (stops ^ stops.wrapping_sub(1)) >> 1;
        at += stops.trailing_zeros() as usize;
        is_ascii &= foreign & in_front == 0;
        return match text.split_at_checked(at)? {
            (bytes, [b'"', ..]) => Some(Plain { bytes, is_ascii }),
            _ => None,
        };
    }
    None
}
