//! Attacks on HTTP itself by clients without credentials, each against a gate under the manifests'
//! memory limit, beside a bystander and a liveness probe.

/// What several test files share.
mod support {
    pub(crate) mod authority;
    pub(crate) mod client;
    pub(crate) mod frames;
    pub(crate) mod load;
    pub(crate) mod process;
    pub(crate) mod siege;
    pub(crate) mod volume;
}

use http::{Method, Request, StatusCode};
use imagegate::settings::Protocol;
use serde_json::Value;
use support::client::{Client, whole};
use support::frames::{self, Frames};
use support::siege::Siege;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

const POLICY: &str = "mode: enforce\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_no_path_is_refused_on_both_ports() {
    let siege = Siege::start(POLICY, &[]).await;
    for request in
        ["POST evil:443 HTTP/1.1", "CONNECT evil:443 HTTP/1.1", "OPTIONS * HTTP/1.1"].repeat(20)
    {
        let head = format!("{request}\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let webhook = siege.gate.client.raw(Protocol::Http1).await.unwrap();
        let admin = TcpStream::connect(siege.gate.process.admin).await.unwrap();
        for said in [said(webhook, &head).await, said(admin, &head).await] {
            assert!(said.starts_with("HTTP/1.1 400 "), "`{request}`: {said}");
            let (_, body) = said.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                body["error"], "the target of a request must be a path, such as `/validate`",
                "`{request}`"
            );
        }
    }
    let mut connection = siege.gate.client.connect(Protocol::Http2).await.unwrap();
    for _ in 0..20 {
        let connect = Request::builder().method(Method::CONNECT).uri("evil:443");
        let answer = connection.send(connect.body(whole(b"")).unwrap()).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let process = &siege.gate.process;
    let refused = "imagegate_admission_errors_total{reason=\"not-served\"}";
    assert_eq!(process.metric(refused).await, 80);
    assert_eq!(process.metric("imagegate_panics_total").await, 0);
    assert!(!process.log().iter().any(|line| line.contains("panic")), "{:#?}", process.log());
    siege.end("targets that are no paths").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_announced_and_never_sent_cost_nobody_anything() {
    let siege = Siege::start(POLICY, &[]).await;
    let client = &siege.gate.client;
    let mut announced = Vec::new();
    // The least that was enough: one connection, 800 bytes.
    announced.push(opened(client, 8, |index| frames::announced(index, 8 << 20)).await);
    siege.goes_on(50).await;
    // More than there are slots.
    for _ in 0..80 {
        announced.push(opened(client, 30, |index| frames::announced(index, 8 << 20)).await);
    }
    siege.goes_on(50).await;
    let mut by_http1 = Vec::new();
    for _ in 0..200 {
        let mut stream = client.raw(Protocol::Http1).await.unwrap();
        stream.write_all(head("content-length: 8388608").as_bytes()).await.unwrap();
        by_http1.push(stream);
    }
    siege.goes_on(50).await;
    let (_, cost) = siege.end("bodies that do not come").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_before_their_end_make_room_for_others() {
    let siege = Siege::start(POLICY, &[]).await;
    let client = &siege.gate.client;
    let mut stalled = Vec::new();
    // Each with 6 MiB of 8, together more than the budget.
    let part = vec![b' '; 6 << 20];
    for _ in 0..16 {
        let mut stream = client.raw(Protocol::Http1).await.unwrap();
        stream.write_all(head("content-length: 8388608").as_bytes()).await.unwrap();
        stream.write_all(&part).await.unwrap();
        stalled.push(stream);
        siege.goes_on(3).await;
    }
    siege.goes_on(50).await;
    let (_, cost) = siege.end("bodies that stop before their end").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

/// A connection on which so many frames were written.
async fn opened(client: &Client, frames: u32, frame: impl Fn(u32) -> Vec<u8>) -> Frames {
    let mut connection = Frames::open(client).await;
    connection.send_all((0..frames).map(frame)).await;
    connection
}

/// The head of a request to `/validate`, with one more field.
fn head(field: &str) -> String {
    format!(
        "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         {field}\r\n\r\n"
    )
}

/// What the server says to a request, until it closes.
async fn said(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}
