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
    use std::sync::Arc;
    use std::time::Duration;

    use http_body_util::Full;
    use tokio::time::timeout;

    use super::{AllUntaken, MOST, Untaken};

    async fn is_closed(untaken: &Untaken) -> bool {
        timeout(Duration::ZERO, untaken.crowded_out()).await.is_ok()
    }

    #[tokio::test]
    async fn beyond_the_bound_the_slowest_reader_is_closed() {
        let all = Arc::new(AllUntaken::default());
        let (slow, reads, idle) = (all.connection(), all.connection(), all.connection());
        let part = |connection: &Untaken| {
            connection.answers().answer(Full::new(bytes::Bytes::from(vec![0; MOST / 4])))
        };
        let _first = part(&slow);
        let kept = part(&reads);
        drop(part(&reads));
        let _second = part(&slow);
        assert!(!is_closed(&slow).await, "three quarters of the bound");
        let _more = part(&reads);
        assert!(is_closed(&slow).await && !is_closed(&reads).await && !is_closed(&idle).await);
        drop(kept);
    }
}
