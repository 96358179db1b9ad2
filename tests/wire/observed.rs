//! Group J over real sockets: what is seen from outside stays true, bounded and legible.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crate::support::client::{self, PROTOCOLS, pod, pod_review, review_of};
use crate::support::load::Load;
use crate::support::process::{Gate, Start, until};
use crate::support::skip::{Need, skip};
use crate::support::volume::Volume;
use http::StatusCode;
use imagegate::settings::Protocol;
use imagegate_core::policy::is_printable;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const POLICY: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";
const BAD: &str = "evil.example/nginx:1";
const DENIED: &str =
    "imagegate_admission_decisions_total{decision=\"deny\",mode=\"enforce\",operation=\"CREATE\"}";

/// The series of a page, without their values.
fn series(page: &str) -> BTreeSet<String> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn j1_the_metrics_are_well_formed_and_all_there_from_the_first_scrape() {
    let gate = Gate::start(POLICY, &[]).await;
    let (status, page) = gate.process.page("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let names: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for name in [
        "imagegate_admission_decisions_total",
        "imagegate_violations_total",
        "imagegate_admission_duration_seconds",
        "imagegate_admission_errors_total",
        "imagegate_exempted_total",
        "imagegate_candidate_flips_total",
        "imagegate_policy_reloads_total",
        "imagegate_policy_last_reload_successful",
        "imagegate_policy_last_reload_success_timestamp_seconds",
        "imagegate_policy_info",
        "imagegate_policy_generation",
        "imagegate_tls_reloads_total",
        "imagegate_tls_certificate_not_after_timestamp_seconds",
        "imagegate_tls_handshake_errors_total",
        "imagegate_connections",
        "imagegate_requests_in_flight",
        "imagegate_requests_shed_total",
        "imagegate_panics_total",
        "imagegate_build_info",
        "process_open_fds",
        "process_resident_memory_bytes",
    ] {
        assert!(names.contains(name), "no {name} in\n{page}");
    }
    let hash = gate.process.policy().await["hash"].as_str().unwrap().to_owned();
    assert_eq!(gate.process.metric(&format!("imagegate_policy_info{{hash=\"{hash}\"}}")).await, 1);

    let Ok(mut promtool) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return skip("j1_the_metrics_are_well_formed: its last part", Need::Promtool);
    };
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("J1: promtool finds nothing in {} series", series(&page).len());
}

#[tokio::test]
async fn j2_ten_thousand_images_namespaces_and_users_add_no_series() {
    const PODS: usize = 200;
    const IMAGES: usize = 50;
    let gate = Gate::start(POLICY, &[]).await;
    let before = series(&gate.process.page("/metrics").await.1);
    let mut connection = gate.client.connect(Protocol::Http2).await.unwrap();
    for index in 0..PODS {
        let images: Vec<String> = (0..IMAGES)
            .map(|image| format!("registry{image}.example/team{index}/app:{index}.{image}"))
            .collect();
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        let mut review = review_of("CREATE", &pod(&images), &Value::Null);
        review["request"]["namespace"] = format!("namespace-{index}").into();
        review["request"]["userInfo"]["username"] = format!("user-{index}").into();
        review["request"]["uid"] = format!("uid-{index}").into();
        assert!(!connection.review(review.to_string().as_bytes()).await.unwrap().allowed());
    }
    let page = gate.process.page("/metrics").await.1;
    let after = series(&page);
    println!("J2: {} series before and {} after {}", before.len(), after.len(), PODS * IMAGES);
    assert_eq!(before, after);
    assert!(!page.contains("example") && !page.contains("namespace-") && !page.contains("user-"));
    let untrusted = "imagegate_violations_total{mode=\"enforce\",rule=\"untrusted-registry\"}";
    let counted = gate.process.metric(untrusted).await;
    assert_eq!(counted, (PODS * IMAGES));
}

/// A review whose every text wants to be a line of the log.
fn forged() -> Vec<u8> {
    let forged =
        "x\n{\"level\":\"INFO\",\"message\":\"forged\"}\r\n\u{1b}[31m\"\u{2028}\u{202e}\u{0}\u{7f}";
    let mut review = review_of("CREATE", &pod(&[forged]), &Value::Null);
    let request = &mut review["request"];
    for field in ["uid", "name", "namespace"] {
        request[field] = forged.into();
    }
    request["userInfo"]["username"] = forged.into();
    request["kind"]["version"] = forged.into();
    request["object"]["spec"]["containers"][0]["name"] = forged.into();
    review.to_string().into_bytes()
}

