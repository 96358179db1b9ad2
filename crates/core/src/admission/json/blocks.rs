//! Skips an object or an array 64 bytes at a time, checking its grammar by the bits of masks.
//!
//! Going from token to token, the processor mispredicts the length of every other one. Here a block
//! costs nearly the same whatever is in it: the rules about which byte may follow which take a few
//! operations on masks, and only non-empty brackets, numbers, literals and rare escapes are visited
//! one by one.
//!
//! It knows JSON without whitespace, as API servers write it, up to 63 levels deep. Everything else,
//! and everything that is wrong, is left to `skip`.

#![expect(clippy::inline_always, reason = "the only way into the caller's instruction set")]

use fearless_simd::{Level, Simd, dispatch};

use super::classes::{BLOCK, Classes, split_block};
use super::tokens::{escape_end, scalar_end};

/// The deepest nesting that fits into [`Scan::open`].
pub(super) const DEEPEST: u32 = 63;

/// The position behind the object or array whose opening bracket is at `at`; `None` where that is
/// left to `skip`.
pub(super) fn container_end(level: Level, text: &[u8], at: usize) -> Option<usize> {
    // Below, an empty pair of brackets does not count as brackets.
    if let b"{}" | b"[]" = text.get(at..at + 2)? {
        return Some(at + 2);
    }
    dispatch!(level, simd => scan(simd, text, at))
}

#[inline(always)]
fn scan<S: Simd>(simd: S, text: &[u8], mut at: usize) -> Option<usize> {
    // As if a colon preceded the value.
    let mut scan = Scan { open: BOTTOM, colons: 1 << 63, ..Scan::default() };
    let mut rest = text.get(at..)?;
    while let Some((block, behind)) = split_block(rest) {
        let last = scan.block(&Classes::of(simd, &block), text, at)?;
        if scan.open == BOTTOM {
            return Some(at + last.trailing_ones() as usize);
        }
        at += BLOCK;
        rest = behind;
    }
    None
}

/// Below the outermost bracket.
const BOTTOM: u64 = 1;

/// What a block needs to know about those before it. Each mask is that of the previous block.
#[derive(Default)]
struct Scan {
    /// One bit for each open bracket, the innermost lowest: 1 for an object. Above them is
    /// [`BOTTOM`].
    open: u64,
    /// All ones where the previous block ended within a string.
    within_string: u64,
    /// 1 where the previous block ended with a backslash that escapes what follows.
    escapes: u64,
    /// Whether the previous block ended within a string that may be a key.
    within_key: bool,
    opening: u64,
    commas: u64,
    colons: u64,
    keys: u64,
    scalars: u64,
}

impl Scan {
    /// Reads one block, which begins at `at`. Returns the mask of the bytes that belong to the value:
    /// all of them, unless it ends here.
    #[inline(always)]
    fn block(&mut self, classes: &Classes, text: &[u8], at: usize) -> Option<u64> {
        let escaped = self.escaped(classes.backslashes);
        let quotes = classes.quotes & !escaped;
        // From an opening quote up to the byte before the closing one.
        let strings = prefix_xor(quotes) ^ self.within_string;
        self.within_string = (strings.cast_signed() >> 63).cast_unsigned();
        let (string_starts, string_ends) = (quotes & strings, quotes & !strings);
        let outside = !(strings | string_ends);

        let opening = classes.opening & outside;
        let closing = classes.closing & outside;
        let commas = classes.commas & outside;
        let colons = classes.colons & outside;
        let scalars = outside & !(opening | closing | commas | colons);

        let behind_opening = behind(opening, &mut self.opening);
        let behind_comma = behind(commas, &mut self.commas);
        let behind_colon = behind(colons, &mut self.colons);
        let behind_scalar = behind(scalars, &mut self.scalars);
        let empty = behind_opening & closing;

        // A pair that spans two blocks was opened in the first of them.
        let pairs = empty & !1;
        let brackets = (opening | closing) & !(pairs | (pairs >> 1));
        let (within_object, last) = self.nest(brackets, opening, classes.braces)?;
        let unlike = pairs & (classes.braces ^ (classes.braces << 1));

        // Where a member begins (in an object, its key), and where any value or key does.
        let members = behind_opening | behind_comma;
        let for_keys = members & within_object;
        let places = (members | behind_colon) & !empty;
        let scalar_starts = scalars & !behind_scalar;
        let unquoted = opening | scalar_starts;
        let keys = self.ends_of(string_starts & for_keys, strings) & string_ends;
        let behind_key = behind(keys, &mut self.keys);
        let wrong = classes.controls
            | unlike
            | (places ^ (string_starts | unquoted))
            | (for_keys & unquoted)
            | (colons ^ behind_key);

        let rare = escaped & !(classes.quotes | classes.backslashes);
        let sound = wrong & last == 0
            && each(rare & last, |bit| escape_end(text, at + bit).is_some())
            && each(scalar_starts & last, |bit| is_scalar(text, at + bit));
        sound.then_some(last)
    }

