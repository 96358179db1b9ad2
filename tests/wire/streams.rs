//! Followers of the decisions over real sockets: each gets all of them once, or is told what it missed.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::client::{self, pod, review_of};
use crate::support::process::Gate;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use imagegate::observed::LONGEST_FOLLOWED;
use imagegate::settings::Protocol;
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::time::timeout;

const POLICY: &str = "mode: enforce\n";
/// Streams at once.
const FOLLOWERS: usize = 16;
/// Longer than anything that is waited for here, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events, read as it is asked for.
struct Stream {
    response: Response<Incoming>,
    received: String,
}

/// What stands between two blank lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    id: String,
    data: String,
    comment: bool,
}

impl Stream {
    /// Asks for the decisions behind `last_id`, on a connection of its own.
    async fn open(operator: SocketAddr, last_id: Option<&str>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // So that what is not read soon stays with the server.
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let socket = TokioIo::new(socket.connect(operator).await.unwrap());
        let (mut sender, connection) = http1::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::get("/decisions?follow").header("host", "localhost");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(client::whole(b"")).unwrap();
        let response = sender.send_request(request).await.unwrap();
        Self { response, received: String::new() }
    }

    /// The same where there is a place, behind its first event.
    async fn following(operator: SocketAddr, last_id: Option<&str>) -> Self {
        let mut stream = Self::open(operator, last_id).await;
        assert_eq!(stream.response.status(), StatusCode::OK);
        assert_eq!(stream.response.headers()[CONTENT_TYPE], "text/event-stream");
        assert_eq!(stream.next().await.unwrap().name, "replica");
        stream
    }

    /// The next event; `None` at the end of the answer, which has to be a proper one.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.received.find("\n\n") {
                let event: String = self.received.drain(..end + 2).collect();
                return Some(Event::parse(event.trim_end()));
            }
            let frame = timeout(PATIENCE, self.response.body_mut().frame()).await;
            let data = frame.expect("nothing comes")?.expect("it broke off").into_data().unwrap();
            self.received.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event that is no sign of life.
    async fn decision(&mut self) -> Option<Event> {
        loop {
            match self.next().await {
                Some(Event { comment: true, .. }) => {}
                event => return event,
            }
        }
    }
}

impl Event {
    fn parse(text: &str) -> Self {
        let mut event = Self::default();
        for line in text.lines() {
            match line.split_once(':').unwrap() {
                ("", _) => event.comment = true,
                ("event", name) => name.clone_into(&mut event.name),
                ("id", id) => id.clone_into(&mut event.id),
                ("data", data) => data.clone_into(&mut event.data),
                _ => panic!("{line}"),
            }
        }
        event
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }

    /// The number of the decision in its process.
    fn number(&self) -> u64 {
        assert_eq!(self.name, "decision", "{self:?}");
        let (_, number) = self.id.split_once('-').unwrap();
        assert_eq!(self.json()["id"], number.parse::<u64>().unwrap());
        number.parse().unwrap()
    }
}

/// Has `count` Pods refused, each of which makes an event of two KiB.
async fn refuse(gate: &Gate, count: usize) {
    let long = "x".repeat(200);
    let mut review = review_of("CREATE", &pod(&[&format!("evil.example/{long}:1")]), &Value::Null);
    for field in ["uid", "name", "namespace"] {
        review["request"][field] = long.as_str().into();
    }
    review["request"]["userInfo"]["username"] = long.as_str().into();
    let review = review.to_string();
    let mut connection = gate.client.connect(Protocol::Http2).await.unwrap();
    for _ in 0..count {
        assert!(!connection.review(review.as_bytes()).await.unwrap().allowed());
    }
}