#[tokio::test]
async fn j3_no_text_of_a_request_forges_a_line_of_the_log() {
    let gate = Gate::start(POLICY, &[]).await;
    let before = gate.process.log().len();
    assert!(!gate.client.review(Protocol::Http1, &forged()).await.unwrap().allowed());
    gate.process.logged("denied").await;
    assert!(!gate.client.review(Protocol::Http1, &pod_review(&[BAD])).await.unwrap().allowed());
    until("both denials", async || gate.process.log().len() == before + 2).await;
    for line in gate.process.log() {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_ne!(event["message"], "forged");
        assert!(line.chars().all(is_printable), "{line:?}");
    }

    let (pair, volume) = (TempDir::new().unwrap(), Volume::with_policy(POLICY));
    let (cert, key) = gate.authority.issue().write(pair.path());
    let start = Start::new().policy(&volume.path()).pair(&cert, &key);
    let process = start.serve_with_text().await;
    let before = process.log().len();
    let client = gate.client.at(process.listen);
    for body in [forged(), pod_review(&[BAD])] {
        assert!(!client.review(Protocol::Http1, &body).await.unwrap().allowed());
    }
    until("both denials", async || process.log().len() == before + 2).await;
    for line in process.log().drain(before..) {
        assert!(line.contains("INFO denied"), "{line:?}");
        assert!(line.chars().all(is_printable), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j3_a_flood_of_denials_is_counted_and_its_log_is_bounded() {
    let gate = Gate::start(POLICY, &[]).await;
    let started = Instant::now();
    let load = Load::start(&gate.client, Protocol::Http2, 8, &pod_review(&[BAD]));
    load.more(1_000).await;
    let tally = load.stop().await;
    assert_eq!(tally.failures, Vec::<String>::new());
    let denied = tally.verdicts();
    assert_eq!(gate.process.metric(DENIED).await, denied);
    let suppressed = gate.process.metric("imagegate_log_lines_suppressed_total").await;
    let lines = || gate.process.log().iter().filter(|line| line.contains("\"denied\"")).count();
    until("what is not suppressed is logged", async || lines() == denied - suppressed).await;
    // A second has a hundred lines; the run may begin and end within one.
    let most = (started.elapsed().as_secs() + 2) * 100;
    println!("J3: {denied} denials in {:?}, {} lines", started.elapsed(), lines());
    assert!(lines() as u64 <= most, "{} lines, at most {most}", lines());
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "who waits for it is a thread, which shall wait")]
async fn j3_a_log_that_nobody_reads_holds_up_no_request_and_says_what_it_lost() {
    const DROPPED: &str = "log lines were dropped: whatever reads this log is too slow";
    let gate = Gate::start(POLICY, &[("max_log_lines_per_second", "1000000")]).await;
    // More than the pipe holds, with the MiB that waits.
    let long = "x".repeat(256);
    let mut review = review_of("CREATE", &pod(&[BAD]), &Value::Null);
    review["request"]["uid"] = long.as_str().into();
    review["request"]["namespace"] = long.as_str().into();
    review["request"]["userInfo"]["username"] = long.as_str().into();
    let review = review.to_string();
    let mut connection = gate.client.connect(Protocol::Http2).await.unwrap();
    let unread = gate.process.unread();
    for _ in 0..1_500 {
        assert!(!connection.review(review.as_bytes()).await.unwrap().allowed());
    }
    drop(unread);
    gate.process.logged(DROPPED).await;
    let events = || {
        let lines = gate.process.log().into_iter();
        lines.map(|line| serde_json::from_str::<Value>(&line).unwrap()).collect::<Vec<_>>()
    };
    let written =
        |events: &[Value]| events.iter().filter(|each| each["message"] == "denied").count();
    // A report counts from the start, and those before it that were dropped themselves.
    let dropped = |events: &[Value]| {
        let reports = events.iter().filter(|each| each["message"] == DROPPED);
        reports.map(|each| each["lines"].as_u64().unwrap()).max().unwrap_or_default()
    };
    until("every line is written or reported as dropped", async || {
        let events = events();
        written(&events) as u64 + dropped(&events) >= 1_500
    })
    .await;
    let dropped = dropped(&events());
    println!("J3: {dropped} of 1,500 lines dropped");
    assert!(dropped < 1_500, "{dropped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j4_slow_and_many_scrapers_hinder_no_review() {
    let gate = Gate::start(POLICY, &[("header_seconds", "1")]).await;
    let base = gate.process.descriptors();
    let mut slow = Vec::new();
    // Asks for the page again and again and never reads it.
    for _ in 0..20 {
        let mut stream = TcpStream::connect(gate.process.admin).await.unwrap();
        let asked = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50);
        let _ = stream.try_write(&asked);
        stream.flush().await.unwrap();
        slow.push(stream);
    }
    let (pages, reviewed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut scrapers = JoinSet::new();
    for _ in 0..100 {
        let (admin, pages) = (gate.process.admin, Arc::clone(&pages));
        let reviewed = Arc::clone(&reviewed);
        scrapers.spawn(async move {
            while !reviewed.load(Ordering::Relaxed) {
                // Some are turned away.
                if client::get(admin, "/metrics").await.is_ok() {
                    pages.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let pages = || pages.load(Ordering::Relaxed);
    until("the scrapers are at work", async || pages() >= 100).await;
    let (body, start) = (pod_review(&[GOOD]), pages());
    for protocol in PROTOCOLS {
        let mut connection = gate.client.connect(protocol).await.unwrap();
        for _ in 0..100 {
            assert!(connection.review(&body).await.unwrap().allowed());
        }
    }
    let beside = pages() - start;
    println!("J4: {beside} pages beside 200 reviews");
    // A page at a time takes one of two processors at most; all at once they took both, and there
    // were 45 pages to a review.
    assert!((1..200 * 16).contains(&beside), "{beside} pages beside 200 reviews");
    reviewed.store(true, Ordering::Relaxed);
    scrapers.join_all().await;
    drop(slow);
    gate.process.descriptors_return_to(base).await;
    assert_eq!(gate.process.page("/healthz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn j4_whoever_holds_the_admin_port_s_places_does_not_keep_a_probe_out() {
    let gate = Gate::start(POLICY, &[("max_admin_connections", "4")]).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(TcpStream::connect(gate.process.admin).await.unwrap());
        assert_eq!(gate.process.page("/healthz").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn j4_the_admin_port_serves_pages_and_no_verdict() {
    let gate = Gate::start(POLICY, &[]).await;
    for path in ["/", "/validate", "/debug", "/policy/x"] {
        let answer = client::get(gate.process.admin, path).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json()["error"], "there is nothing at this path", "{path}");
    }
    let mut connection = gate.client.connect(Protocol::Http1).await.unwrap();
    for path in ["/metrics", "/healthz", "/readyz", "/policy"] {
        let request = connection.request(http::Method::GET, path, client::whole(b""));
        let answer = connection.send(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}
