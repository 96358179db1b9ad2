//! Lines that come close together, written together.
//!
//! For the log's own thread: it rests after each write, and what comes meanwhile is written at once.
//! Where a flood is logged, a request then pays neither for a write nor for waking that thread.

use std::io::{self, BufWriter, Write};
use std::thread::sleep;
use std::time::Duration;

/// Bytes that are gathered at most: what a pipe holds.
const MOST: usize = 64 * 1024;
/// How long a line may wait for others.
const REST: Duration = Duration::from_millis(5);

/// Gathers what is written until it is flushed, or is too much.
pub(super) struct Batches<W: Write> {
    writer: BufWriter<W>,
}

impl<W: Write> Batches<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer: BufWriter::with_capacity(MOST, writer) }
    }
}

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    /// Writes what was gathered, then rests.
    fn flush(&mut self) -> io::Result<()> {
        if !self.writer.buffer().is_empty() {
            self.writer.flush()?;
            sleep(REST);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{Batches, MOST};

    /// Keeps what each call writes; refuses while it is told to.
    #[derive(Default)]
    struct Calls {
        made: Vec<Vec<u8>>,
        broken: bool,
    }

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.broken {
                return Err(io::Error::other("broken"));
            }
            self.made.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_until_a_flush_are_one_write() {
        let mut batches = Batches::new(Calls::default());
        for line in ["a\n", "b\n", "c\n"] {
            batches.write_all(line.as_bytes()).unwrap();
        }
        assert!(batches.writer.get_ref().made.is_empty());
        batches.flush().unwrap();
        batches.flush().unwrap();
        assert_eq!(batches.writer.get_ref().made, [b"a\nb\nc\n"]);
    }

    #[test]
    fn a_reader_that_is_gone_leaves_no_more_than_a_batch() {
        let mut batches = Batches::new(Calls { broken: true, ..Calls::default() });
        let line = [b'x'; 1000];
        for _ in 0..100 {
            let _ = batches.write_all(&line);
            batches.flush().unwrap_err();
        }
        assert!(batches.writer.buffer().len() <= MOST);
        batches.writer.get_mut().broken = false;
        batches.flush().unwrap();
        assert_eq!(batches.writer.get_ref().made.len(), 1);
    }
}
