//! A socket for tests that answers every call as scripted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads and writes this many bytes, or is pending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scripted {
    pub(super) answer: Poll<usize>,
    pub(super) is_vectored: bool,
}

/// Asserts that the wrapper of a socket passes on every kind of write and its result.
pub(super) fn writes_through<S: AsyncWrite + Unpin>(wrap: impl Fn(Scripted) -> S) {
    let context = &mut Context::from_waker(Waker::noop());
    for is_vectored in [false, true] {
        for answer in [Poll::Pending, Poll::Ready(3)] {
            let mut wrapped = wrap(Scripted { answer, is_vectored });
            assert_eq!(wrapped.is_write_vectored(), is_vectored);
            let mut wrapped = Pin::new(&mut wrapped);
            assert_eq!(wrapped.as_mut().poll_write(context, b"abcde").map(Result::unwrap), answer);
            let slices = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
            let written = wrapped.as_mut().poll_write_vectored(context, &slices);
            assert_eq!(written.map(Result::unwrap), answer);
            let done = answer.map(|_| ());
            assert_eq!(wrapped.as_mut().poll_flush(context).map(Result::unwrap), done);
            assert_eq!(wrapped.as_mut().poll_shutdown(context).map(Result::unwrap), done);
        }
    }
}

impl AsyncRead for Scripted {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.answer.map(|count| {
            buffer.put_slice(&vec![0; count]);
            Ok(())
        })
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        self.answer.map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.answer.map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.answer.map(|_| Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.answer.map(|_| Ok(()))
    }
}