#[tokio::test]
async fn k1_a_stream_lives_through_silence_and_goes_on_where_it_stopped() {
    // Shorter than the signs of life are apart: none of these times is about an answer that is still
    // being made.
    let settings = [("header_seconds", "5"), ("body_seconds", "5"), ("idle_seconds", "5")];
    let gate = Gate::start(POLICY, &settings).await;
    let operator = gate.process.operator;
    refuse(&gate, 2).await;
    let mut stream = Stream::following(operator, None).await;
    let (first, second) = (stream.next().await.unwrap(), stream.next().await.unwrap());
    assert_eq!((first.number(), second.number()), (1, 2));
    assert_eq!(first.json()["rule"], "untrusted-registry");
    assert!(stream.next().await.unwrap().comment, "a sign of life");
    refuse(&gate, 1).await;
    assert_eq!(stream.decision().await.unwrap().number(), 3);

    let mut resumed = Stream::following(operator, Some(&first.id)).await;
    let numbers = [resumed.decision().await.unwrap(), resumed.decision().await.unwrap()];
    assert_eq!(numbers.map(|event| event.number()), [2, 3]);
    // Of a process that is gone: its numbers mean nothing here.
    let mut foreign = Stream::following(operator, Some("1-2")).await;
    assert_eq!(foreign.decision().await.unwrap().number(), 1);
}

#[tokio::test]
async fn k2_a_reader_that_falls_behind_is_told_what_it_missed_and_dropped_and_can_go_on() {
    let gate = Gate::start(POLICY, &[("header_seconds", "3600")]).await;
    let operator = gate.process.operator;
    let mut slow = Stream::following(operator, None).await;
    let mut prompt = Stream::following(operator, None).await;
    // What the sockets hold, and more than the stream may be behind.
    let count = LONGEST_FOLLOWED + 400;
    let reading = async {
        for expected in 1..=count as u64 {
            assert_eq!(prompt.decision().await.unwrap().number(), expected);
        }
    };
    tokio::join!(reading, refuse(&gate, count));

    let (mut last, mut missed) = (0, None);
    let mut last_id = String::new();
    while let Some(event) = slow.decision().await {
        assert_eq!(missed, None, "it goes on behind {missed:?}: {event:?}");
        if event.name == "missed" {
            missed = event.json()["missed"].as_u64();
        } else {
            assert_eq!(event.number(), last + 1, "none is left out unsaid");
            (last, last_id) = (event.number(), event.id);
        }
    }
    println!("K2: {last} of {count} read, then {missed:?} missed");
    let missed = missed.expect("it is told");
    assert!(missed > 0 && last + missed <= count as u64);

    // What is kept is had by asking again, and what is not kept any more is said.
    let mut resumed = Stream::following(operator, Some(&last_id)).await;
    let next = match resumed.decision().await.unwrap() {
        event if event.name == "missed" => {
            let missed = event.json()["missed"].as_u64().unwrap();
            assert_eq!(resumed.decision().await.unwrap().number(), last + missed + 1);
            last + missed + 2
        }
        event => event.number() + 1,
    };
    for expected in next..=count as u64 {
        assert_eq!(resumed.decision().await.unwrap().number(), expected);
    }
}

#[tokio::test]
async fn k3_streams_are_limited_in_number_and_one_that_ends_makes_room() {
    let gate = Gate::start(POLICY, &[]).await;
    let operator = gate.process.operator;
    let mut streams = Vec::new();
    for _ in 0..FOLLOWERS {
        streams.push(Stream::following(operator, None).await);
    }
    let refused = Stream::open(operator, None).await.response;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    let page = client::get(operator, "/decisions").await.unwrap();
    assert_eq!(page.status, StatusCode::OK, "a page is no stream");
    drop(streams.pop());
    crate::support::process::until("a place is free", async || {
        Stream::open(operator, None).await.response.status() == StatusCode::OK
    })
    .await;
    refuse(&gate, 1).await;
    for stream in &mut streams {
        assert_eq!(stream.decision().await.unwrap().number(), 1);
    }
}

#[tokio::test]
async fn k4_a_process_that_leaves_ends_its_streams_and_does_not_wait_for_them() {
    let gate = Gate::start(POLICY, &[("drain_delay_seconds", "0")]).await;
    let mut streams = Vec::new();
    for _ in 0..FOLLOWERS {
        streams.push(Stream::following(gate.process.operator, None).await);
    }
    refuse(&gate, 1).await;
    // One of them reads nothing more.
    let unread = streams.pop();
    for stream in &mut streams {
        assert_eq!(stream.decision().await.unwrap().number(), 1);
    }
    gate.process.signal(Signal::TERM);
    for stream in &mut streams {
        assert_eq!(stream.decision().await, None);
    }
    let ended = gate.process.ended().await;
    drop(unread);
    assert!(ended.status.success(), "{}", ended.log);
    assert!(ended.log.contains("stopped with no request in flight"), "{}", ended.log);
}
