//! Answers that clients have not read yet.
//!
//! HTTP/2 lets a client go on sending requests without reading the answers, and a large page waits
//! for a slow reader. The memory of such answers is limited across all connections of a port.
//! Beyond the limit, the connection that has not read an answer for the longest time is closed. A
//! client that reads never has an unread answer for more than a moment.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// Bytes of unread answers, on all connections of a port together.
const MOST: usize = 16 << 20;
/// Bytes that hyper is handed at a time. It holds on to what it could not send.
pub(super) const PIECE: usize = 16 << 10;
/// What an answer costs on top of its body: a stream with its task and header fields.
const ANSWER: usize = 3 << 10;
/// What an answer of no known length holds: it is made while it is taken, piece by piece.
const STREAMED: usize = 4 * PIECE;

/// All connections of a port.
#[derive(Debug, Default)]
pub(super) struct AllUntaken {
    bytes: AtomicUsize,
    connections: Mutex<HashMap<usize, Arc<OfConnection>>>,
    next: AtomicUsize,
}

/// The answers of one connection. Dropping it removes the connection from those of the port.
#[derive(Debug)]
pub(super) struct Untaken {
    all: Arc<AllUntaken>,
    number: usize,
    own: Arc<OfConnection>,
}

#[derive(Debug)]
struct OfConnection {
    answers: AtomicUsize,
    /// When an answer was last read, or when the first was handed over.
    taken_at: Mutex<Instant>,
    /// The token of this period.
    period: ArcSwap<()>,
    close: Notify,
}

/// The body of an answer. It holds the token of the period in which it was handed over.
///
/// It lives until hyper has taken the last piece: hyper asks for the next one only when there is
/// room to send it, and asks once more at the end.
pub(super) struct Answer<B> {
    body: B,
    /// The rest of a chunk of `body`.
    rest: Bytes,
    is_asked_for: bool,
    bytes: usize,
    all: Arc<AllUntaken>,
    own: Arc<OfConnection>,
    _token: Arc<()>,
}

/// Makes the bodies of one connection's answers.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    all: Arc<AllUntaken>,
    own: Arc<OfConnection>,
}

