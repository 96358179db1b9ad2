//! Splits a stream into documents, so that a broken one stops no other, and none but the current one
//! is held in memory.
//!
//! A line that begins with `---` separates documents of YAML wherever it stands, and no value of JSON
//! can hold one.

use std::io::{self, BufRead as _, BufReader, Read};

/// The largest document that is held in memory, in bytes. A larger one is read piece by piece.
const MOST_WHOLE: usize = 2 << 20;
/// The piece that is read at once of a larger one.
const PIECE: usize = 64 << 10;
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The documents of a stream.
pub(super) struct Documents<R> {
    source: BufReader<R>,
    /// The current document, or how it begins.
    text: Vec<u8>,
    /// A separator that has been read and belongs to the next document.
    carried: Vec<u8>,
    /// The line at which `carried` begins, or the next byte of the source.
    line: u32,
    is_first: bool,
}

/// One document.
pub(super) enum Document<'d, R> {
    /// All of it.
    Whole(&'d [u8]),
    /// One that is too large; it has to be drained.
    Large(Rest<'d, R>),
}

/// A large document, to be read.
pub(super) struct Rest<'d, R> {
    documents: &'d mut Documents<R>,
    /// How much of the text has been given out.
    given: usize,
    is_line_start: bool,
    ended: bool,
}

impl<R: Read> Documents<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(PIECE, source),
            text: Vec::new(),
            carried: Vec::new(),
            line: 1,
            is_first: true,
        }
    }

    /// The next document and the line at which it begins, from 1.
    pub(super) fn next(&mut self) -> io::Result<Option<(u32, Document<'_, R>)>> {
        self.text.clear();
        self.text.append(&mut self.carried);
        let first = self.line;
        let mut has_content = has_content(&self.text);
        self.line += lines(&self.text);
        loop {
            let before = self.text.len();
            let room = (MOST_WHOLE + 1).saturating_sub(before) as u64;
            self.source.by_ref().take(room).read_until(b'\n', &mut self.text)?;
            if std::mem::take(&mut self.is_first) && self.text.starts_with(MARK) {
                self.text.drain(..MARK.len());
            }
            let line = self.text.get(before..).unwrap_or_default();
            if line.is_empty() && self.text.len() <= MOST_WHOLE {
                return Ok((!self.text.is_empty()).then(|| (first, Document::Whole(&self.text))));
            }
            if is_separator(line) && has_content {
                self.carried = self.text.split_off(before);
                return Ok(Some((first, Document::Whole(&self.text))));
            }
            has_content = has_content || self::has_content(line);
            self.line += lines(line);
            if self.text.len() > MOST_WHOLE {
                let is_line_start = self.text.ends_with(b"\n");
                let rest = Rest { documents: self, given: 0, is_line_start, ended: false };
                return Ok(Some((first, Document::Large(rest))));
            }
        }
    }
}

impl<R: Read> Rest<'_, R> {
    /// How it begins.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.documents.text
    }

    /// Reads what is left, so that the next document follows.
    pub(super) fn drain(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }

    /// Reads the next piece into the text; false at the end of the document.
    fn fill(&mut self) -> io::Result<bool> {
        let Documents { source, text, carried, line, .. } = &mut *self.documents;
        text.clear();
        self.given = 0;
        source.by_ref().take(PIECE as u64).read_until(b'\n', text)?;
        if text.is_empty() {
            self.ended = true;
        } else if self.is_line_start && is_separator(text) {
            carried.append(text);
            self.ended = true;
        } else {
            self.is_line_start = text.ends_with(b"\n");
            *line += u32::from(self.is_line_start);
        }
        Ok(!self.ended)
    }
}

impl<R: Read> Read for Rest<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || (self.given == self.documents.text.len() && !self.fill()?) {
            return Ok(0);
        }
        let mut rest = self.documents.text.get(self.given..).unwrap_or_default();
        let read = rest.read(into)?;
        self.given += read;
        Ok(read)
    }
}

fn is_separator(line: &[u8]) -> bool {
    line.strip_prefix(b"---")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

/// Whether a line is more than space, a comment, a directive or a separator.
fn has_content(line: &[u8]) -> bool {
    let line = if is_separator(line) { line.get(3..).unwrap_or_default() } else { line };
    !line.starts_with(b"%") && !matches!(line.trim_ascii_start().first(), None | Some(b'#'))
}

fn lines(text: &[u8]) -> u32 {
    let lines = text.split(|byte| *byte == b'\n').skip(1).count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Document, Documents, MOST_WHOLE};

    /// The documents with their lines; of a large one how many bytes it has.
    fn documents(text: &[u8]) -> Vec<(u32, Result<String, usize>)> {
        let mut documents = Documents::new(text);
        let mut found = Vec::new();
        while let Some((line, document)) = documents.next().unwrap() {
            found.push((
                line,
                match document {
                    Document::Whole(text) => Ok(String::from_utf8(text.to_vec()).unwrap()),
                    Document::Large(mut rest) => {
                        let mut bytes = Vec::new();
                        rest.read_to_end(&mut bytes).unwrap();
                        Err(bytes.len())
                    }
                },
            ));
        }
        found
    }

    #[test]
    fn separators_divide_and_stay_with_what_follows() {
        let rows: [(&str, &[(u32, &str)]); 9] = [
            ("", &[]),
            ("a", &[(1, "a")]),
            ("---\na\n", &[(1, "---\na\n")]),
            ("a\n---\nb\n", &[(1, "a\n"), (2, "---\nb\n")]),
            ("# c\n%YAML 1.2\n---\na\n", &[(1, "# c\n%YAML 1.2\n---\na\n")]),
            ("a: |\n  x\n --- \n---b\n--- c\n", &[(1, "a: |\n  x\n --- \n---b\n"), (5, "--- c\n")]),
            ("--- a\n--- b", &[(1, "--- a\n"), (2, "--- b")]),
            ("a\r\n---\r\nb", &[(1, "a\r\n"), (2, "---\r\nb")]),
            ("\u{feff}a\n---\nb", &[(1, "a\n"), (2, "---\nb")]),
        ];
        for (text, expected) in rows {
            let found = documents(text.as_bytes());
            let found: Vec<_> =
                found.iter().map(|(line, text)| (*line, text.as_deref().unwrap())).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn a_large_document_ends_at_its_separator() {
        for filler in ["x".repeat(MOST_WHOLE + 1), "x\n".repeat(MOST_WHOLE)] {
            let text = format!("a\n---\n{filler}\n---\nb\n");
            let found = documents(text.as_bytes());
            let lines = 5 + u32::try_from(filler.matches('\n').count()).unwrap();
            assert_eq!(found.len(), 3);
            assert_eq!(found[1], (2, Err(filler.len() + 5)));
            assert_eq!(found[2], (lines - 1, Ok("---\nb\n".to_owned())));
        }
    }
}
