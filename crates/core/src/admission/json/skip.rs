//! Skips a value, checking its grammar and nothing else.
//!
//! This goes from token to token; [`super::blocks`] is faster on what API servers write.

use super::blocks;
use super::tokens::{scalar_end, string_end, token};
use super::{DEEPEST, Declined, Json};

impl Json<'_> {
    /// Takes one value of any type. Strings in it need not be UTF-8, as in `serde_json`.
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

/// The position behind the value that begins at `at`, nested at most `deepest` levels.
pub(super) fn value_end(text: &[u8], mut at: usize, deepest: u32) -> Option<usize> {
    // One bit for each bracket that is open, the innermost lowest: 1 for an object.
    let mut objects: u128 = 0;
    let mut depth = 0;
    loop {
        let byte;
        (byte, at) = token(text, at)?;
        match byte {
            b'"' => at = string_end(text, at)?,
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

fn key_end(text: &[u8], at: usize) -> Option<usize> {
    let (b'"', at) = token(text, at)? else { return None };
    let (b':', at) = token(text, string_end(text, at)?)? else { return None };
    Some(at)
}
