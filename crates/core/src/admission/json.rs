//! A JSON reader for what API servers write. It knows less JSON than `serde_json`, and is faster.
//!
//! # Why it is here
//!
//! Of a review, the images are a few hundred bytes; the rest (managed fields, annotations, status)
//! is skipped, and skipping is where a general parser spends its time. The whole product decides
//! 12.7 kB reviews for 17.3 µs of CPU with this reader and for 24.9 µs with `serde_json` alone;
//! docs/adr/0010 has the figures, and when to remove it.
//!
//! # How it can be wrong
//!
//! It either reads a document or *declines* it, whatever the reason: a syntax error, an escape in a
//! string that is looked at, a wrong type, nesting beyond [`DEEPEST`]. A declined document is read
//! again by `serde_json`, which has the last word and words the error. So the reader cannot refuse
//! anything, nor give a reason of its own. The only way to be wrong is to *accept* a document that
//! `serde_json` refuses, or to read a different value from one that both accept. The tests'
//! `oracle` compares the two: on tables, on generated documents, and as a fuzz target, in every
//! instruction set that the machine has.
//!
//! # How it works
//!
//! serde's derived types ask for values in order; [`Json`] is their deserializer and holds a
//! position in the document. Values that no type asks for are skipped, in one of two ways that
//! accept the same documents:
//!
//! | file | does | knows |
//! |---|---|---|
//! | `tokens` | finds the end of a token; of a string, eight bytes at a time | all JSON |
//! | `skip` | skips a value token by token: a loop and a stack of one bit per open bracket | all JSON, 127 levels |
//! | `blocks` | skips an object or array 64 bytes at a time | no whitespace between tokens, 63 levels |
//! | `classes` | turns 64 bytes into bit masks, one per class of bytes | |
//!
//! Where `blocks` meets something that it does not know, it gives up and `skip` takes over. To
//! check `blocks`, read `Scan::block` with one sentence in mind: *a mask has one bit for each byte
//! of the block, the first byte lowest, so `mask << 1` marks the byte that follows*. The grammar is
//! then a matter of which byte may follow which:
//!
//! ```text
//! bytes      {"a":[1,"b"],"c":{}}
//! opening    10000100000000000100   [ and { outside strings
//! members    01000010100001000010   after one of those or a comma: a member must start here
//! for_keys   01000000000001000010   … inside an object: a key, or the bracket that closes it
//! colons     00001000000000001000   must follow a key, and nothing else
//! wrong      00000000000000000000   every rule that the block breaks: must be zero
//! ```
//!
//! Two things are carried from block to block: the last bit of each mask (in `Scan`), and which
//! brackets are open (`Scan::open`, one bit each).
//!
//! # What it does not do
//!
//! It never allocates, never recurses into what it skips, and never decodes an escape. It is not a
//! general JSON library and must not become one.

mod blocks;
mod classes;
#[cfg(any(test, fuzzing))]
pub(super) mod oracle;
mod skip;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;

use fearless_simd::Level;
use serde::de::value::BorrowedBytesDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The deepest nesting that is read, so that [`skip`] can keep its open brackets in 128 bits.
/// `serde_json` refuses typed values at the same depth; what it skips may be nested without limit.
const DEEPEST: u32 = 127;

/// Reads a whole document as one value; `None` where that is left to `serde_json`.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Option<T> {
    let mut json = Json { text, at: 0, depth: 0, level: Level::new() };
    let value = T::deserialize(&mut json).ok()?;
    json.token().is_none().then_some(value)
}

/// Whether a JSON string can hold this text without escapes.
pub(super) fn is_plain(text: &str) -> bool {
    tokens::string_stop(text.as_bytes(), 0).is_none()
}

/// The position in a document.
struct Json<'de> {
    text: &'de [u8],
    at: usize,
    /// Open arrays and objects.
    depth: u32,
    /// The instruction set of this processor.
    level: Level,
}

/// The reader does not know this document. It gives no reason: `serde_json` will.
#[derive(Debug)]
struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("declined")
    }
}

impl std::error::Error for Declined {}

impl de::Error for Declined {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Json<'de> {
    /// The next byte that is not whitespace, without taking it.
    fn peek(&mut self) -> Option<u8> {
        let (byte, behind) = tokens::token(self.text, self.at)?;
        self.at = behind - 1;
        Some(byte)
    }

    /// Takes the next byte that is not whitespace.
    fn token(&mut self) -> Option<u8> {
        let (byte, behind) = tokens::token(self.text, self.at)?;
        self.at = behind;
        Some(byte)
    }

    fn expect(&mut self, expected: u8) -> Result<(), Declined> {
        if self.token() == Some(expected) { Ok(()) } else { Err(Declined) }
    }

    /// Takes exactly `rest`, with no whitespace before it.
    fn literal(&mut self, rest: &[u8]) -> Result<(), Declined> {
        let end = self.at + rest.len();
        if self.text.get(self.at..end) != Some(rest) {
            return Err(Declined);
        }
        self.at = end;
        Ok(())
    }

    /// Takes a string, if it has no escapes.
    fn plain(&mut self) -> Result<&'de [u8], Declined> {
        self.expect(b'"')?;
        let start = self.at;
        let Some((b'"', behind)) = tokens::string_stop(self.text, start) else {
            return Err(Declined);
        };
        self.at = behind;
        self.text.get(start..behind - 1).ok_or(Declined)
    }

    fn open(&mut self, bracket: u8) -> Result<(), Declined> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > DEEPEST { Err(Declined) } else { Ok(()) }
    }
}

impl<'de> Deserializer<'de> for &mut Json<'de> {
    type Error = Declined;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Declined> {
        Err(Declined)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        visitor.visit_borrowed_str(str::from_utf8(self.plain()?).map_err(|_| Declined)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        match self.token() {
            Some(b't') => self.literal(b"rue").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.literal(b"alse").and_then(|()| visitor.visit_bool(false)),
            _ => Err(Declined),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        if self.peek() == Some(b'n') {
            self.literal(b"null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Declined> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.open(b'[')?;
        visitor.visit_seq(Members { json: self, first: true })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.open(b'{')?;
        visitor.visit_map(Members { json: self, first: true })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Declined> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct struct enum identifier
    }
}

/// The inside of an array or object.
struct Members<'j, 'de> {
    json: &'j mut Json<'de>,
    first: bool,
}

impl Members<'_, '_> {
    /// Whether another member follows; takes the comma before it, or the closing bracket.
    fn more(&mut self, closing: u8) -> Result<bool, Declined> {
        let byte = self.json.peek().ok_or(Declined)?;
        if byte == closing {
            self.json.at += 1;
            self.json.depth -= 1;
            return Ok(false);
        }
        if !std::mem::replace(&mut self.first, false) {
            self.json.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Members<'_, 'de> {
    type Error = Declined;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Declined> {
        if self.more(b']')? { seed.deserialize(&mut *self.json).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Declined;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Declined> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        let key = self.json.plain()?;
        if !key.is_ascii() && str::from_utf8(key).is_err() {
            return Err(Declined);
        }
        self.json.expect(b':')?;
        seed.deserialize(BorrowedBytesDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Declined> {
        seed.deserialize(&mut *self.json)
    }
}
