//! How many bytes a client may send that belong to no request.
//!
//! SETTINGS, PING, PRIORITY and `WINDOW_UPDATE` frames, data frames of one byte, TLS key updates:
//! each is legitimate and costs the receiver work, and none is a request. So the bytes received are
//! compared with the requests and bodies that they make up, and a connection with too large a
//! surplus is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Buf;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The surplus that a connection may have, in bytes. That is more than a client may send ahead of
/// what is read of its bodies, and 20,000 times what a Go client sends during the ten minutes of a
/// connection.
const SPARE: u64 = 1 << 20;
/// Counted for each request on top of its header fields: the request line or pseudo-header fields,
/// and the frames and TLS records around it.
const REQUEST: u64 = 512;
/// Counted for each header field on top of its name and value.
///
/// Source: RFC 9113, section 6.5.2.
const FIELD: usize = 32;

/// The bytes of one connection that belong to a request or a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Arc<AtomicU64>);

/// A socket on which reading fails once the allowance is used up.
#[derive(Debug)]
pub(super) struct Weighed<S> {
    socket: S,
    read: u64,
    allowance: Allowance,
}

/// A request's body, which accounts for its bytes as they are read.
#[derive(Debug)]
pub(super) struct Accounted<B> {
    body: B,
    allowance: Allowance,
}

impl Allowance {
    /// Accounts for a request with these header fields.
    pub(super) fn request(&self, headers: &HeaderMap) {
        let of_field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            name.as_str().len() + value.len() + FIELD
        };
        let fields: usize = headers.iter().map(of_field).sum();
        self.0.fetch_add(REQUEST + fields as u64, Ordering::Relaxed);
    }

    pub(super) fn body<B>(&self, body: B) -> Accounted<B> {
        Accounted { body, allowance: self.clone() }
    }

    /// Plus a quarter, for the headers of frames and TLS records.
    fn data(&self, bytes: usize) {
        self.0.fetch_add((bytes + bytes / 4) as u64, Ordering::Relaxed);
    }
}

impl<S> Weighed<S> {
    pub(super) fn new(socket: S) -> (Self, Allowance) {
        let allowance = Allowance::default();
        (Self { socket, read: 0, allowance: allowance.clone() }, allowance)
    }
}

impl<B: Body<Data: Buf> + Unpin> Body for Accounted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.allowance.data(data.remaining());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Weighed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let filled = buffer.filled().len();
        let polled = Pin::new(&mut this.socket).poll_read(context, buffer);
        this.read += (buffer.filled().len() - filled) as u64;
        if this.read > SPARE + this.allowance.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::Error::other("too much beside the requests")));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Weighed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::{BodyExt as _, Full};
    use hyper::body::Body as _;
    use tokio::io::{AsyncReadExt as _, repeat};

    use super::{Allowance, Weighed};
    use crate::server::scripted::writes_through;

    /// Asserts that exactly this many bytes are read on top of a mebibyte.
    async fn are_read(bytes: usize, account: impl AsyncFnOnce(&Allowance)) {
        // Read in two parts, the second into a buffer that is not empty.
        let (mut socket, allowance) = Weighed::new(repeat(0).take(10).chain(repeat(0)));
        account(&allowance).await;
        let mut all = vec![1; (1 << 20) + bytes];
        assert!(socket.read_exact(&mut all).await.is_ok(), "{bytes}");
        assert!(socket.read_u8().await.is_err(), "{bytes}");
    }

    #[tokio::test]
    async fn a_mebibyte_may_come_to_nothing_beside_requests_and_bodies() {
        are_read(0, async |_| ()).await;
        are_read(512, async |allowance| allowance.request(&HeaderMap::new())).await;
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("*/*"));
        headers.insert("te", HeaderValue::from_static(""));
        are_read(512 + 6 + 3 + 32 + 2 + 32, async |allowance| allowance.request(&headers)).await;
        // A quarter more than the length of the body.
        for (body, accounted) in [(0, 0), (7, 8), (100, 125)] {
            let body = Full::new(Bytes::from(vec![0; body]));
            are_read(accounted, async |allowance| {
                allowance.body(body).collect().await.unwrap();
            })
            .await;
        }
    }

    #[tokio::test]
    async fn an_accounted_body_is_the_same_body() {
        let (_, allowance) = Weighed::new(());
        let mut body = allowance.body(Full::new(Bytes::from_static(b"abc")));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "abc");
        assert!(body.is_end_stream() && body.frame().await.is_none());
    }

    #[test]
    fn what_is_written_is_not_weighed() {
        writes_through(|socket| Weighed::new(socket).0);
    }
}
