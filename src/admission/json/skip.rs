//! Skips a value, checking its grammar and nothing else.

use super::{DEEPEST, Declined, Json};

/// A byte in each place of a word.
const EACH: u64 = u64::from_ne_bytes([1; 8]);

impl Json<'_> {
    /// Takes one value of any type. Texts in it need not be UTF-8, as in `serde_json`.
    pub(super) fn skip(&mut self) -> Result<(), Declined> {
        // One bit for each bracket that is open, the innermost lowest: 1 for an object.
        let mut objects: u128 = 0;
        let outside = self.depth;
        loop {
            let byte = self.token().ok_or(Declined)?;
            match byte {
                b'"' => self.skip_text()?,
                b'{' | b'[' => {
                    let is_object = byte == b'{';
                    let closing = if is_object { b'}' } else { b']' };
                    if self.peek() == Some(closing) {
                        self.at += 1;
                        if self.depth >= DEEPEST {
                            return Err(Declined);
                        }
                    } else {
                        self.depth += 1;
                        if self.depth > DEEPEST {
                            return Err(Declined);
                        }
                        objects = objects << 1 | u128::from(is_object);
                        if is_object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                b'-' => {
                    let first = self.text.get(self.at).copied().ok_or(Declined)?;
                    self.at += 1;
                    self.skip_number(first)?;
                }
                b't' => self.literal(b"rue")?,
                b'f' => self.literal(b"alse")?,
                b'n' => self.literal(b"ull")?,
                _ => self.skip_number(byte)?,
            }
            // A value ends here, and with it as many others as there are closing brackets.
            loop {
                if self.depth == outside {
                    return Ok(());
                }
                let is_object = objects & 1 == 1;
                match self.token() {
                    Some(b',') => {
                        if is_object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    Some(b'}') if is_object => {}
                    Some(b']') if !is_object => {}
                    _ => return Err(Declined),
                }
                objects >>= 1;
                self.depth -= 1;
            }
        }
    }

    /// Takes bytes up to and with the first that is special in a text: the closing quote, a
    /// backslash, or a control character.
    pub(super) fn stop(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        let (words, _) = rest.as_chunks();
        for word in words {
            let special = special(u64::from_le_bytes(*word));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8 + 1;
                return self.text.get(self.at - 1).copied();
            }
            self.at += 8;
        }
        let rest = self.text.get(self.at..)?;
        let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        self.at += place + 1;
        rest.get(place).copied()
    }

    fn skip_key(&mut self) -> Result<(), Declined> {
        self.expect(b'"')?;
        self.skip_text()?;
        self.expect(b':')
    }

    /// Takes the rest of a text whose opening quote was taken.
    fn skip_text(&mut self) -> Result<(), Declined> {
        loop {
            match self.stop() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => {}
                _ => return Err(Declined),
            }
            let escape = self.text.get(self.at).ok_or(Declined)?;
            self.at += 1;
            match escape {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    let digits = self.text.get(self.at..self.at + 4).ok_or(Declined)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Declined);
                    }
                    self.at += 4;
                }
                _ => return Err(Declined),
            }
        }
    }

    /// Takes the rest of a number that begins with `first`, after its sign.
    fn skip_number(&mut self, first: u8) -> Result<(), Declined> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(Declined),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.skip_some_digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.skip_some_digits()?;
        }
        Ok(())
    }

    fn skip_some_digits(&mut self) -> Result<(), Declined> {
        let start = self.at;
        self.skip_digits();
        if self.at > start { Ok(()) } else { Err(Declined) }
    }

    fn skip_digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }
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