impl AllUntaken {
    pub(super) fn connection(self: &Arc<Self>) -> Untaken {
        let own = Arc::new(OfConnection {
            answers: AtomicUsize::new(0),
            taken_at: Mutex::new(Instant::now()),
            period: ArcSwap::default(),
            close: Notify::new(),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections().insert(number, Arc::clone(&own));
        Untaken { all: Arc::clone(self), number, own }
    }

    /// Closes the connection that has not read an answer for the longest time; never `own` because
    /// of its first answer.
    fn close_the_slowest(&self, own: &Arc<OfConnection>) {
        let mut connections = self.connections();
        let waits = connections.iter().filter(|(_, each)| {
            each.answers.load(Ordering::Relaxed) > usize::from(Arc::ptr_eq(each, own))
        });
        let slowest = waits.min_by_key(|(_, each)| each.taken_at()).map(|(number, _)| *number);
        if let Some(closed) = slowest.and_then(|number| connections.remove(&number)) {
            closed.close.notify_one();
        }
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Arc<OfConnection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OfConnection {
    fn taken_at(&self) -> Instant {
        *self.taken_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken_now(&self) {
        *self.taken_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Untaken {
    pub(super) fn answers(&self) -> Answers {
        Answers { all: Arc::clone(&self.all), own: Arc::clone(&self.own) }
    }

    /// Returns once an answer has not been read for at least `period` and at most twice that.
    pub(super) async fn stalled(&self, period: Duration) {
        let mut last = Arc::new(());
        loop {
            sleep(period).await;
            if Arc::strong_count(&last) > 1 {
                return;
            }
            last = self.own.period.swap(Arc::new(()));
        }
    }

    /// Returns when the memory of this connection's answers is needed for other connections.
    pub(super) async fn crowded_out(&self) {
        self.own.close.notified().await;
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        self.all.connections().remove(&self.number);
    }
}

impl Answers {
    pub(super) fn answer<B: Body>(&self, body: B) -> Answer<B> {
        let length = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = ANSWER + length.unwrap_or(STREAMED);
        let (all, own) = (Arc::clone(&self.all), Arc::clone(&self.own));
        if own.answers.fetch_add(1, Ordering::Relaxed) == 0 {
            own.taken_now();
        }
        if all.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST {
            all.close_the_slowest(&own);
        }
        let token = own.period.load_full();
        Answer { body, rest: Bytes::new(), is_asked_for: false, bytes, all, own, _token: token }
    }
}

impl<B> Drop for Answer<B> {
    fn drop(&mut self) {
        self.all.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.own.answers.fetch_sub(1, Ordering::Relaxed);
        self.own.taken_now();
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        this.is_asked_for = true;
        while this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        !self.is_asked_for && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use bytes::Bytes;
    use http::HeaderMap;
    use http_body_util::{BodyExt as _, Empty, Full};
    use hyper::body::{Body, Frame, SizeHint};
    use tokio::time::{Instant, sleep, timeout};

    use super::{ANSWER, AllUntaken, Answer, MOST, PIECE, STREAMED, Untaken};

    /// Longer than anything that is waited for here.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A body of these frames, with or without a known length.
    struct Frames {
        frames: VecDeque<Frame<Bytes>>,
        is_sized: bool,
    }

    impl Frames {
        fn of(lengths: &[usize]) -> Self {
            let data = |length: &usize| Frame::data(vec![7; *length].into());
            Self { frames: lengths.iter().map(data).collect(), is_sized: true }
        }

        fn len(&self) -> usize {
            let data = |frame: &Frame<Bytes>| frame.data_ref().map_or(0, Bytes::len);
            self.frames.iter().map(data).sum()
        }
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.frames.pop_front().map(Ok))
        }

        fn is_end_stream(&self) -> bool {
            self.frames.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            if self.is_sized { SizeHint::with_exact(self.len() as u64) } else { SizeHint::new() }
        }
    }

    async fn is_closed(untaken: &Untaken) -> bool {
        timeout(Duration::ZERO, untaken.crowded_out()).await.is_ok()
    }

    /// An answer of so many bytes in all.
    fn part(connection: &Untaken, bytes: usize) -> Answer<Full<Bytes>> {
        connection.answers().answer(Full::new(vec![0; bytes - ANSWER].into()))
    }

    #[tokio::test]
    async fn beyond_the_bound_the_slowest_reader_is_closed() {
        let all = Arc::new(AllUntaken::default());
        let (slow, reads, idle) = (all.connection(), all.connection(), all.connection());
        let _first = part(&slow, MOST / 4);
        let kept = part(&reads, MOST / 4);
        drop(part(&reads, MOST / 4));
        let _second = part(&slow, MOST / 4);
        assert!(!is_closed(&slow).await, "three quarters of the bound");
        let _exactly = part(&reads, MOST / 4);
        assert!(!is_closed(&slow).await, "the whole bound, and no more");
        let _more = part(&reads, ANSWER);
        assert!(is_closed(&slow).await && !is_closed(&reads).await && !is_closed(&idle).await);
        drop(kept);
    }

    #[tokio::test]
    async fn whoever_waits_for_the_longest_is_the_slowest_whenever_it_came() {
        let all = Arc::new(AllUntaken::default());
        let (early, late) = (all.connection(), all.connection());
        let _of_late = part(&late, MOST / 2);
        // The first answer of a connection that had nothing to read begins its wait.
        let _of_early = part(&early, MOST / 2);
        let other = all.connection();
        let _more = part(&other, ANSWER);
        assert!(is_closed(&late).await && !is_closed(&early).await);
        // Who reads one answer of two does not wait for as long any more.
        let all = Arc::new(AllUntaken::default());
        let (reads, waits) = (all.connection(), all.connection());
        let (taken, _left) = (part(&reads, ANSWER), part(&reads, MOST / 2));
        let _of_waits = part(&waits, MOST / 2 - ANSWER);
        drop(taken);
        let other = all.connection();
        let _more = part(&other, 2 * ANSWER);
        assert!(is_closed(&waits).await && !is_closed(&reads).await);
    }

    #[tokio::test]
    async fn nobody_is_closed_for_a_first_answer_but_for_a_second() {
        let all = Arc::new(AllUntaken::default());
        let alone = all.connection();
        let _huge = part(&alone, 2 * MOST);
        assert!(!is_closed(&alone).await);
        let _second = part(&alone, ANSWER);
        assert!(is_closed(&alone).await);
        assert!(all.connections().is_empty(), "it is closed once");
    }

    #[tokio::test]
    async fn what_was_taken_and_who_has_left_count_no_more() {
        let all = Arc::new(AllUntaken::default());
        let held = || all.bytes.load(Ordering::Relaxed);
        let connection = all.connection();
        let (empty, sized) = (
            connection.answers().answer(Empty::<Bytes>::new()),
            connection.answers().answer(Frames::of(&[5, 6])),
        );
        assert_eq!(held(), 2 * (3 << 10) + 11);
        let streamed = Frames { is_sized: false, ..Frames::of(&[1]) };
        let streamed = connection.answers().answer(streamed);
        assert_eq!(held(), 3 * (3 << 10) + 11 + (64 << 10), "{STREAMED}");
        drop((empty, sized, streamed));
        assert_eq!((held(), connection.own.answers.load(Ordering::Relaxed)), (0, 0));
        assert_eq!(all.connections().len(), 1);
        drop(connection);
        assert!(all.connections().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_is_not_read_stalls_its_connection_and_no_other() {
        const PERIOD: Duration = Duration::from_millis(5);
        let all = Arc::new(AllUntaken::default());
        let (stalls, idle) = (all.connection(), all.connection());
        let _answer = part(&stalls, ANSWER);
        let began = Instant::now();
        timeout(PATIENCE, stalls.stalled(PERIOD)).await.expect("it waits");
        assert!(began.elapsed() >= PERIOD);
        tokio::select! {
            () = idle.stalled(PERIOD) => panic!("there is no answer"),
            () = sleep(PERIOD * 10) => {}
        }
        // Each is taken before the next look, whenever that is.
        let reads = async {
            for _ in 0..10 {
                drop(part(&idle, ANSWER));
                sleep(PERIOD).await;
            }
        };
        tokio::select! {
            () = idle.stalled(PERIOD) => panic!("each answer is taken"),
            () = reads => {}
        }
    }

    #[tokio::test]
    async fn a_chunk_is_handed_on_in_pieces_and_the_length_stays_true() {
        let connection = Arc::new(AllUntaken::default()).connection();
        let mut trailers = Frames::of(&[PIECE + 1, 5]);
        trailers.frames.push_back(Frame::trailers(HeaderMap::new()));
        let mut answer = connection.answers().answer(trailers);
        let length = |answer: &Answer<Frames>| {
            let hint = answer.size_hint();
            assert_eq!(hint.exact(), Some(hint.lower()));
            hint.lower()
        };
        assert_eq!(length(&answer), PIECE as u64 + 6);
        assert!(!answer.is_end_stream());
        for (piece, rest) in [(16 << 10, 6), (1, 5), (5, 0)] {
            let frame = answer.frame().await.unwrap().unwrap();
            assert_eq!(frame.data_ref().map(Bytes::len), Some(piece));
            assert_eq!(length(&answer), rest);
        }
        assert!(answer.frame().await.unwrap().unwrap().is_trailers());
        assert!(!answer.is_end_stream(), "it is asked once more, so that it lives until then");
        assert!(answer.frame().await.is_none());
        let empty = connection.answers().answer(Frames::of(&[]));
        assert!(empty.is_end_stream(), "nobody need ask");
        let streamed = Frames { is_sized: false, ..Frames::of(&[1]) };
        assert_eq!(connection.answers().answer(streamed).size_hint().upper(), None);
    }
}
