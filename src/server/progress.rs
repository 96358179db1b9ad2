//! Deadlines for what a client does at its own pace: sending headers and reading answers.
//!
//! hyper uses one timer for both idle connections and slow headers. But an idle connection has to
//! be kept longer than the API server keeps its own, and slow headers must not be. For a write that
//! makes no progress hyper has no timer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Counts the requests that have started and ended on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// Raises the count of ended requests when it is dropped.
#[derive(Debug)]
pub(super) struct InService(Arc<Counts>);

impl Progress {
    /// Records that a request's headers are complete.
    pub(super) fn begin(&self) -> InService {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        InService(Arc::clone(&self.0))
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.begun() == self.0.ended.load(Ordering::Relaxed)
    }
}

impl Drop for InService {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A socket on which reads fail once headers take too long, and writes once the peer has read
/// nothing for that long.
pub(super) struct Timed<S> {
    socket: S,
    progress: Progress,
    allowed: Duration,
    /// Whether every request has a deadline, or only the first.
    repeats: bool,
    /// When the headers must be complete, and how many requests had started before them.
    deadline: Option<(Pin<Box<Sleep>>, u64)>,
    /// When the peer must have read something.
    taken_by: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    /// The first request must start within `allowed`, since nobody connects without sending one.
    pub(super) fn new(socket: S, progress: Progress, allowed: Duration) -> Self {
        let mut timed =
            Self { socket, progress, allowed, repeats: true, deadline: None, taken_by: None };
        timed.start();
        timed
    }

    /// The same, but for the first request only. On HTTP/2, bytes that arrive while no request is
    /// in service need not start one: there are frames for the connection itself.
    pub(super) fn first(socket: S, progress: Progress, allowed: Duration) -> Self {
        Self { repeats: false, ..Self::new(socket, progress, allowed) }
    }

    fn start(&mut self) {
        let sleep = Box::pin(sleep_until(Instant::now() + self.allowed));
        self.deadline = Some((sleep, self.progress.begun()));
    }

    /// Passes on the result of a write, unless writes have made no progress for too long.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        let written = write(Pin::new(&mut self.socket), context);
        if written.is_ready() {
            self.taken_by = None;
            return written;
        }
        let allowed = self.allowed;
        let taken_by =
            self.taken_by.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + allowed)));
        taken_by.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Clears the deadline once a request has met it.
    fn settle(&mut self) {
        if self.deadline.as_ref().is_some_and(|(_, begun)| *begun != self.progress.begun()) {
            self.deadline = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.settle();
        let filled = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        match &read {
            Poll::Ready(Ok(())) if buffer.filled().len() > filled => {
                if this.repeats && this.deadline.is_none() && this.progress.is_idle() {
                    this.start();
                }
            }
            Poll::Pending => {
                if let Some((sleep, _)) = &mut this.deadline
                    && sleep.as_mut().poll(context).is_ready()
                {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            Poll::Ready(_) => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().written(context, |socket, context| socket.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .written(context, |socket, context| socket.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().written(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().written(context, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};

    use super::{Progress, Timed};
    use crate::server::scripted::{Scripted, writes_through};

    /// The time allowed in tests that let it run out.
    const SHORT: Duration = Duration::from_millis(5);
    /// Long enough never to run out.
    const LONG: Duration = Duration::from_hours(1);
    /// How long to wait for what must happen.
    const PATIENCE: Duration = Duration::from_secs(30);

    type New = fn(DuplexStream, Progress, Duration) -> Timed<DuplexStream>;
    const BOTH: [New; 2] = [Timed::new, Timed::first];

    /// The byte that arrives after the allowed time; `None` if the read has failed by then.
    async fn late(timed: &mut Timed<DuplexStream>, client: &mut DuplexStream) -> Option<u8> {
        let sent = async {
            sleep(SHORT * 4).await;
            client.write_u8(7).await.unwrap();
        };
        // The read is polled first, even if the process was short of CPU and both are due.
        let (read, ()) = tokio::join!(biased; timed.read_u8(), sent);
        match read {
            Ok(byte) => Some(byte),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
                None
            }
        }
    }

    #[tokio::test]
    async fn the_first_request_must_begin_in_time() {
        for new in BOTH {
            let (socket, mut client) = duplex(64);
            let mut timed = new(socket, Progress::default(), SHORT);
            assert_eq!(late(&mut timed, &mut client).await, None);
            let (socket, mut client) = duplex(64);
            let mut patient = new(socket, Progress::default(), LONG);
            assert_eq!(late(&mut patient, &mut client).await, Some(7));
            // A request that has started may take its time.
            let (socket, mut client) = duplex(64);
            let progress = Progress::default();
            let mut timed = new(socket, progress.clone(), SHORT);
            let _request = progress.begin();
            assert_eq!(late(&mut timed, &mut client).await, Some(7));
            assert_eq!(late(&mut timed, &mut client).await, Some(7), "its body");
        }
    }

    #[tokio::test]
    async fn each_further_request_must_begin_in_time_once_it_has_started() {
        for (new, expected) in BOTH.into_iter().zip([None, Some(7)]) {
            let (socket, mut client) = duplex(64);
            let progress = Progress::default();
            let mut timed = new(socket, progress.clone(), SHORT);
            drop(progress.begin());
            // The connection may be idle for any length of time.
            assert_eq!(late(&mut timed, &mut client).await, Some(7));
            assert_eq!(late(&mut timed, &mut client).await, expected);
        }
    }

    #[tokio::test]
    async fn headers_that_trickle_in_gain_no_time() {
        let (socket, mut client) = duplex(64);
        let mut timed = Timed::new(socket, Progress::default(), SHORT);
        let trickle = async {
            while client.write_u8(7).await.is_ok() {
                sleep(SHORT / 5).await;
            }
        };
        let read = async { while timed.read_u8().await.is_ok() {} };
        let ended = async {
            tokio::select! { () = trickle => {}, () = read => {} }
        };
        timeout(PATIENCE, ended).await.expect("they have no end");
    }

    #[tokio::test]
    async fn a_read_of_nothing_starts_no_request() {
        let progress = Progress::default();
        let nothing = Scripted { answer: Poll::Ready(0), is_vectored: false };
        let mut timed = Timed::new(nothing, progress.clone(), SHORT);
        drop(progress.begin());
        assert_eq!(timed.read(&mut [0; 8]).await.unwrap(), 0);
        timed.socket.answer = Poll::Pending;
        assert!(timeout(SHORT * 4, timed.read(&mut [0; 8])).await.is_err(), "it waits");
    }

    #[tokio::test]
    async fn an_answer_must_be_taken_in_time() {
        let (socket, mut client) = duplex(4);
        let progress = Progress::default();
        let mut timed = Timed::new(socket, progress, SHORT);
        timed.write_all(b"abcd").await.unwrap();
        let written = timeout(PATIENCE, timed.write_all(b"efgh")).await.expect("it waits for ever");
        assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
        // What is read in time makes room and restarts the timer.
        let mut taken = [0; 4];
        client.read_exact(&mut taken).await.unwrap();
        timed.write_all(b"efgh").await.unwrap();
    }

    #[tokio::test]
    async fn what_is_written_is_passed_on() {
        writes_through(|socket| Timed::new(socket, Progress::default(), LONG));
    }
}
