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
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
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

    /// Whether the server has closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.reader.is_finished()
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

/// A stream whose body is announced and does not come.
pub(crate) fn announced(index: u32, bytes: usize) -> Vec<u8> {
    with_fields(index, &literal(&[0x0f, 0x0d], &bytes.to_string()))
}

/// A stream with more fields, as they stand in a header block, whose body does not come.
pub(crate) fn with_fields(index: u32, fields: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream(index), &[BLOCK, fields].concat())
}

/// Fields of these lengths, together below a frame's 16 KiB, without the table.
pub(crate) fn fields(count: usize, value: usize) -> Vec<u8> {
    let value = "v".repeat(value);
    (0..count).flat_map(|index| literal(&name(index), &value)).collect()
}

/// A new name of four letters, as a literal without indexing.
fn name(index: usize) -> Vec<u8> {
    let letter = |place: u32| b'a' + u8::try_from(index / 26_usize.pow(place) % 26).unwrap();
    vec![0x00, 4, b'x', letter(2), letter(1), letter(0)]
}

fn literal(name: &[u8], value: &str) -> Vec<u8> {
    let length = value.len();
    let length = if length < 127 {
        vec![u8::try_from(length).unwrap()]
    } else {
        let rest = length - 127;
        // Two bytes of seven bits are enough for a frame.
        vec![127, u8::try_from(rest % 128).unwrap() | 128, u8::try_from(rest / 128).unwrap()]
    };
    [name, &length, value.as_bytes()].concat()
}

/// A part of a body.
pub(crate) fn data(index: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream(index), bytes)
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

/// A body that is sent byte by byte.
pub(crate) fn tiny_data(index: u32) -> Vec<u8> {
    if index == 0 { opened(0) } else { data(0, b" ") }
}

pub(crate) fn priority(index: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream(index % 1_000), &[0, 0, 0, 0, 1])
}

/// One byte more, so that the window does not overflow.
pub(crate) fn window_update(_: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])
}

pub(crate) fn settings(_: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

pub(crate) fn ping(index: u32) -> Vec<u8> {
    frame(PING, 0, 0, &u64::from(index).to_be_bytes())
}

/// What a server says first: the pairs of its SETTINGS.
pub(crate) async fn advertised(client: &Client) -> Vec<(u16, u32)> {
    let mut stream = client.raw(Protocol::Http2).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&settings(0)).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    assert_eq!(head[3..], [SETTINGS, 0, 0, 0, 0, 0], "the first frame is SETTINGS");
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    let pair = |pair: &[u8]| {
        let (name, value) = pair.split_at(2);
        (
            u16::from_be_bytes(name.try_into().unwrap()),
            u32::from_be_bytes(value.try_into().unwrap()),
        )
    };
    payload.chunks(6).map(pair).collect()
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
