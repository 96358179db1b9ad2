//! Attacks on HTTP itself by clients without credentials, each against a gate under the manifests'
//! memory limit, beside a bystander and a liveness probe.

use std::pin::pin;
use std::time::Duration;

use crate::support::client::{Client, pod_review, whole};
use crate::support::frames::{self, Frames};
use crate::support::process::{Gate, until};
use crate::support::siege::Siege;
use http::{Method, Request, StatusCode};
use imagegate::settings::Protocol;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

const POLICY: &str = "mode: enforce\n";
/// Longer than any deadline here.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_no_path_is_refused_on_both_ports() {
    let siege = Siege::start(POLICY, &[]).await;
    let (client, admin) = (siege.gate.client.clone(), siege.gate.process.admin);
    let attack = async move {
        let targets = ["POST evil:443", "CONNECT evil:443", "OPTIONS *"];
        for target in targets.repeat(20) {
            let head = format!("{target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            let webhook = client.raw(Protocol::Http1).await.unwrap();
            let admin = TcpStream::connect(admin).await.unwrap();
            for said in [said(webhook, &head).await, said(admin, &head).await] {
                assert!(said.starts_with("HTTP/1.1 400 "), "`{target}`: {said}");
                let (_, body) = said.split_once("\r\n\r\n").unwrap();
                let body: Value = serde_json::from_str(body).unwrap();
                assert_eq!(
                    body["error"], "the target of a request must be a path, such as `/validate`",
                    "`{target}`"
                );
            }
        }
        let mut connection = client.connect(Protocol::Http2).await.unwrap();
        for _ in 0..20 {
            let connect = Request::builder().method(Method::CONNECT).uri("evil:443");
            let answer = connection.send(connect.body(whole(b"")).unwrap()).await.unwrap();
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
    };
    siege.attacked("targets that are no paths", attack).await;
    let process = &siege.gate.process;
    let refused = "imagegate_admission_errors_total{reason=\"not-served\"}";
    assert_eq!(process.metric(refused).await, 80);
    assert_eq!(process.metric("imagegate_panics_total").await, 0);
    assert!(!process.log().iter().any(|line| line.contains("panic")), "{:#?}", process.log());
    siege.end("targets that are no paths").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_announced_and_never_sent_cost_nobody_anything() {
    allow_descriptors();
    // So that connections do not run out before slots do.
    let siege = Siege::start(POLICY, &[("max_connections", "2048")]).await;
    let mut announced = Vec::new();
    // The least that was enough, one connection and 800 bytes; then more than there are slots.
    for (connections, streams) in [(1, 8), (80, 30)] {
        let client = siege.gate.client.clone();
        let attack = async move {
            let mut announced = Vec::new();
            for _ in 0..connections {
                let frame = |index| frames::announced(index, 8 << 20);
                announced.push(opened(&client, streams, frame).await);
            }
            announced
        };
        announced.push(siege.attacked("bodies announced on HTTP/2", attack).await);
        siege.goes_on(50).await;
    }
    // Again more than there are slots.
    let client = siege.gate.client.clone();
    let attack = async move {
        let mut announced = Vec::new();
        for _ in 0..1_100 {
            let mut stream = client.raw(Protocol::Http1).await.unwrap();
            stream.write_all(head("content-length: 8388608").as_bytes()).await.unwrap();
            announced.push(stream);
        }
        announced
    };
    let _announced = siege.attacked("bodies announced on HTTP/1.1", attack).await;
    siege.goes_on(50).await;
    let (_, cost) = siege.end("bodies that do not come").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_before_their_end_make_room_for_others() {
    let siege = Siege::start(POLICY, &[]).await;
    let mut stalled = Vec::new();
    // Each with 6 MiB of 8, together more than the budget.
    for _ in 0..16 {
        let client = siege.gate.client.clone();
        let attack = async move {
            let mut stream = client.raw(Protocol::Http1).await.unwrap();
            stream.write_all(head("content-length: 8388608").as_bytes()).await.unwrap();
            stream.write_all(&vec![b' '; 6 << 20]).await.unwrap();
            stream
        };
        stalled.push(siege.attacked("a body that stops before its end", attack).await);
        siege.goes_on(3).await;
    }
    siege.goes_on(50).await;
    let (_, cost) = siege.end("bodies that stop before their end").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_on_every_connection_stay_within_the_memory() {
    allow_descriptors();
    let siege = Siege::start(POLICY, &[("handshake_seconds", "120")]).await;
    let client = siege.gate.client.clone();
    let attack = async move {
        let mut stalled = JoinSet::new();
        for _ in 0..1_010 {
            let client = client.clone();
            stalled.spawn(async move {
                let mut stream = client.raw(Protocol::Http1).await.unwrap();
                // It may be told to come back before it has sent so much.
                let half =
                    [head("content-length: 1000000").as_bytes(), &vec![b' '; 500_000]].concat();
                let _ = stream.write_all(&half).await;
                stream
            });
        }
        stalled.join_all().await
    };
    let _stalled = siege.attacked("half a body on each of 1,010 connections", attack).await;
    siege.goes_on(50).await;
    siege.end("half a body on each of 1,010 connections").await;
}

#[tokio::test]
async fn the_settings_that_the_server_advertises_are_these() {
    let gate = Gate::start(POLICY, &[]).await;
    let advertised = frames::advertised(&gate.client).await;
    let value =
        |name: u16| advertised.iter().find(|(each, _)| *each == name).map(|(_, value)| *value);
    let (streams, window, frame, headers) = (0x3, 0x4, 0x5, 0x6);
    assert_eq!(value(streams), Some(32));
    assert_eq!(value(headers), Some(8 << 10));
    assert_eq!(value(window), Some(256 << 10));
    assert_eq!(value(frame), Some(16 << 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn header_fields_of_many_streams_stay_within_the_budget() {
    // Connections and streams of each, with as many fields as a frame holds, which are over the
    // header list; and with those that cost the most memory for what it allows. How many MiB more
    // may be held: the last row has the whole budget.
    let (large, small) = (frames::fields(56, 256), frames::fields(180, 1));
    let rows = [(60, 256, &large, 20), (300, 200, &large, 20), (60, 32, &small, 64)];
    for (connections, streams, fields, most) in rows {
        let siege = Siege::start(POLICY, &[]).await;
        let what = format!("{connections} x {streams} streams x {} B of fields", fields.len());
        let (_, kept) = held_open(&siege, connections, streams, fields, &what).await;
        assert!(kept < siege.idle + (most << 10), "{what}: {kept} KiB kept, {} idle", siege.idle);
        let (_, cost) = siege.end(&what).await;
        assert_eq!(cost.retried, 0, "nobody was told to come back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_many_connections_take_no_more_the_second_time() {
    let siege = Siege::start(POLICY, &[]).await;
    let (first, _) = held_open(&siege, 400, 256, &[], "400 x 256 streams").await;
    let (second, _) = held_open(&siege, 400, 256, &[], "400 x 256 streams again").await;
    // What the allocator keeps of the first, the second uses.
    assert!(second < first + (12 << 10), "{first} KiB held, then {second} KiB");
    let (_, cost) = siege.end("400 x 256 streams, twice").await;
    assert!(cost.peak < cost.idle + (80 << 10), "{cost:?}");
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

/// Opens streams whose bodies do not come, and closes them when the bystander was served; what memory
/// is held until then, and kept afterwards, in KiB.
async fn held_open(
    siege: &Siege,
    connections: usize,
    streams: u32,
    fields: &[u8],
    what: &str,
) -> (u64, u64) {
    let (client, fields) = (siege.gate.client.clone(), fields.to_owned());
    let attack = async move {
        let mut open = Vec::new();
        for _ in 0..connections {
            let frame = |index| frames::with_fields(index, &fields);
            open.push(opened(&client, streams, frame).await);
        }
        open
    };
    let open = siege.attacked(what, attack).await;
    siege.goes_on(50).await;
    let (held, _) = siege.gate.process.memory();
    drop(open);
    // Two are the bystander's.
    siege.gate.process.metric_is("imagegate_connections", |connections| connections <= 2).await;
    let (kept, _) = siege.gate.process.memory();
    println!("{what}: {held} KiB held, {kept} KiB kept");
    (held, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_many_connections_do_not_take_have_a_bound_together() {
    let siege = Siege::start(POLICY, &[]).await;
    let client = siege.gate.client.clone();
    let attack = async move {
        let body = pod_review(&["evil.example/nginx"]);
        let mut deaf = Vec::new();
        for _ in 0..400 {
            let mut frames = Frames::open_with(&client, &frames::zero_window()).await;
            frames.send_all((0..32).map(|index| frames::request(index, &body))).await;
            deaf.push(frames);
        }
        deaf
    };
    let deaf = siege.attacked("answers that nobody takes", attack).await;
    siege.goes_on(50).await;
    let closed = deaf.iter().filter(|frames| frames.is_closed()).count();
    println!("{closed} of 400 connections that take no answer are closed");
    assert!(closed >= 100, "the bound holds some 5,000 answers, and 12,800 were given");
    let (_, cost) = siege.end("answers that nobody takes").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

/// Makes the frame of a number.
type Frame = fn(u32) -> Vec<u8>;

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_no_request_end_their_connection() {
    const FRAMES: u32 = 1_000_000;
    let rows: [(&str, Frame); 8] = [
        ("settings", frames::settings),
        ("ping", frames::ping),
        ("priority", frames::priority),
        ("window update", frames::window_update),
        ("empty data", frames::empty_data),
        ("data of one byte", frames::tiny_data),
        ("continuation", frames::continuation),
        ("rapid reset", frames::opened_and_reset),
    ];
    let siege = Siege::start(POLICY, &[]).await;
    for (what, frame) in rows {
        let client = siege.gate.client.clone();
        let attack = async move {
            let mut flood = Frames::open(&client).await;
            // Many to a TLS record, which is the cheapest for who sends them.
            let batch = |batch: u32| (batch * 100..(batch + 1) * 100).flat_map(frame).collect();
            let sent = flood.send_all((0..FRAMES / 100).map(batch)).await * 100;
            assert!(sent < FRAMES as usize, "{what} is never cut off");
            timeout(PATIENCE, flood.closed()).await.expect(what);
            sent
        };
        let sent = siege.attacked(what, attack).await;
        println!("{what}: cut off after {sent} frames, {} bytes", sent * frame(1).len());
    }
    siege.end("frames that are no request").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_one_byte_end_their_connection_on_both_ports() {
    let siege = Siege::start(POLICY, &[]).await;
    let chunks = b"1\r\n \r\n".repeat(1_000);
    let webhook = siege.gate.client.raw(Protocol::Http1).await.unwrap();
    let admin = TcpStream::connect(siege.gate.process.admin).await.unwrap();
    let start = head("transfer-encoding: chunked");
    let flood = async move {
        [
            ("webhook", flooded(webhook, start.as_bytes(), &chunks).await),
            ("admin", flooded(admin, start.as_bytes(), &chunks).await),
        ]
    };
    let sent = siege.attacked("chunks of one byte", flood).await;
    for (port, (sent, said)) in sent {
        println!("chunks of one byte on the {port} port: cut off after {sent} bytes");
        assert!(!said.starts_with("HTTP/1.1 408 "), "{port}: only the deadline ended it");
        // What was sent ahead waits in the buffers of the two sockets.
        assert!(sent < 16 << 20, "{port}: {sent} bytes");
    }
    siege.end("chunks of one byte").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_handshakes_at_once_do_not_hold_up_reviews() {
    allow_descriptors();
    // Time enough for a debug build on a busy machine: what is attacked here is the processor.
    let settings = [("handshake_seconds", "120"), ("max_connections", "2048")];
    let siege = Siege::start(POLICY, &settings).await;
    let client = siege.gate.client.clone();
    let attack = async move {
        let mut handshakes = JoinSet::new();
        for _ in 0..2_040 {
            let client = client.clone();
            handshakes.spawn(async move { client.raw(Protocol::Http2).await.is_ok() });
        }
        handshakes.join_all().await.into_iter().filter(|is_done| *is_done).count()
    };
    let done = siege.attacked("2,040 handshakes at once", attack).await;
    println!("{done} of 2,040 handshakes were finished");
    assert_eq!(done, 2_040);
    let (_, cost) = siege.end("2,040 handshakes at once").await;
    assert_eq!(cost.retried, 0, "nobody was told to come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_from_one_address_do_not_keep_others_out() {
    let siege = Siege::start(POLICY, &[("max_connections", "64")]).await;
    let listen = siege.gate.process.listen;
    let attack = async move {
        let mut held = Vec::new();
        for _ in 0..80 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            held.push(socket.connect(listen).await.unwrap());
        }
        held
    };
    let _held = siege.attacked("connections from one address", attack).await;
    for _ in 0..20 {
        let connection = siege.gate.client.connect(Protocol::Http1).await;
        let answer = connection.unwrap().review(&pod_review(&["docker.io/nginx:1.27"])).await;
        assert!(answer.unwrap().allowed());
    }
    siege.end("connections from one address").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_a_large_page_are_closed_for_those_who_read() {
    // Some 0.9 MB as a page, which fits into no buffer of a socket when it is asked for eight times.
    let names: Vec<String> =
        (0..20_000).map(|index| format!("registry-{index}.example.com/team/{index}")).collect();
    let policy = format!("mode: enforce\nallowedRegistries: [docker.io, {}]\n", names.join(", "));
    let siege = Siege::start(&policy, &[]).await;
    let admin = siege.gate.process.admin;
    let page = siege.gate.process.page("/policy").await.1.len();
    let attack = async move {
        let mut slow = Vec::new();
        for _ in 0..60 {
            let socket = TcpSocket::new_v4().unwrap();
            // Less room in the kernel, so that the page stays on the other side.
            socket.set_recv_buffer_size(4 << 10).unwrap();
            let mut stream = socket.connect(admin).await.unwrap();
            let request = b"GET /policy HTTP/1.1\r\nhost: localhost\r\n\r\n";
            stream.write_all(&request.repeat(8)).await.unwrap();
            slow.push(stream);
        }
        slow
    };
    let _slow = siege.attacked("slow readers of a large page", attack).await;
    for _ in 0..5 {
        assert_eq!(siege.gate.process.page("/policy").await.1.len(), page);
        assert_eq!(siege.gate.process.page("/metrics").await.0, StatusCode::OK);
    }
    let (_, cost) = siege.end(&format!("60 slow readers of a page of {page} bytes")).await;
    // 16 MiB of answers, and what rendering a page takes.
    assert!(cost.peak < cost.idle + (40 << 10), "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_kernel_holds_for_a_connection_is_bounded() {
    const CONNECTIONS: usize = 40;
    let names: Vec<String> = (0..20_000).map(|index| format!("r{index}.example.com")).collect();
    let policy = format!("mode: enforce\nallowedRegistries: [docker.io, {}]\n", names.join(", "));
    let siege = Siege::start(&policy, &[]).await;
    let admin = siege.gate.process.admin;
    let attack = async move {
        let mut deaf = Vec::new();
        for _ in 0..CONNECTIONS {
            let socket = TcpSocket::new_v4().unwrap();
            // Less room here, so that answers and further requests stay on the other side.
            socket.set_recv_buffer_size(4 << 10).unwrap();
            let mut stream = socket.connect(admin).await.unwrap();
            let request = b"GET /policy HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
            deaf.push(tokio::spawn(
                async move { while stream.write_all(&request).await.is_ok() {} },
            ));
        }
        deaf
    };
    let deaf = siege.attacked("requests whose answers are not read", attack).await;
    // Until nothing moves any more: what is not answered has filled both buffers.
    let (mut held, mut still) = (Vec::new(), 0);
    until("the buffers are full", async || {
        let now = siege.gate.process.kernel_buffers(admin.port());
        still = if now == held && now.iter().any(|(sent, _)| *sent > 0) { still + 1 } else { 0 };
        held = now;
        still == 5
    })
    .await;
    let (most_out, most_in) =
        held.iter().fold((0, 0), |most, each| (most.0.max(each.0), most.1.max(each.1)));
    let all: usize = held.iter().map(|(out, to)| out + to).sum();
    println!(
        "{} connections: {most_out} B to be sent, {most_in} B to be read, {all} B in all",
        held.len()
    );
    // What the server asks for, and as much again for the kernel's own use.
    assert!(most_out <= 128 << 10 && most_in <= 128 << 10, "{held:?}");
    deaf.iter().for_each(JoinHandle::abort);
    siege.end("requests whose answers are not read").await;
}

/// Writes `start`, and then `flood` until the server has had enough; how many bytes it took, and what
/// it said.
async fn flooded(
    stream: impl AsyncRead + AsyncWrite,
    start: &[u8],
    flood: &[u8],
) -> (usize, String) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(start).await.unwrap();
    let mut sent = 0;
    let mut said = Vec::new();
    {
        let mut flooding = pin!(async {
            while sent < 64 << 20 && writer.write_all(flood).await.is_ok() {
                sent += flood.len();
            }
        });
        let mut reading = pin!(reader.read_to_end(&mut said));
        // Whichever side notices first; a reset is an end, too.
        tokio::select! {
            () = &mut flooding => {}
            _ = &mut reading => {}
        }
    }
    (sent, String::from_utf8(said).unwrap())
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

/// As many descriptors as the system lets this process have.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
