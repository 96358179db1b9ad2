//! All attacks at once, from another address, against one gate under the manifests' memory limit.
//!
//! For three seconds, and until each attack has been made. `IMAGEGATE_TEST_SECONDS` makes it longer: CI
//! attacks for ten seconds, `make siege` for the minute that docs/reliability.md reports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::client::{Client, pod, pod_review, review_of};
use crate::support::frames;
use crate::support::process::until;
use crate::support::siege::Siege;
use crate::{siege_guards, siege_observed, siege_policy};
use http::StatusCode;
use imagegate::settings::Protocol;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const POLICY: &str = "mode: enforce\n";
/// Where the attacks come from: the bystander has another address, as API servers have.
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// What a gate may keep of an attack, in KiB above what it had before.
const KEPT: u64 = 20 << 10;

/// Bytes that are written on a new connection again and again.
struct Attack {
    name: &'static str,
    port: Port,
    bytes: Vec<u8>,
    /// How many do it at once.
    attackers: usize,
    /// How long each keeps its connection after it has written.
    holds: Duration,
}

#[derive(Clone, Copy)]
enum Port {
    Admin,
    /// Without a handshake.
    Bare,
    Webhook(Protocol),
}

#[tokio::test(flavor = "multi_thread")]
async fn all_attacks_at_once_cost_nobody_anything_and_leave_nothing_behind() {
    let seconds = std::env::var("IMAGEGATE_TEST_SECONDS").ok().map(|text| text.parse().unwrap());
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let siege = Siege::start(POLICY, &[]).await;
    // What a replica remembers it remembers for ever, so that it has it from the start.
    siege_observed::fill(&siege, siege_observed::MOST).await;
    let idle = siege.gate.process.memory().0;
    let (client, admin) = (siege.gate.client.from(ATTACKER), siege.gate.process.admin);
    let all = async move {
        let mut attackers = JoinSet::new();
        let mut made = Vec::new();
        for attack in attacks() {
            println!("{}: {} B by {}", attack.name, attack.bytes.len(), attack.attackers);
            let attack = Arc::new(attack);
            let times = Arc::new(AtomicUsize::new(0));
            made.push((attack.name, Arc::clone(&times)));
            for _ in 0..attack.attackers {
                let (attack, client) = (Arc::clone(&attack), client.clone());
                let times = Arc::clone(&times);
                attackers.spawn(async move {
                    loop {
                        // Whatever the gate does to the connection, another one follows.
                        let _ = timeout(Duration::from_secs(10), attack.once(&client, admin)).await;
                        times.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        sleep(Duration::from_secs(seconds.unwrap_or(3))).await;
        for (name, times) in &made {
            let made = async {
                while times.load(Ordering::Relaxed) == 0 {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            assert!(timeout(Duration::from_secs(30), made).await.is_ok(), "{name}: never made");
        }
        attackers.shutdown().await;
    };
    siege.attacked("all at once", all).await;
    siege.goes_on(50).await;
    let (gate, _) = siege.end("all at once").await;
    // The kubelet goes on asking, and so the allocator goes on being called.
    until("memory is given back", async || {
        assert_eq!(gate.process.page("/readyz").await.0, StatusCode::OK);
        gate.process.memory().0 <= idle + KEPT
    })
    .await;
    println!("{} KiB idle, {} KiB kept", idle, gate.process.memory().0);
    assert_eq!(gate.process.metric("imagegate_panics_total").await, 0);
}

/// One for each resource: memory by way of bodies, headers, streams, policies and answers; CPU by way
/// of reviews, edits, frames and handshakes; slots, connections, descriptors and the log.
fn attacks() -> Vec<Attack> {
    let long = Duration::from_secs(2);
    let at_once = Duration::ZERO;
    let (http1, http2) = (Port::Webhook(Protocol::Http1), Port::Webhook(Protocol::Http2));
    let attack =
        |name, port, bytes, attackers, holds| Attack { name, port, bytes, attackers, holds };
    let fields = frames::fields(56, 120);
    let expensive = siege_guards::policy_edit(&siege_guards::expensive());
    vec![
        attack("silence", Port::Bare, Vec::new(), 200, long),
        attack("garbage", Port::Bare, vec![0xff; 4096], 4, at_once),
        attack("handshakes", http2, Vec::new(), 16, at_once),
        attack("no path", http1, b"POST evil:443 HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(), 4, at_once),
        attack("announced bodies", http1, post("/validate", 8 << 20, b""), 60, long),
        attack("half a body", http1, post("/validate", 8 << 20, &vec![b' '; 4 << 20]), 6, long),
        attack("containers", http1, posted("/validate", &containers()), 3, at_once),
        attack(
            "denials",
            http1,
            posted("/validate", &pod_review(&["evil"; 20])).repeat(50),
            4,
            at_once,
        ),
        attack(
            "alias bomb",
            http1,
            edit(&siege_policy::edit(&siege_policy::alias_bomb())),
            2,
            at_once,
        ),
        attack(
            "regexes",
            http1,
            edit(&siege_policy::edit(&siege_policy::aliased_regexes())),
            2,
            at_once,
        ),
        attack("more regexes", http1, edit(&expensive), 2, at_once),
        attack("edits that deny", http1, edit(&siege_observed::edit_that_denies()), 4, long),
        attack("streams", http2, flood(256, |index| frames::with_fields(index, &fields)), 60, long),
        attack("resets", http2, flood(20_000, frames::opened_and_reset), 2, at_once),
        attack("settings", http2, flood(20_000, frames::settings), 2, at_once),
        attack("pings", http2, flood(20_000, frames::ping), 2, at_once),
        attack("continuations", http2, flood(2_000, frames::continuation), 2, at_once),
        attack(
            "pages",
            Port::Admin,
            b"GET /policy HTTP/1.1\r\nhost: a\r\n\r\n".repeat(50),
            40,
            long,
        ),
    ]
}

impl Attack {
    async fn once(&self, client: &Client, admin: SocketAddr) -> io::Result<()> {
        match self.port {
            Port::Admin => self.write(bare(admin).await?).await,
            Port::Bare => self.write(bare(client.address).await?).await,
            Port::Webhook(protocol) => self.write(client.raw(protocol).await?).await,
        }
        Ok(())
    }

    /// Writes until the other side has had enough, and reads what it says.
    async fn write(&self, stream: impl AsyncRead + AsyncWrite) {
        let (mut reader, mut writer) = split(stream);
        let mut said = vec![0; 64 << 10];
        let reading = async { while reader.read(&mut said).await.is_ok_and(|read| read > 0) {} };
        let writing = async {
            let _ = writer.write_all(&self.bytes).await;
            let _ = writer.flush().await;
            sleep(self.holds).await;
        };
        tokio::select! {
            () = reading => {}
            () = writing => {}
        }
    }
}

async fn bare(address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((ATTACKER, 0).into())?;
    socket.connect(address).await
}

/// A request whose body has so many bytes by its head.
fn post(path: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn posted(path: &str, body: &[u8]) -> Vec<u8> {
    post(path, body.len(), body)
}

fn edit(body: &[u8]) -> Vec<u8> {
    posted("/validate-config", body)
}

/// A review of 8 MiB of empty containers.
fn containers() -> Vec<u8> {
    let mut object = pod(&[]);
    object["spec"]["containers"] = json!("CONTAINERS");
    let review = review_of("CREATE", &object, &Value::Null).to_string();
    let count = ((8 << 20) - review.len()) / 3;
    review.replace("\"CONTAINERS\"", &format!("[{}]", vec!["{}"; count].join(","))).into_bytes()
}

/// A connection's first bytes, and so many frames.
fn flood(count: u32, frame: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let start = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frames::settings(0)].concat();
    start.into_iter().chain((0..count).flat_map(frame)).collect()
}
