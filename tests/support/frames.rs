//! HTTP/2 frames by hand, for what no client would send.
//!
//! Source: RFC 9113; the header blocks use the static table of RFC 7541 alone.
#![allow(dead_code, reason = "each test file uses a part of this")]

use imagegate::settings::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use super::client::Client;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:method: POST`, `:scheme: https`, `:path: /`, `:authority: a`, JSON.
const BLOCK: &[u8] = b"\x83\x87\x84\x41\x01a\x0f\x10\x10application/json";

/// A connection to write frames on; what comes back is thrown away.
pub(crate) struct Frames {
    writer: WriteHalf<TlsStream<TcpStream>>,
    reader: JoinHandle<()>,
}

impl Frames {
    pub(crate) async fn open(client: &Client) -> Self {
        Self::open_with(client, &frame(SETTINGS, 0, 0, &[])).await
    }

    /// Opens with settings of its own.
    pub(crate) async fn open_with(client: &Client, settings: &[u8]) -> Self {
        let mut stream = client.raw(Protocol::Http2).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        stream.write_all(settings).await.unwrap();
        let (mut reader, writer) = split(stream);
        let reader = tokio::spawn(async move {
            let mut bytes = vec![0; 64 << 10];
            while reader.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
        });
        Self { writer, reader }
    }

    /// Waits until the server closes.
    pub(crate) async fn closed(&mut self) {
        (&mut self.reader).await.unwrap();
    }

    /// Sends frames until the server has had enough; how many were written.
    pub(crate) async fn send_all(&mut self, frames: impl Iterator<Item = Vec<u8>>) -> usize {
        let mut sent = 0;
        for frame in frames {
            if self.reader.is_finished() || self.writer.write_all(&frame).await.is_err() {
                break;
            }
            sent += 1;
        }
        let _ = self.writer.flush().await;
        sent
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A stream that is opened and taken back: CVE-2023-44487.
pub(crate) fn opened_and_reset(index: u32) -> Vec<u8> {
    [opened(index), frame(RST_STREAM, 0, stream(index), &8_u32.to_be_bytes())].concat()
}

/// A stream whose body does not come.
pub(crate) fn opened(index: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream(index), BLOCK)
}

/// Headers that do not end: CVE-2024-27316.
pub(crate) fn continuation(index: u32) -> Vec<u8> {
    let block = [0x00, 0x01, b'x', 0x01, b'y'].repeat(100);
    if index == 0 { frame(HEADERS, 0, 1, BLOCK) } else { frame(CONTINUATION, 0, 1, &block) }
}

/// A body that is sent in pieces of nothing: CVE-2019-9518.
pub(crate) fn empty_data(index: u32) -> Vec<u8> {
    if index == 0 { opened(0) } else { frame(DATA, 0, 1, &[]) }
}

pub(crate) fn settings(_: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

pub(crate) fn ping(index: u32) -> Vec<u8> {
    frame(PING, 0, 0, &u64::from(index).to_be_bytes())
}

/// Settings that let the server send no byte of a body: CVE-2019-9517.
pub(crate) fn zero_window() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])
}

/// A whole request.
pub(crate) fn request(index: u32, body: &[u8]) -> Vec<u8> {
    [opened(index), frame(DATA, END_STREAM, stream(index), body)].concat()
}

/// The `index`-th stream of a client.
fn stream(index: u32) -> u32 {
    index * 2 + 1
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
