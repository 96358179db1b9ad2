//! Group F over real sockets: clients that mean harm, or are broken, beside one that is neither.

use std::io;
use std::time::Duration;

use crate::support::client::{Client, PROTOCOLS, endless, pod, pod_review, review_of};
use crate::support::frames::{self, Frames};
use crate::support::load::Load;
use crate::support::process::{Gate, until};
use http::{Method, StatusCode};
use imagegate::settings::Protocol;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const POLICY: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";
const CONNECTIONS: &str = "imagegate_connections";
/// Longer than any deadline here, shorter than what a defect would let a connection live.
const PATIENCE: Duration = Duration::from_secs(20);
const IN_FLIGHT: &str = "imagegate_requests_in_flight";
/// Deadlines that a test can wait for.
const SHORT: [(&str, &str); 3] =
    [("handshake_seconds", "1"), ("header_seconds", "1"), ("body_seconds", "1")];

/// A client that behaves, on connections of both protocols, while something else goes on.
struct Bystander([Load; 2]);

impl Bystander {
    fn start(client: &Client) -> Self {
        let pause = Duration::from_millis(5);
        Self(
            PROTOCOLS
                .map(|protocol| Load::between(client, protocol, 1, &pod_review(&[GOOD]), pause)),
        )
    }

    /// Waits for some more answers, and holds all to be verdicts.
    async fn was_served(self, what: &str) {
        for (protocol, load) in PROTOCOLS.iter().zip(self.0) {
            load.more(20).await;
            let tally = load.stop().await;
            println!("{what}: bystander, {protocol:?}: {}", tally.summary());
            assert_eq!(tally.failures, Vec::<String>::new(), "{what}");
        }
    }
}

/// Holds a gate to have forgotten all abuse.
async fn is_as_before(gate: &Gate, descriptors: usize) {
    gate.process.metric_is(CONNECTIONS, |connections| connections == 0).await;
    gate.process.metric_is(IN_FLIGHT, |requests| requests == 0).await;
    gate.process.descriptors_return_to(descriptors).await;
    assert_eq!(gate.process.metric("imagegate_panics_total").await, 0);
    let answer = gate.client.review(Protocol::Http1, &pod_review(&[GOOD])).await.unwrap();
    assert!(answer.allowed());
}

/// Reads until the other side closes.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut read).await;
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_two_thousand_silent_connections_are_dropped_and_nobody_else_notices() {
    const SILENT: usize = 2_000;
    allow_descriptors();
    let settings = [("handshake_seconds", "3"), ("max_connections", "2048")];
    let gate = Gate::start(POLICY, &settings).await;
    let base = gate.process.descriptors();
    let bystander = Bystander::start(&gate.client);
    let mut silent = JoinSet::new();
    for _ in 0..SILENT {
        let mut stream = TcpStream::connect(gate.process.listen).await.unwrap();
        silent.spawn(async move { closed(&mut stream).await });
    }
    let (memory, _) = gate.process.memory();
    println!("F1: {} descriptors, {memory} KiB resident", gate.process.descriptors());
    for said in silent.join_all().await {
        assert_eq!(said, b"");
    }
    bystander.was_served("F1 silence").await;
    let errors = gate.process.metric("imagegate_tls_handshake_errors_total").await;
    assert_eq!(errors, SILENT);
    is_as_before(&gate, base).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_what_is_no_handshake_is_dropped() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let bystander = Bystander::start(&gate.client);
    let hello_that_promises_more = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice();
    let plain = b"POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
    for bytes in [b"\x00".as_slice(), &[0xff; 4096], plain, hello_that_promises_more] {
        let mut stream = TcpStream::connect(gate.process.listen).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let said = closed(&mut stream).await;
        assert!(!said.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&said));
    }
    let mut drop_by_drop = TcpStream::connect(gate.process.listen).await.unwrap();
    let dripped = drip(&mut drop_by_drop, &hello_that_promises_more.repeat(100)).await;
    assert!(dripped.is_err(), "a handshake byte by byte is not waited for");
    bystander.was_served("F1 garbage").await;
    gate.process.metric_is("imagegate_tls_handshake_errors_total", |errors| errors == 5).await;
    is_as_before(&gate, base).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_slow_headers_and_slow_bodies_end_at_their_deadlines() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let bystander = Bystander::start(&gate.client);

    for protocol in PROTOCOLS {
        let mut mute = gate.client.raw(protocol).await.unwrap();
        let said = closed(&mut mute);
        let said = timeout(PATIENCE, said).await.expect("silence after the handshake");
        assert!(!said.starts_with(b"HTTP"), "{said:?}");
    }
    let mut requestless = Frames::open(&gate.client).await;
    timeout(PATIENCE, requestless.closed()).await.expect("no request after the preface");

    let mut headers = gate.client.raw(Protocol::Http1).await.unwrap();
    let endless_header = format!("POST /validate HTTP/1.1\r\nx: {}", "y".repeat(10_000));
    assert!(drip(&mut headers, endless_header.as_bytes()).await.is_err(), "slow headers");

    let mut body = gate.client.raw(Protocol::Http1).await.unwrap();
    body.write_all(head("content-length: 100000").as_bytes()).await.unwrap();
    let _ = drip(&mut body, &[b' '; 1000]).await;
    let answer = String::from_utf8(closed(&mut body).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"error\":\"the body took too long\""), "{answer}");

    let mut streams = gate.client.connect(Protocol::Http2).await.unwrap();
    let never = Duration::from_hours(1);
    let request = streams.request(Method::POST, "/validate", endless(b" ", never));
    let answer = streams.send(request).await.unwrap();
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert!(streams.review(&pod_review(&[GOOD])).await.unwrap().allowed(), "other streams live");
    drop(streams);

    bystander.was_served("F2").await;
    let read = gate.process.metric("imagegate_admission_errors_total{reason=\"body-read\"}").await;
    assert_eq!(read, 2);
    is_as_before(&gate, base).await;
}

