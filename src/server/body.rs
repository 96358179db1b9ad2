//! Reads a request's body: counted while it streams, within a time, within the shared budget.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::str::FromStr;
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

/// A refused body is read on up to so many times the limit before it is answered, since a client
/// that is still writing may miss an answer that comes with a closed connection.
const DISCARD: usize = 2;
/// A chunk costs so much beside its bytes: its handle, and the part of a buffer that it keeps.
const CHUNK: usize = 64;

/// A whole body, which holds its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Body<'l> {
    pub(super) bytes: Bytes,
    _budget: Budget<'l>,
}

/// A body as far as it has come.
struct Collected<'l> {
    limits: &'l Limits,
    budget: Budget<'l>,
    /// A chunk that has come and is not in the budget yet.
    next: Option<Bytes>,
    /// Joined at the end alone: memory that grows with each body leaves holes that nobody fills.
    chunks: SmallVec<[Bytes; 1]>,
    length: usize,
}

/// What the headers say of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    is_plain_json: bool,
    /// In bytes; 0 where it is not said.
    length: usize,
}

/// Reads the headers of a body.
pub(super) fn declared() -> impl Filter<Extract = (Declared,), Error = Rejection> + Clone {
    header::optional("content-type")
        .and(header::optional("content-encoding"))
        .and(header::optional("content-length"))
        .map(|media_type: Option<IsJson>, encoding: Option<IsIdentity>, length: Option<Length>| {
            Declared {
                is_plain_json: media_type.is_some_and(|IsJson(is_json)| is_json)
                    && encoding.is_none_or(|IsIdentity(is_identity)| is_identity),
                length: length.map_or(0, |Length(length)| length),
            }
        })
}

/// Reads the whole body.
///
/// # Errors
/// When it is not plain JSON by its headers, too large, too slow, broken off, given up for another,
/// or more than the budget has left.
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
    // A small body has come with its headers, and needs no timer.
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

/// Reads the rest of a refused body and forgets it, so that its sender can read the answer. There is
/// no more of them than connections, and each has the time of a body at most.
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
    /// Reads up to the end. What has come is kept when this is dropped before.
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
        // One chunk is the common case and is not copied.
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

/// Whether a media type is that of JSON, with whatever parameters.
struct IsJson(bool);

/// Whether an encoding is none.
struct IsIdentity(bool);

/// Bytes; 0 for what is no number.
struct Length(usize);

impl FromStr for IsJson {
    type Err = Infallible;

    fn from_str(media_type: &str) -> Result<Self, Infallible> {
        let essence = media_type.split(';').next().unwrap_or_default();
        Ok(Self(essence.trim().eq_ignore_ascii_case("application/json")))
    }
}

impl FromStr for IsIdentity {
    type Err = Infallible;

    fn from_str(encoding: &str) -> Result<Self, Infallible> {
        Ok(Self(encoding == "identity"))
    }
}

impl FromStr for Length {
    type Err = Infallible;

    fn from_str(length: &str) -> Result<Self, Infallible> {
        Ok(Self(length.parse().unwrap_or(0)))
    }
}
