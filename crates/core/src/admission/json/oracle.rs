//! Holds the reader to `serde_json`, and each way of skipping to the slowest one. For tests and
//! fuzzing; nothing of it is in the product.

use std::fmt::Debug;

use fearless_simd::Level;
use serde::de::{Deserialize, IgnoredAny};

use super::{DEEPEST, blocks, read, skip};
use crate::admission::envelope::Body;
use crate::admission::labels::Labelled;
use crate::admission::strict::Object;
use crate::admission::workload::WorkloadObject;

pub(super) type Review<'a> = Object<Body<'a, WorkloadObject<'a>>>;

/// Panics where they disagree on `text`: what skips a value must agree with `serde_json` both ways,
/// and what reads a review may decline.
pub(crate) fn compare(text: &[u8]) {
    compare_blocks(text);
    let shown = String::from_utf8_lossy(text);
    let skipped = read::<IgnoredAny>(text).is_some();
    let sound = serde_json::from_slice::<IgnoredAny>(text).is_ok();
    // What is nested deeper the reader declines, and `serde_json` skips.
    if skipped || depth(text) < DEEPEST {
        assert_eq!(skipped, sound, "{shown}");
    }
    compare_as::<Review<'_>>(text);
    compare_as::<Object<Body<'_, Labelled<'_>>>>(text);
}

/// What the reader reads as this type, `serde_json` has to read likewise.
fn compare_as<'de, T: Deserialize<'de> + Debug>(text: &'de [u8]) {
    let Some(review) = read::<T>(text) else { return };
    let expected = serde_json::from_slice::<T>(text).ok();
    let debug = |review: &T| format!("{review:?}");
    assert_eq!(
        Some(debug(&review)),
        expected.as_ref().map(debug),
        "{}",
        String::from_utf8_lossy(text)
    );
}

/// What skips in blocks must end where what skips byte by byte does, from whatever bracket on; and
/// it may leave to that only what has white space outside of texts, or is too deep.
fn compare_blocks(text: &[u8]) {
    let is_bracket = |(_, byte): &(usize, &u8)| matches!(byte, b'{' | b'[');
    let count = text.iter().enumerate().filter(is_bracket).count();
    // Some of them where they are many.
    for (at, _) in text.iter().enumerate().filter(is_bracket).step_by(1 + count / 16) {
        let expected = skip::value_end(text, at, DEEPEST);
        let value = text.get(at..expected.unwrap_or(text.len())).unwrap_or_default();
        let compact = is_compact(value) && skip::value_end(text, at, blocks::DEEPEST).is_some();
        for level in levels() {
            let end = blocks::container_end(level, text, at);
            if compact || end.is_some() {
                let shown = String::from_utf8_lossy(text);
                assert_eq!(end, expected, "{shown} at {at} by {level:?}");
            }
        }
    }
}

/// The most brackets that are open at once.
fn depth(text: &[u8]) -> u32 {
    let (mut depth, mut deepest) = (0_u32, 0);
    let (mut within, mut escaped) = (false, false);
    for byte in text {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'[' | b'{' if !within => depth += 1,
            b']' | b'}' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The instruction sets of this processor, from the one that all processors of its kind have.
fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![Level::baseline(), best];
    #[cfg(target_arch = "x86_64")]
    {
        let between = [best.as_sse4_2().map(Level::Sse4_2), best.as_avx2().map(Level::Avx2)];
        levels.extend(between.into_iter().flatten());
    }
    levels
}

/// Whether a value has no white space outside of its texts.
fn is_compact(value: &[u8]) -> bool {
    let (mut within, mut escaped) = (false, false);
    value.iter().all(|byte| {
        if escaped {
            escaped = false;
        } else if *byte == b'\\' {
            escaped = true;
        } else if *byte == b'"' {
            within = !within;
        }
        within || !byte.is_ascii_whitespace()
    })
}
