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
use support::client::whole;
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

/// What the server says to a request, until it closes.
async fn said(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}
