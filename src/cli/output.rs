//! Standard output, and the formats that a command writes there.
//!
//! A reader may close it early, as `head -1` and `grep -q` do. What a command found is no less true for
//! that: the rest is thrown away, nothing is said, and the exit code is that of the verdict.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use imagegate_report::{FailOn, Format};

/// Standard output behind a buffer. Call [`Output::finish`] at the end: what is written when it is
/// dropped cannot report its errors.
pub(super) struct Output(BufWriter<Patient<StdoutLock<'static>>>);

/// Locks standard output.
pub(super) fn stdout() -> Output {
    Output(BufWriter::new(Patient { inner: io::stdout().lock(), is_closed: false }))
}

/// Reads the name of a format on the command line.
pub(super) fn format_parser() -> impl TypedValueParser<Value = Format> {
    let names =
        Format::ALL.map(|format| PossibleValue::new(format.as_str()).help(format.purpose()));
    PossibleValuesParser::new(names).map(|name| {
        let is_meant = |format: &Format| format.as_str() == name;
        Format::ALL.into_iter().find(is_meant).unwrap_or_default()
    })
}

/// Reads the weakest answer that fails a command.
pub(super) fn fail_on_parser() -> impl TypedValueParser<Value = FailOn> {
    PossibleValuesParser::new(FailOn::ALL.map(FailOn::as_str)).map(|name| {
        let is_meant = |answer: &FailOn| answer.as_str() == name;
        FailOn::ALL.into_iter().find(is_meant).unwrap_or_default()
    })
}

impl Output {
    /// Writes what is still in the buffer.
    ///
    /// # Errors
    /// Those of standard output, such as a full disk. A closed pipe is none.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A writer that goes on when its reader has left.
struct Patient<W> {
    inner: W,
    is_closed: bool,
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        match self.inner.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.inner.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            flushed => flushed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind, Result, Write};

    use super::Patient;

    /// Fails with this kind of error, after a byte.
    struct Failing(ErrorKind, usize);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.1 += 1;
            if self.1 == 1 { Ok(bytes.len().min(1)) } else { Err(Error::from(self.0)) }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_takes_everything_and_a_full_disk_does_not() {
        let write = |kind| {
            let mut out = Patient { inner: Failing(kind, 0), is_closed: false };
            let written = out.write_all(b"some").and_then(|()| out.write_all(b"more"));
            (written.map_err(|error| error.kind()), out.inner.1)
        };
        assert_eq!(write(ErrorKind::BrokenPipe), (Ok(()), 2));
        assert_eq!(write(ErrorKind::StorageFull), (Err(ErrorKind::StorageFull), 2));
    }
}
