//! Reads a request's body: counted while it streams, within a time, within the shared budget.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::str::FromStr;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout;
use warp::reject::Rejection;
use warp::{Filter, header};

use super::limits::{Limits, Share};
use super::refusal::Refusal;

/// A refused body is read on up to so many times the limit before it is answered, since a client
/// that is still writing may miss an answer that comes with a closed connection.
const DISCARD: usize = 2;

/// A whole body, which holds its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Body<'l> {
    pub(super) bytes: Bytes,
    _budget: Share<'l>,
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
/// When it is not plain JSON by its headers, too large, too slow, broken off, or more than the
/// budget has left.
pub(super) async fn read<S, B>(
    mut stream: S,
    declared: Declared,
    limits: &Limits,
) -> Result<Body<'_>, Refusal>
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    if !declared.is_plain_json {
        return Err(Refusal::NotJson);
    }
    let mut reading = pin!(async {
        let result = collect(&mut stream, declared.length, limits).await;
        if matches!(result, Err(Refusal::BodyTooLarge(_) | Refusal::Overload)) {
            discard(&mut stream, limits.max_body.saturating_mul(DISCARD)).await;
        }
        result
    });
    // A small body has come with its headers, and needs no timer.
    let at_once = poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await;
    if let Poll::Ready(result) = at_once {
        return result;
    }
    timeout(limits.body_time, reading).await.unwrap_or(Err(Refusal::BodyTooSlow))
}

/// Reads a body to its end and forgets it, so that its sender can read the answer.
pub(super) async fn forget<S, B>(mut stream: S, limits: &Limits)
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    let _ = timeout(limits.body_time, discard(&mut stream, limits.max_body)).await;
}

async fn collect<'l, S, B>(
    stream: &mut S,
    declared: usize,
    limits: &'l Limits,
) -> Result<Body<'l>, Refusal>
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    let mut budget = limits.budget();
    if declared > limits.max_body {
        return Err(Refusal::BodyTooLarge(limits.max_body));
    }
    if !budget.raise_to(declared) {
        return Err(Refusal::Overload);
    }
    // One chunk is the common case and is not copied.
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk.map_err(|_| Refusal::BodyBrokenOff)?;
        let length = first.len() + joined.len() + chunk.remaining();
        if length > limits.max_body {
            return Err(Refusal::BodyTooLarge(limits.max_body));
        }
        if !budget.raise_to(length) {
            return Err(Refusal::Overload);
        }
        let chunk = chunk.copy_to_bytes(chunk.remaining());
        if first.is_empty() && joined.is_empty() {
            first = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(declared.max(length));
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&chunk);
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Body { bytes, _budget: budget })
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
