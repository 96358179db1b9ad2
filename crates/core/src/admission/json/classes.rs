//! The classes of bytes that JSON is made of, found for 64 bytes at a time.
//!
//! A class is a mask: one bit for each byte of a block, the first byte lowest. It says nothing about
//! where a byte stands: a comma within a string is a comma here.

#![expect(clippy::inline_always, reason = "the only way into the caller's instruction set")]

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

/// Bytes in a block.
pub(super) const BLOCK: usize = 64;

/// The classes that the grammar needs.
pub(super) struct Classes {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// Below the space: not allowed in a string.
    pub(super) controls: u64,
    /// `{` and `[`
    pub(super) opening: u64,
    /// `}` and `]`
    pub(super) closing: u64,
    /// Which of the opening and closing brackets are `{` or `}`. Other bits have no meaning.
    pub(super) braces: u64,
    pub(super) commas: u64,
    pub(super) colons: u64,
}

impl Classes {
    #[inline(always)]
    pub(super) fn of<S: Simd>(simd: S, block: &[u8; BLOCK]) -> Self {
        /// Turns `[` and `]` into `{` and `}`, and no other byte into one of those.
        const BRACKET_TO_BRACE: u8 = b'{' ^ b'[';
        let bytes = u8x64::from_slice(simd, block);
        let folded = bytes | u8x64::splat(simd, BRACKET_TO_BRACE);
        let equal = |bytes: u8x64<S>, byte| bytes.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        Self {
            quotes: equal(bytes, b'"'),
            backslashes: equal(bytes, b'\\'),
            controls: bytes.simd_lt(u8x64::splat(simd, b' ')).to_bitmask(),
            opening: equal(folded, b'{'),
            closing: equal(folded, b'}'),
            braces: folded.simd_eq(bytes).to_bitmask(),
            commas: equal(bytes, b','),
            colons: equal(bytes, b':'),
        }
    }
}

/// Splits off the first block; the last one is padded with spaces. `None` at the end.
#[inline(always)]
pub(super) fn split_block(text: &[u8]) -> Option<([u8; BLOCK], &[u8])> {
    match text.split_first_chunk() {
        Some((block, rest)) => Some((*block, rest)),
        None if text.is_empty() => None,
        None => Some((padded(text), &[])),
    }
}

#[cold]
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    block
}
