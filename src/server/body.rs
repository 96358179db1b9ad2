//! Reads a request's body: counted while it streams, within a time, within the shared budget.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::timeout;

use super::limits::{Budget, Limits};
use super::refusal::Refusal;

/// A refused body is read on up to so many times the limit before it is answered, since a client
/// that is still writing may miss an answer that comes with a closed connection.
const DISCARD: usize = 2;

/// A whole body, which holds its part of the budget until it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _budget: Budget,
}

/// Reads the whole body.
///
/// # Errors
/// When it is not plain JSON by its headers, too large, too slow, broken off, or more than the
/// budget has left.
pub(super) async fn read<S, B>(
    mut stream: S,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<Body, Refusal>
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    check_headers(headers)?;
    let reading = async {
        let result = collect(&mut stream, headers, limits).await;
        if matches!(result, Err(Refusal::BodyTooLarge(_) | Refusal::Overload)) {
            discard(&mut stream, limits.max_body.saturating_mul(DISCARD)).await;
        }
        result
    };
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

async fn collect<S, B>(
    stream: &mut S,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<Body, Refusal>
where
    S: Stream<Item = Result<B, warp::Error>> + Unpin,
    B: Buf,
{
    let mut budget = limits.budget();
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let declared: usize = declared.unwrap_or(0);
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

fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    let media_type = headers.get(CONTENT_TYPE).and_then(|media_type| media_type.to_str().ok());
    let essence = media_type.and_then(|media_type| media_type.split(';').next()).unwrap_or("");
    if plain && essence.trim().eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Refusal::NotJson)
    }
}
