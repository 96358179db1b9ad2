//! Reads a request's body as it streams in, within a time limit and the shared budget.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use smallvec::SmallVec;
use tokio::time::timeout;
use warp::reject::Rejection;
use warp::{Filter, header};

use super::arrivals::Arrival;
use super::limits::{Budget, Limits, Part};
use super::refusal::Refusal;

/// Of a refused body, this many times the limit is read before the answer is sent: a client that is
/// still writing when the connection closes may miss the answer.
const DISCARD: usize = 2;
/// What a chunk costs on top of its bytes: its handle, and the part of a buffer that it keeps
/// alive.
const CHUNK: usize = 64;

/// A complete body. It holds its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Body<'l> {
    pub(super) bytes: Bytes,
    _budget: Budget<'l>,
}

/// The part of a body that has arrived.
struct Collected<'l> {
    limits: &'l Limits,
    budget: Budget<'l>,
    /// A chunk that has arrived and is not in the budget yet.
    next: Option<Bytes>,
    /// Joined only at the end: buffers that grow with each body would fragment memory.
    chunks: SmallVec<[Bytes; 1]>,
    length: usize,
}

/// What the headers say about a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    is_plain_json: bool,
    /// In bytes; 0 if unknown.
    length: usize,
}

/// Reads the headers of a body.
pub(super) fn declared() -> impl Filter<Extract = (Declared,), Error = Rejection> + Clone {
    let text = header::optional::<String>;
    text("content-type").and(text("content-encoding")).and(text("content-length")).map(
        |media_type: Option<String>, encoding: Option<String>, length: Option<String>| Declared {
            is_plain_json: media_type.is_some_and(|media_type| is_json(&media_type))
                && encoding.is_none_or(|encoding| encoding == "identity"),
            length: length.and_then(|length| length.parse().ok()).unwrap_or(0),
        },
    )
}

/// Reads the whole body.
///
/// # Errors
/// When the headers do not declare plain JSON, or the body is too large, too slow, broken off,
/// abandoned in favour of another, or larger than what is left of the budget.
pub(super) async fn read<'l, S, B>(
    stream: &mut S,
    declared: Declared,
    limits: &'l Limits,
    part: &'l Part,
) -> Result<Body<'l>, Refusal>
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    if !declared.is_plain_json {
        return Err(Refusal::NotJson);
    }
    if declared.length > limits.max_body {
        return Err(Refusal::BodyTooLarge(limits.max_body));
    }
    let mut body = Collected {
        limits,
        budget: limits.budget(part).ok_or(Refusal::Overload)?,
        next: None,
        chunks: SmallVec::new(),
        length: 0,
    };
    // A small body has arrived with its headers and needs no timer.
    let at_once = {
        let mut filling = pin!(body.fill(stream, None));
        poll_fn(|context| Poll::Ready(filling.as_mut().poll(context))).await
    };
    match at_once {
        Poll::Ready(filled) => filled?,
        Poll::Pending => {
            let (arrival, mut given_up) = limits.arrivals.join(body.budget.units());
            tokio::select! {
                filled = timeout(limits.body_time, body.fill(stream, Some(&arrival))) => {
                    filled.unwrap_or(Err(Refusal::BodyTooSlow))?;
                }
                Ok(()) = &mut given_up => return Err(Refusal::Overload),
            }
        }
    }
    Ok(body.whole())
}

/// Reads and discards the rest of a refused body, so that its sender gets to read the answer. That
/// happens at most once per connection at a time, and takes at most the time allowed for a body.
pub(super) async fn forget<S, B>(mut stream: S, limits: &Limits)
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    let _ =
        timeout(limits.body_time, discard(&mut stream, limits.max_body.saturating_mul(DISCARD)))
            .await;
}

impl<'l> Collected<'l> {
    /// Reads to the end. If this is dropped earlier, what has arrived is kept.
    async fn fill<S, B>(
        &mut self,
        stream: &mut S,
        arrival: Option<&Arrival<'_>>,
    ) -> Result<(), Refusal>
    where
        S: Stream<Item = Result<B, warp::Error>> + Unpin,
        B: Buf,
    {
        loop {
            let chunk = if let Some(chunk) = &self.next {
                chunk
            } else {
                let Some(chunk) = stream.next().await else { return Ok(()) };
                let mut chunk = chunk.map_err(|_| Refusal::BodyBrokenOff)?;
                self.next.insert(chunk.copy_to_bytes(chunk.remaining()))
            };
            let length = self.length + chunk.len();
            if length > self.limits.max_body {
                return Err(Refusal::BodyTooLarge(self.limits.max_body));
            }
            let held = length + self.chunks.len() * CHUNK;
            if !self.budget.raise_to(held, arrival).await {
                return Err(Refusal::Overload);
            }
            self.length = length;
            self.chunks.extend(self.next.take());
        }
    }

