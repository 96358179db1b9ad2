//! Connections of the browser, and their limits.
//!
//! Plain HTTP/1.1 on loopback. Whoever connects and says nothing, or never ends, costs one of few places for
//! a bounded time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::answer::{Answered, Console};

/// Connections at a time; a browser opens six. More of them wait.
const MOST_CONNECTIONS: usize = 32;
/// Bytes of the head of a request, and its headers.
const LARGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// The time for the head of a request, the wait for it included.
const HEAD: Duration = Duration::from_secs(10);
/// The time for a connection, whatever it does, and for the answer that is on its way then. The browser opens
/// another one.
const LONGEST: Duration = Duration::from_mins(5);
const LAST_ANSWER: Duration = Duration::from_mins(2);
/// The wait after a connection that could not be taken, such as for want of file descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Serves the page until nobody looks at it any more.
#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
    console: Arc<Console>,
    idle: Arc<Idle>,
}

/// When somebody looked last.
#[derive(Debug)]
struct Idle {
    last: Mutex<Instant>,
    limit: Duration,
}

impl Server {
    /// `idle` is the time without an admitted request after which it ends.
    pub(super) fn new(listener: TcpListener, console: Arc<Console>, idle: Duration) -> Self {
        Self { listener, console, idle: Arc::new(Idle::new(idle)) }
    }

    /// Serves until nobody looks.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.idle.end() => {}
            () = self.accept() => {}
        }
    }

    async fn accept(&self) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            };
            let (console, idle) = (Arc::clone(&self.console), Arc::clone(&self.idle));
            tokio::spawn(async move {
                let _place = place;
                // What ends a connection early is the browser's own affair.
                let _ = serve(stream, console, idle).await;
            });
        }
    }
}