    /// The bytes that a backslash escapes: those behind the first, third, … of a run.
    ///
    /// Source: the arithmetic is that of simdjson, Langdale and Lemire, Parsing Gigabytes of JSON
    /// per Second, 2019, section 3.1.1.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        // True of nearly all blocks.
        if backslashes | self.escapes == 0 {
            return 0;
        }
        let starts = backslashes & !self.escapes;
        let escapes_and_ends = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
        let escaped = escapes_and_ends ^ (backslashes | self.escapes);
        self.escapes = (escapes_and_ends & backslashes) >> 63;
        escaped
    }

    /// The bytes behind those `strings` that start at `starts`: a carry runs through each of them.
    #[inline(always)]
    fn ends_of(&mut self, starts: u64, strings: u64) -> u64 {
        let (ends, carry) = strings.carrying_add(starts, self.within_key);
        self.within_key = carry;
        ends
    }

    /// Opens and closes `brackets`. Returns the mask of the bytes whose innermost bracket is that of
    /// an object, where a bracket itself belongs to what encloses it; and the mask of the bytes up
    /// to the one that closes the value.
    #[inline(always)]
    fn nest(&mut self, mut brackets: u64, opening: u64, braces: u64) -> Option<(u64, u64)> {
        let mut within_object = 0_u64.wrapping_sub(self.open & 1);
        while brackets != 0 {
            let up_to = brackets ^ brackets.wrapping_sub(1);
            let bracket = brackets & up_to;
            brackets ^= bracket;
            let before = self.open;
            let is_brace = u64::from(braces & bracket != 0);
            if opening & bracket != 0 {
                if before >> DEEPEST != 0 {
                    return None;
                }
                self.open = (before << 1) | is_brace;
            } else {
                if before & 1 != is_brace {
                    return None;
                }
                self.open = before >> 1;
                if self.open == BOTTOM {
                    return Some((within_object, up_to));
                }
            }
            let changed = (before ^ self.open) & 1;
            within_object ^= 0_u64.wrapping_sub(changed) & !up_to;
        }
        Some((within_object, u64::MAX))
    }
}

/// The bytes behind those of `mask`, carried from the previous block.
#[inline(always)]
fn behind(mask: u64, last: &mut u64) -> u64 {
    let behind = (mask << 1) | (*last >> 63);
    *last = mask;
    behind
}

/// Turns each bit into the parity of itself and those below it.
#[inline(always)]
fn prefix_xor(mut mask: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << shift;
    }
    mask
}

/// Whether the check holds for the position of each bit of `mask`.
#[inline(always)]
fn each(mut mask: u64, is_sound: impl Fn(usize) -> bool) -> bool {
    while mask != 0 {
        if !is_sound(mask.trailing_zeros() as usize) {
            return false;
        }
        mask &= mask.wrapping_sub(1);
    }
    true
}

/// Whether a number or a literal begins at `at` and something ends it that may stand there.
#[inline(never)]
fn is_scalar(text: &[u8], at: usize) -> bool {
    let end = scalar_end(text, at);
    end.and_then(|end| text.get(end)).is_some_and(|byte| matches!(byte, b',' | b']' | b'}'))
}