    fn whole(self) -> Body<'l> {
        let Self { budget, mut chunks, length, .. } = self;
        // A single chunk, the common case, is not copied.
        let bytes = match (chunks.pop(), chunks.is_empty()) {
            (None, _) => Bytes::new(),
            (Some(only), true) => only,
            (Some(last), false) => {
                let mut joined = BytesMut::with_capacity(length);
                for chunk in chunks.into_iter().chain([last]) {
                    joined.extend_from_slice(&chunk);
                }
                joined.freeze()
            }
        };
        Body { bytes, _budget: budget }
    }
}

async fn discard<S, B>(stream: &mut S, mut most: usize)
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    while let Some(Ok(chunk)) = stream.next().await {
        match most.checked_sub(chunk.remaining()) {
            Some(left) => most = left,
            None => return,
        }
    }
}

/// Whether a media type is JSON, with any parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};

    use super::{Declared, declared, forget, read};
    use crate::server::limits::Limits;
    use crate::server::refusal::Refusal;
    use crate::settings::{Flags, Settings};

    const LARGEST: usize = 1 << 20;
    const JSON: Declared = Declared { is_plain_json: true, length: 0 };

    /// One connection may hold 2 MiB.
    fn limits() -> Limits {
        let flags = Flags::from([
            ("self_signed", true.into()),
            ("max_body_bytes", (1 << 20).into()),
            ("max_body_bytes_total", (8 << 20).into()),
        ]);
        Limits::new(&Settings::load(None, &BTreeMap::new(), flags).unwrap().0)
    }

    /// The result of reading `chunks` chunks of the same length.
    async fn length_of(chunks: usize, length: usize, declared: Declared) -> Result<usize, Refusal> {
        let limits = limits();
        let part = limits.part();
        let chunk = Bytes::from(vec![b' '; length]);
        let mut stream = stream::iter((0..chunks).map(|_| Ok(chunk.clone())));
        let body = read(&mut stream, declared, &limits, &part).await?;
        Ok(body.bytes.len())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        for (chunks, length) in [(0, 0), (1, LARGEST), (2, LARGEST / 2), (1024, 1024)] {
            assert_eq!(length_of(chunks, length, JSON).await.unwrap(), chunks * length);
        }
        for (chunks, length) in [(1, LARGEST + 1), (2, LARGEST / 2 + 1), (LARGEST, 2)] {
            let refused = length_of(chunks, length, JSON).await.unwrap_err();
            assert!(matches!(refused, Refusal::BodyTooLarge(LARGEST) | Refusal::Overload));
        }
        let declared = |length| Declared { length, ..JSON };
        assert_eq!(length_of(0, 0, declared(LARGEST)).await.unwrap(), 0);
        let refused = length_of(0, 0, declared(LARGEST + 1)).await.unwrap_err();
        assert!(matches!(refused, Refusal::BodyTooLarge(LARGEST)));
    }

    #[tokio::test]
    async fn each_chunk_costs_64_bytes_beside_its_own() {
        // Just within the 2 MiB that a connection may hold: 65 * most - 64 bytes.
        let most = 32_264;
        assert_eq!(length_of(most, 1, JSON).await.unwrap(), most);
        assert!(matches!(length_of(most + 1, 1, JSON).await, Err(Refusal::Overload)));
    }

    #[tokio::test]
    async fn a_refused_body_is_read_on_up_to_twice_the_limit() {
        let mut read = 0;
        let chunks = stream::iter(0..10).map(|_| Ok(Bytes::from(vec![0; LARGEST])));
        forget(chunks.inspect(|_| read += 1), &limits()).await;
        assert_eq!(read, 3, "the third is one too many");
    }

    #[tokio::test]
    async fn the_headers_say_what_a_body_is() {
        let json = ("content-type", "application/json");
        let rows = [
            (vec![], (false, 0)),
            (vec![json], (true, 0)),
            (vec![json, ("content-length", "12")], (true, 12)),
            (vec![json, ("content-length", "x")], (true, 0)),
            (vec![json, ("content-encoding", "identity")], (true, 0)),
            (vec![json, ("content-encoding", "gzip")], (false, 0)),
            (vec![("content-encoding", "identity")], (false, 0)),
            (vec![("content-type", "text/json")], (false, 0)),
        ];
        for (headers, expected) in rows {
            let mut request = warp::test::request();
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let found = request.filter(&declared()).await.unwrap();
            assert_eq!((found.is_plain_json, found.length), expected, "{headers:?}");
        }
    }
}