async fn serve(stream: TcpStream, console: Arc<Console>, idle: Arc<Idle>) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let (console, idle) = (Arc::clone(&console), Arc::clone(&idle));
        async move {
            let (head, body) = request.into_parts();
            let Answered { response, is_admitted } = console.answer(&head, body).await;
            if is_admitted {
                idle.look(Instant::now());
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut limits = http1::Builder::new();
    limits.timer(TokioTimer::new()).header_read_timeout(HEAD);
    limits.max_buf_size(LARGEST_HEAD).max_headers(MOST_HEADERS);
    let mut connection = pin!(limits.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = tokio::time::sleep(LONGEST) => connection.as_mut().graceful_shutdown(),
    }
    tokio::time::timeout(LAST_ANSWER, connection).await.unwrap_or(Ok(()))
}

impl Idle {
    fn new(limit: Duration) -> Self {
        Self { last: Mutex::new(Instant::now()), limit }
    }

    fn look(&self, now: Instant) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The time until nobody has looked for long enough; `None` once it is over.
    fn left(&self, now: Instant) -> Option<Duration> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let left = (last + self.limit).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    async fn end(&self) {
        while let Some(left) = self.left(Instant::now()) {
            tokio::time::sleep(left).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use clap::Parser as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::{Idle, LARGEST_HEAD, MOST_CONNECTIONS, Server};
    use crate::cluster::Cluster;
    use crate::connection::Connection;
    use crate::console::access::Access;
    use crate::console::answer::{Console, LARGEST_BODY};
    use crate::console::assets;

    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        connection: Connection,
    }

    struct Served {
        at: SocketAddr,
        printed: String,
        token: String,
        console: Arc<Console>,
        task: tokio::task::JoinHandle<()>,
    }

    async fn served(idle: Duration) -> Served {
        served_as(idle, false).await
    }

    async fn served_as(idle: Duration, is_read_only: bool) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let access = Access::new(at.port()).unwrap();
        let (printed, token) = (access.printed_address(), access.token().to_owned());
        let Flags { connection } =
            Flags::try_parse_from(["test", "--endpoint", "http://127.0.0.1:1"]).unwrap();
        let console = Console::new(Cluster::none().unwrap(), connection, access, is_read_only);
        let console = Arc::new(console);
        let server = Server::new(listener, Arc::clone(&console), idle);
        Served { at, printed, token, console, task: tokio::spawn(server.run()) }
    }

    /// Sends bytes as they are, and reads until the server closes.
    async fn exchange(at: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(at).await.unwrap();
        // The server may close before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn get(at: SocketAddr, target: &str, headers: &str) -> String {
        let head = format!("GET {target} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
        exchange(at, &format!("{head}{headers}\r\n")).await
    }

    /// What the page sends with each POST.
    async fn page_headers(at: SocketAddr, printed: &str, token: &str) -> String {
        let entered = get(at, printed.strip_prefix(&format!("http://{at}")).unwrap(), "").await;
        let cookie = entered.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        format!(
            "cookie: {cookie}\r\norigin: http://{at}\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/json\r\nx-console-token: {token}\r\n"
        )
    }

    async fn post(at: SocketAddr, target: &str, headers: &str, body: &str) -> String {
        let head = format!("POST {target} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
        let length = body.len();
        exchange(at, &format!("{head}content-length: {length}\r\n{headers}\r\n{body}")).await
    }

    fn status(answer: &str) -> &str {
        answer.split(' ').nth(1).unwrap_or_default()
    }

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_browser_enters_by_the_printed_address_and_is_known_from_then_on() {
        let Served { at, printed, .. } = served(LONG).await;
        let target = printed.strip_prefix(&format!("http://{at}")).unwrap();
        let entered = get(at, target, "sec-fetch-site: none\r\n").await;
        assert_eq!(status(&entered), "303", "{entered}");
        assert!(entered.contains("\r\nlocation: /\r\n"), "{entered}");
        let cookie = entered.split("set-cookie: ").nth(1).unwrap();
        let cookie = cookie.split("\r\n").next().unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        let known = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
        for (target, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/app.js", "text/javascript; charset=utf-8"),
            ("/app.css", "text/css; charset=utf-8"),
            ("/favicon.svg", "image/svg+xml"),
            ("/api/now", "application/json"),
            ("/api/decisions", "application/json"),
        ] {
            let page = get(at, target, &known).await;
            assert_eq!(status(&page), "200", "{target}: {page}");
            assert!(page.contains(&format!("\r\ncontent-type: {kind}\r\n")), "{target}: {page}");
        }
        assert_eq!(status(&get(at, "/api/none", &known).await), "404");
        assert_eq!(status(&get(at, "/../Cargo.toml", &known).await), "404");
        assert_eq!(status(&get(at, "/api/explain", &known).await), "400");
        let rebound = "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n";
        assert_eq!(status(&exchange(at, &format!("{rebound}{known}\r\n")).await), "403");
        let foreign = format!("{known}origin: http://evil.example\r\n");
        assert_eq!(status(&get(at, "/api/now", &foreign).await), "403");
        assert_eq!(status(&get(at, "/", "").await), "403");
        let post = format!(
            "POST / HTTP/1.1\r\nhost: {at}\r\ncontent-length: 0\r\nconnection: close\r\n{known}\r\n"
        );
        let refused = exchange(at, &post).await;
        assert_eq!(status(&refused), "405");
        assert!(refused.contains("\r\nallow: GET\r\n"), "{refused}");
    }

    #[tokio::test]
    async fn every_answer_keeps_other_sites_out_and_is_kept_nowhere() {
        let Served { at, printed, .. } = served(LONG).await;
        let entered = get(at, printed.strip_prefix(&format!("http://{at}")).unwrap(), "").await;
        let cookie = entered.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let known = format!("cookie: {cookie}\r\n");
        for answer in [entered.clone(), get(at, "/", &known).await, get(at, "/", "").await] {
            for line in [
                "cache-control: no-store",
                "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
                "cross-origin-opener-policy: same-origin",
                "cross-origin-resource-policy: same-origin",
                "referrer-policy: no-referrer",
                "x-content-type-options: nosniff",
                "x-frame-options: DENY",
            ] {
                assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line}: {answer}");
            }
            assert!(!answer.to_lowercase().contains("access-control-"), "{answer}");
            assert!(!answer.contains("unsafe-"), "{answer}");
        }
    }

    #[tokio::test]
    async fn the_playground_has_policies_of_its_own_and_is_kept_like_the_rest() {
        let Served { at, printed, .. } = served(LONG).await;
        let entered = get(at, printed.strip_prefix(&format!("http://{at}")).unwrap(), "").await;
        let cookie = entered.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let known = format!("cookie: {cookie}\r\n");
        for target in ["/playground/", "/playground/worker.js", "/playground/editor.js"] {
            assert_eq!(status(&get(at, target, "").await), "403", "{target}");
            let page = get(at, target, &known).await;
            assert_eq!(status(&page), "200", "{target}");
            let policies = page.matches("\r\ncontent-security-policy: ").count();
            let policy = assets::at(target).unwrap().content_policy;
            let line = format!("\r\ncontent-security-policy: {policy}\r\n");
            assert!(policies == 1 && page.contains(&line), "{target}: {policy}");
            assert!(page.contains("\r\ncache-control: no-store\r\n"), "{target}");
        }
        let moved = get(at, "/playground?console", &known).await;
        assert_eq!(status(&moved), "303");
        assert!(moved.contains("\r\nlocation: /playground/\r\n"), "{moved}");
    }

    const CHECK: &str = "/api/policy/check";
    const APPLY: &str = "/api/policy/apply";
    const WANTED: &str =
        r#"{"wanted":{"policy":"{}"},"resourceVersion":"1","confirms":"a/-","confirm":null}"#;

    #[tokio::test]
    async fn what_is_posted_is_from_the_page_and_makes_sense() {
        let Served { at, printed, token, .. } = served(LONG).await;
        let page = page_headers(at, &printed, &token).await;
        let without = |name: &str| {
            let lines = page.split_inclusive("\r\n").filter(|line| !line.starts_with(name));
            lines.collect::<String>()
        };
        for (headers, expected) in [
            (without("cookie"), "403"),
            (without("origin"), "403"),
            (page.replace("origin: http://127", "origin: http://128"), "403"),
            (page.replace("same-origin", "same-site"), "403"),
            (without("x-console-token"), "403"),
            (page.replace(&token, "AAAA"), "403"),
            (without("content-type"), "415"),
            (page.replace("application/json", "text/plain"), "415"),
        ] {
            for target in [CHECK, APPLY, "/api/policy/exemption"] {
                let answer = post(at, target, &headers, WANTED).await;
                assert_eq!(status(&answer), expected, "{target} {headers}: {answer}");
            }
        }
        assert_eq!(status(&post(at, "/api/now", &page, "{}").await), "405");
        assert_eq!(status(&get(at, APPLY, &page).await), "405");
        for body in ["", "{", "[]", r#"{"wanted":"everything"}"#] {
            assert_eq!(status(&post(at, CHECK, &page, body).await), "400", "{body}");
        }
        // Nobody answers at this endpoint.
        let unreached = post(at, CHECK, &page, r#"{"wanted":{"policy":"{}"}}"#).await;
        assert_eq!(status(&unreached), "503");
        assert!(unreached.contains("no replica says which policy"), "{unreached}");
    }

    #[tokio::test]
    async fn what_is_posted_is_bounded() {
        let Served { at, printed, token, .. } = served(LONG).await;
        let page = page_headers(at, &printed, &token).await;
        let large = "x".repeat(LARGEST_BODY + 1);
        let answer = post(at, CHECK, &page, &large).await;
        assert_eq!(status(&answer), "413", "{answer}");
        // Piece by piece, without saying how much it will be.
        let head = format!("POST {CHECK} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
        let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
        let sent = format!("{head}transfer-encoding: chunked\r\n{page}\r\n{chunk}");
        assert_eq!(status(&exchange(at, &sent).await), "413");
        // Who may not post has nothing read of it.
        let answer = post(at, CHECK, "", &"x".repeat(1024)).await;
        assert_eq!(status(&answer), "403");
    }

    #[tokio::test]
    async fn nothing_is_put_in_force_where_that_is_not_wanted_or_not_possible() {
        for (is_read_only, why) in [(true, "--read-only"), (false, "no cluster to write to")] {
            let Served { at, printed, token, .. } = served_as(LONG, is_read_only).await;
            let page = page_headers(at, &printed, &token).await;
            let answer = post(at, APPLY, &page, WANTED).await;
            assert_eq!(status(&answer), "405", "{answer}");
            assert!(answer.contains(why) && answer.contains(r#""reason":"locked""#), "{answer}");
            let known = page.split_inclusive("\r\n").next().unwrap();
            let now = get(at, "/api/now", known).await;
            assert!(now.contains(&format!("\"readOnly\":{is_read_only}")), "{now}");
        }
    }

    #[tokio::test]
    async fn a_head_is_bounded() {
        let Served { at, .. } = served(LONG).await;
        let long = format!("x-long: {}\r\n", "x".repeat(LARGEST_HEAD));
        assert_eq!(status(&get(at, "/", &long).await), "431");
        let many = "x-short: y\r\n".repeat(100);
        assert_eq!(status(&get(at, "/", &many).await), "431");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_for_a_place() {
        let Served { at, .. } = served(LONG).await;
        let mut silent = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            silent.push(TcpStream::connect(at).await.unwrap());
        }
        let waiting = tokio::spawn(async move { get(at, "/", "").await });
        // Each of the silent ones has its place, so this one is answered once one of them leaves.
        let is_answered = tokio::time::timeout(Duration::from_millis(200), async {
            while !waiting.is_finished() {
                tokio::task::yield_now().await;
            }
        });
        assert!(is_answered.await.is_err());
        drop(silent.pop());
        assert_eq!(status(&waiting.await.unwrap()), "403");
    }

    #[tokio::test]
    async fn it_ends_when_nobody_looks() {
        let Served { task, console, .. } = served(Duration::from_millis(1)).await;
        task.await.unwrap();
        drop(console);
    }

    #[test]
    fn whoever_looks_puts_the_end_off() {
        let start = Instant::now();
        let hours = |hours| start + Duration::from_hours(hours);
        let idle = Idle::new(Duration::from_hours(8));
        idle.look(start);
        assert_eq!(idle.left(hours(3)), Some(Duration::from_hours(5)));
        idle.look(hours(3));
        assert_eq!(idle.left(hours(8)), Some(Duration::from_hours(3)));
        assert_eq!(idle.left(hours(11)), None);
        assert_eq!(idle.left(hours(12)), None);
    }
}