#[tokio::test]
async fn f2_an_idle_connection_outlives_every_deadline_of_a_request() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let seconds = std::env::var("IMAGEGATE_TEST_SECONDS").ok().map(|text| text.parse().unwrap());
    let mut idle = Vec::new();
    for protocol in PROTOCOLS {
        let mut connection = gate.client.connect(protocol).await.unwrap();
        assert!(connection.review(&pod_review(&[GOOD])).await.unwrap().allowed());
        idle.push(connection);
    }
    // Longer than the handshake, the headers or the body may take. Nothing happens meanwhile.
    tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(3))).await;
    for connection in &mut idle {
        assert!(connection.review(&pod_review(&[GOOD])).await.unwrap().allowed());
    }
}

#[tokio::test]
async fn f2_a_connection_that_is_idle_for_too_long_is_closed() {
    let gate = Gate::start(POLICY, &[("idle_seconds", "1")]).await;
    let mut connection = gate.client.connect(Protocol::Http1).await.unwrap();
    assert!(connection.review(&pod_review(&[GOOD])).await.unwrap().allowed());
    until("it is closed", async || !connection.ready().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_an_endless_body_is_cut_off() {
    let gate = Gate::start(POLICY, &[]).await;
    let base = gate.process.descriptors();
    let (_, before) = gate.process.memory();
    for protocol in PROTOCOLS {
        let mut connection = gate.client.connect(protocol).await.unwrap();
        let request = connection.request(
            Method::POST,
            "/validate",
            endless(&vec![b' '; 64 << 10], Duration::ZERO),
        );
        if let Ok(answer) = connection.send(request).await {
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    let too_large = "imagegate_admission_errors_total{reason=\"body-too-large\"}";
    gate.process.metric_is(too_large, |refused| refused == 2).await;
    let (_, after) = gate.process.memory();
    println!("F3: highest memory {before} KiB, then {after} KiB");
    assert!(after < before + (64 << 10), "{before} KiB, then {after} KiB");
    is_as_before(&gate, base).await;
}

#[tokio::test]
async fn f3_a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let gate = Gate::start(POLICY, &[]).await;
    let body = pod_review(&[GOOD]);
    let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
    let fields = format!("content-length: {}\r\nexpect: 100-continue", body.len());
    stream.write_all(head(&fields).as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body).await.unwrap();
    let mut status = [0; 15];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn f4_a_large_review_of_many_containers_and_escapes_is_judged() {
    let gate = Gate::start(POLICY, &[]).await;
    // As many as are read of one list.
    let good = vec![GOOD; 1_000];
    let one_bad = [&good[1..], &["evil.example/nginx:1"]].concat();
    for (images, allowed) in [(&good, true), (&one_bad, false)] {
        let mut object = pod(images);
        object["metadata"]["annotations"] = json!({"text": "<>&".repeat(300_000)});
        let body = review_of("CREATE", &object, &Value::Null).to_string();
        // As the API server's encoder escapes them: six bytes each.
        let body = body.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        assert!(body.len() > 5 << 20, "{}", body.len());
        for protocol in PROTOCOLS {
            let answer = gate.client.review(protocol, body.as_bytes()).await.unwrap();
            assert_eq!(answer.allowed(), allowed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_without_descriptors_it_backs_off_and_recovers_by_itself() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let limit = Some(base as u64 + 20);
    let limit = Rlimit { current: limit, maximum: limit };
    prlimit(Some(gate.process.pid()), Resource::Nofile, limit).unwrap();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(gate.process.listen).await.unwrap());
    }
    gate.process.logged("cannot accept a connection, will retry").await;
    drop(silent);
    until("it accepts again", async || {
        gate.client.review(Protocol::Http1, &pod_review(&[GOOD])).await.is_ok()
    })
    .await;
    is_as_before(&gate, base).await;
    let warned = gate.process.log().iter().filter(|line| line.contains("cannot accept")).count();
    println!("F5: {warned} lines about it");
    assert!((1..=5).contains(&warned), "{warned} lines");
}

#[tokio::test]
async fn f6_what_is_no_http_is_refused_and_ends_the_connection() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let many = vec!["x: y"; 1_000].join("\r\n");
    let long_path = format!("POST /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(1 << 20));
    let long_header = head(&format!("x: {}", "y".repeat(1 << 20)));
    let rows = [
        ("two lengths", head("content-length: 2\r\ncontent-length: 3") + "{}"),
        ("a length that is none", head("content-length: two") + "{}"),
        ("a length below zero", head("content-length: -1") + "{}"),
        ("a folded header", head("content-length: 2\r\nx: a\r\n b") + "{}"),
        ("a header without a colon", head("nothing") + "{}"),
        ("a space before the colon", head("content-length : 2") + "{}"),
        ("an unknown coding", head("transfer-encoding: gzip") + "{}"),
        ("a chunk length that is none", head("transfer-encoding: chunked") + "zz\r\n{}\r\n"),
        ("many headers", head(&many)),
        ("a long path", long_path),
        ("a long header", long_header),
        ("another version", "POST /validate HTTP/3.0\r\nhost: localhost\r\n\r\n".to_owned()),
        ("no request line", "\0\0\0\0\r\n\r\n".to_owned()),
    ];
    for (what, request) in rows {
        let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
        // The server may close before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let said = String::from_utf8(closed(&mut stream).await).unwrap();
        let status = said.get(..12).unwrap_or("closed");
        println!("F6: {what}: {status}");
        assert!(status == "closed" || status.starts_with("HTTP/1.1 4"), "{what}: {said}");
        assert!(!said.contains("\"allowed\""), "{what}: {said}");
    }
    is_as_before(&gate, base).await;
}

#[tokio::test]
async fn f6_a_length_beside_chunks_smuggles_no_second_request() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let body = pod_review(&[GOOD]);
    let smuggled = head(&format!("content-length: {}", body.len()));
    let request = [
        head("transfer-encoding: chunked\r\ncontent-length: 6").as_bytes(),
        b"0\r\n\r\n",
        smuggled.as_bytes(),
        &body,
    ]
    .concat();
    let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let said = String::from_utf8(closed(&mut stream).await).unwrap();
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    assert!(!said.contains("\"allowed\":true"), "the rest was taken for a request: {said}");
}

#[tokio::test]
async fn f6_a_hundred_pipelined_requests_are_answered_in_order() {
    let gate = Gate::start(POLICY, &[]).await;
    let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
    let mut requests = Vec::new();
    for index in 0..100 {
        let mut review = review_of("CREATE", &pod(&[GOOD]), &Value::Null);
        review["request"]["uid"] = format!("uid-{index:03}").into();
        let body = review.to_string();
        let last = if index == 99 { "\r\nconnection: close" } else { "" };
        let head = head(&format!("content-length: {}{last}", body.len()));
        requests.extend_from_slice(head.as_bytes());
        requests.extend_from_slice(body.as_bytes());
    }
    stream.write_all(&requests).await.unwrap();
    let said = String::from_utf8(closed(&mut stream).await).unwrap();
    let order: Vec<&str> = said.split("\"uid\":\"uid-").skip(1).map(|rest| &rest[..3]).collect();
    let expected: Vec<String> = (0..100).map(|index| format!("{index:03}")).collect();
    assert_eq!(order, expected);
}

/// Makes the frame of a number.
type Frame = fn(u32) -> Vec<u8>;

#[tokio::test(flavor = "multi_thread")]
async fn f7_floods_of_frames_end_their_connection_and_nobody_else_notices() {
    // What costs nothing to answer is answered for as long as it comes.
    let rows: [(&str, Frame, u32, bool); 6] = [
        ("rapid reset", frames::opened_and_reset, 20_000, true),
        ("continuation", frames::continuation, 20_000, true),
        ("empty data", frames::empty_data, 20_000, true),
        ("settings", frames::settings, 20_000, false),
        ("ping", frames::ping, 20_000, false),
        ("streams without end", frames::opened, 10_000, true),
    ];
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let (before, _) = gate.process.memory();
    for (what, frame, count, ends) in rows {
        let bystander = Bystander::start(&gate.client);
        let mut flood = Frames::open(&gate.client).await;
        let sent = flood.send_all((0..count).map(frame)).await;
        if ends {
            timeout(PATIENCE, flood.closed()).await.expect(what);
        } else {
            assert_eq!(sent, count as usize, "{what}");
        }
        bystander.was_served(&format!("F7 {what}, {sent} of {count} written")).await;
        drop(flood);
        is_as_before(&gate, base).await;
    }
    let (after, highest) = gate.process.memory();
    println!("F7: {before} KiB resident, then {after} KiB, at most {highest} KiB");
    assert!(highest < before + (64 << 10), "{before} KiB, at most {highest} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_answers_that_nobody_takes_do_not_stay() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let bystander = Bystander::start(&gate.client);
    let mut flood = Frames::open_with(&gate.client, &frames::zero_window()).await;
    let body = pod_review(&["evil.example/nginx"; 32]);
    // Together below 64 KiB, which may be sent before the server has said that it takes more.
    let small = pod_review(&["evil.example/nginx"]);
    assert!(small.len() * 100 < 65_535, "{}", small.len());
    let sent = flood.send_all((0..100).map(|index| frames::request(index, &small))).await;
    assert_eq!(sent, 100, "within the limit of streams");
    timeout(PATIENCE, flood.closed()).await.expect("answers that nobody takes are kept");

    // The windows are open, and nothing is read from the socket.
    let mut deaf = gate.client.raw(Protocol::Http1).await.unwrap();
    let request = [head(&format!("content-length: {}", body.len())).as_bytes(), &body].concat();
    let asking = async { while deaf.write_all(&request).await.is_ok() {} };
    timeout(PATIENCE, asking).await.expect("a client that does not read is kept");
    bystander.was_served("F7 answers that nobody takes").await;
    drop(flood);
    is_as_before(&gate, base).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_clients_that_vanish_leave_nothing_behind() {
    let gate = Gate::start(POLICY, &SHORT).await;
    let base = gate.process.descriptors();
    let body = pod_review(&[GOOD]);
    let request = [head(&format!("content-length: {}", body.len())).as_bytes(), &body].concat();
    for round in 0..100 {
        let mut stream = gate.client.raw(Protocol::Http1).await.unwrap();
        let end = request.len() * (round % 4 + 1) / 4;
        stream.write_all(&request[..end]).await.unwrap();
        let (socket, _) = stream.into_inner();
        // With a linger of zero, closing is a reset.
        socket.set_zero_linger().unwrap();
    }
    // Whoever closes one half is taken to have gone. What the gate reads together with that end
    // gets no verdict, whether the request is whole or not.
    let cut = "HTTP/1.1 400 Bad Request\r\n";
    for (end, said) in [(request.len() / 2, cut), (request.len() - 1, cut), (request.len(), "")] {
        let mut half = gate.client.raw(Protocol::Http1).await.unwrap();
        gate.process.signal(Signal::STOP);
        until("it is stopped", async || gate.process.state() == 'T').await;
        half.write_all(&request[..end]).await.unwrap();
        half.shutdown().await.unwrap();
        gate.process.signal(Signal::CONT);
        let answer = String::from_utf8(closed(&mut half).await).unwrap();
        assert!(
            answer.starts_with(said) && answer.is_empty() == said.is_empty(),
            "{end}: {answer}"
        );
    }
    // What was answered before that end arrives whole.
    let mut half = gate.client.raw(Protocol::Http1).await.unwrap();
    half.write_all(&request).await.unwrap();
    let mut answer = vec![0; 1];
    half.read_exact(&mut answer).await.unwrap();
    half.shutdown().await.unwrap();
    answer.extend(closed(&mut half).await);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("\"allowed\":true"), "{answer}");
    is_as_before(&gate, base).await;
    // A busy loop never does.
    gate.process.comes_to_rest().await;
}

/// The head of a request, without a body's length.
fn head(fields: &str) -> String {
    format!(
        "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         {fields}\r\n\r\n"
    )
}

/// Writes byte by byte, slowly, until the other side has had enough.
async fn drip(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Lets this process and its children open many descriptors.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
