//! What a client may send beside its requests.
//!
//! SETTINGS, PING, PRIORITY and `WINDOW_UPDATE`, frames of one byte, renewed TLS keys: each has its
//! purpose, costs the other side something, and is never the request that somebody connected for.
//! So the bytes that come in are weighed against the requests and bodies that they turn into, and a
//! connection on which too many come to nothing is closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Buf;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that may come to nothing on a connection. More than a client may send ahead of what is read
/// of its bodies, and 20,000 times what a client of Go's sends in the ten minutes of a connection.
const SPARE: u64 = 1 << 20;
/// What a request brings beside its header fields: its line or pseudo-header fields, and the frames
/// and TLS records around it.
const REQUEST: u64 = 512;
/// What a header field brings beside its name and value.
///
/// Source: RFC 9113, section 6.5.2.
const FIELD: usize = 32;

/// The bytes of one connection that are accounted for.
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
    /// A request came with these fields.
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

    /// A quarter more, since frames and TLS records have heads of their own.
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
