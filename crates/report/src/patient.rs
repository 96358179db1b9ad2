//! A writer that goes on when its reader has left.
//!
//! A reader may close a pipe early, as `head -1` and `grep -q` do. What a command found is no less true for
//! that, and what it was told to do is no less wanted: the rest of its words is thrown away, nothing is
//! said, and the exit code is that of the verdict. Whatever follows something without an end should stop
//! instead, and has no use for this.

use std::io::{self, ErrorKind, Write};

/// Takes everything once its reader has closed the pipe. Other errors, such as a full disk, stay errors.
#[derive(Debug)]
pub struct Patient<W> {
    inner: W,
    is_closed: bool,
}

impl<W> Patient<W> {
    /// Writes to `inner`, as long as somebody reads.
    #[must_use]
    pub const fn new(inner: W) -> Self {
        Self { inner, is_closed: false }
    }
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
            let mut out = Patient::new(Failing(kind, 0));
            let written = out.write_all(b"some").and_then(|()| out.write_all(b"more"));
            (written.map_err(|error| error.kind()), out.inner.1)
        };
        assert_eq!(write(ErrorKind::BrokenPipe), (Ok(()), 2));
        assert_eq!(write(ErrorKind::StorageFull), (Err(ErrorKind::StorageFull), 2));
    }
}
