//! The characters of UTF-8 while it is read, for a text that is too large to be held in memory.

use std::io::{ErrorKind as Io, Read};

use granit_parser::{ErrorKind, InputIoError};

/// Bytes that are read at once.
const BLOCK: usize = 64 << 10;

/// The characters of a source; ends after the first error.
pub(super) struct Chars<R> {
    source: R,
    text: String,
    /// How much of `text` has been given out, in bytes.
    given: usize,
    /// The beginning of a character whose rest has not been read.
    rest: Vec<u8>,
    ended: bool,
}

impl<R: Read> Chars<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, text: String::new(), given: 0, rest: Vec::new(), ended: false }
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> Result<bool, ErrorKind> {
        self.text.clear();
        self.given = 0;
        let mut bytes = std::mem::take(&mut self.rest);
        let before = bytes.len();
        while !self.ended {
            match self.source.by_ref().take(BLOCK as u64).read_to_end(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == Io::Interrupted => continue,
                Err(error) => {
                    self.ended = true;
                    return Err(ErrorKind::InputIo { error: InputIoError::from_io(error) });
                }
            }
            break;
        }
        if bytes.is_empty() {
            return Ok(false);
        }
        let valid = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            // Only the last character may lack its end, and only while there is more to come.
            Err(error) if error.error_len().is_none() && bytes.len() > before => {
                error.valid_up_to()
            }
            Err(_) => {
                self.ended = true;
                let error = InputIoError::from_message("not UTF-8");
                return Err(ErrorKind::InputIo { error });
            }
        };
        self.rest = bytes.split_off(valid);
        self.text = String::from_utf8(bytes).unwrap_or_default();
        Ok(!self.text.is_empty() || !self.ended)
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.text.get(self.given..).and_then(|rest| rest.chars().next()) {
                self.given += next.len_utf8();
                return Some(Ok(next));
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
