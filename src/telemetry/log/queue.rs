//! Lines on their way out, and the thread that writes them.
//!
//! Whoever logs copies a line to the end of those that wait and goes on. The thread takes all that wait
//! and writes them at once, then rests: where a flood is logged, a request pays neither for a write
//! nor for waking the thread. Lines that find no room, since their reader is slow, are counted and lost.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Thread, park, sleep};
use std::time::Duration;

/// Bytes that wait at most.
const MOST: usize = 1024 * 1024;
/// How long a line may wait for others.
const REST: Duration = Duration::from_millis(5);
/// How long the end of the process waits for a reader.
const GRACE: Duration = Duration::from_secs(1);

/// Takes whole lines: one in each write.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Arc<Mutex<Waiting>>,
    thread: Thread,
}

/// Has what waits written when it is dropped, or gives up after a second. Nothing that is logged
/// later is written.
#[derive(Debug)]
pub struct LogGuard {
    queue: Arc<Queue>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Lines that found no room since the thread last came.
    lost: u64,
    is_last: bool,
}

impl Queue {
    /// Starts the thread. It writes to `to`, and calls `lost` with the number of lines that were lost
    /// where there are any.
    pub(super) fn start(
        to: impl Write + Send + 'static,
        lost: impl Fn(u64) + Send + 'static,
    ) -> io::Result<(Arc<Self>, LogGuard)> {
        let waiting = Arc::default();
        let shared = Arc::clone(&waiting);
        let (alive, ended) = channel();
        let thread = Builder::new().name("log".to_owned()).spawn(move || {
            write_on(&shared, to, lost);
            drop(alive);
        })?;
        let queue = Arc::new(Self { waiting, thread: thread.thread().clone() });
        Ok((Arc::clone(&queue), LogGuard { queue, ended }))
    }
}

impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        lock(&self.waiting).push(line);
        // While the thread writes or rests, this is a store and no call into the kernel.
        self.thread.unpark();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        lock(&self.queue.waiting).is_last = true;
        self.queue.thread.unpark();
        let _ = self.ended.recv_timeout(GRACE);
    }
}

impl Waiting {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() + line.len() > MOST {
            self.lost += 1;
        } else {
            self.lines.extend_from_slice(line);
        }
    }
}

/// Writes until the last line.
fn write_on(waiting: &Mutex<Waiting>, mut to: impl Write, report: impl Fn(u64)) {
    let mut lines = Vec::new();
    loop {
        let (lost, is_last) = {
            let mut waiting = lock(waiting);
            mem::swap(&mut waiting.lines, &mut lines);
            (mem::take(&mut waiting.lost), waiting.is_last)
        };
        if lost > 0 {
            report(lost);
        }
        if !lines.is_empty() {
            // Where the log cannot be written there is nowhere to say so.
            let _ = to.write_all(&lines).and_then(|()| to.flush());
            lines.clear();
            if !is_last {
                sleep(REST);
            }
        } else if is_last {
            return;
        } else {
            park();
        }
    }
}

/// What waits is whole whoever panicked with the lock.
fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::{LogGuard, MOST, Queue};

    /// A reader that takes a piece only when it is let.
    struct Slow {
        pieces: Sender<Vec<u8>>,
        lets: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.pieces.send(piece.to_vec()).unwrap();
            self.lets.recv().map_err(io::Error::other)?;
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Started {
        queue: Arc<Queue>,
        end: LogGuard,
        pieces: Receiver<Vec<u8>>,
        lets: Sender<()>,
        lost: Receiver<u64>,
    }

    fn start() -> Started {
        let ((send_piece, pieces), (lets, let_in)) = (channel(), channel());
        let (send_lost, lost) = channel();
        let slow = Slow { pieces: send_piece, lets: let_in };
        let (queue, end) = Queue::start(slow, move |lines| send_lost.send(lines).unwrap()).unwrap();
        Started { queue, end, pieces, lets, lost }
    }

    fn log(queue: &Queue, lines: &[&[u8]]) {
        let mut queue = queue;
        for line in lines {
            queue.write_all(line).unwrap();
        }
    }

    #[test]
    fn lines_that_come_during_a_write_are_one_write_and_the_end_waits_for_them() {
        let Started { queue, end, pieces, lets, lost } = start();
        log(&queue, &[b"a\n"]);
        assert_eq!(pieces.recv().unwrap(), b"a\n");
        log(&queue, &[b"b\n", b"c\n"]);
        for _ in 0..2 {
            lets.send(()).unwrap();
        }
        drop(end);
        assert_eq!(pieces.recv().unwrap(), b"b\nc\n");
        pieces.recv().expect_err("the thread has ended");
        lost.recv().expect_err("no line was lost");
    }

    #[test]
    fn lines_without_room_are_counted() {
        let Started { queue, end, pieces, lets, lost } = start();
        log(&queue, &[b"first\n"]);
        pieces.recv().unwrap();
        let half = vec![b'x'; MOST / 2];
        log(&queue, &[&half, &half, b"lost\n", b"lost too\n"]);
        drop(lets);
        assert_eq!(lost.recv().unwrap(), 2);
        assert_eq!(pieces.recv().unwrap().len(), MOST);
        drop(end);
        lost.recv().expect_err("they are reported once");
    }

    #[test]
    fn a_reader_that_is_stuck_does_not_hold_up_the_end() {
        let Started { queue, end, pieces, lets, lost: _lost } = start();
        log(&queue, &[b"a\n"]);
        pieces.recv().unwrap();
        drop(end);
        drop(lets);
    }
}
