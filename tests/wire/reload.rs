//! Group D over real sockets: the policy and the key pair change while requests are answered.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::authority::{Authority, Pair};
use crate::support::client::{Client, PROTOCOLS, pod_review};
use crate::support::load::Load;
use crate::support::process::{Gate, Process, Start, until};
use crate::support::skip::{Need, grants};
use crate::support::volume::Volume;
use bytes::Bytes;
use http::StatusCode;
use imagegate::settings::Protocol;
use notify::event::AccessKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::interval;

const QUAY: &str = "allowedRegistries: [quay.io]\n";
const GHCR: &str = "allowedRegistries: [ghcr.io]\n";
const SUCCESSES: &str = "imagegate_policy_reloads_total{result=\"success\"}";
const FAILURES: &str = "imagegate_policy_reloads_total{result=\"failure\"}";
const LAST: &str = "imagegate_policy_last_reload_successful";
const GENERATION: &str = "imagegate_policy_generation";

async fn allows(client: &Client, image: &str) -> bool {
    client.review(Protocol::Http1, &pod_review(&[image])).await.unwrap().allowed()
}

/// Waits until QUAY (or GHCR) is in force, by its verdicts.
async fn in_force(client: &Client, policy: &str) {
    until("the verdict flips", async || allows(client, "quay.io/app:1").await == (policy == QUAY))
        .await;
    assert_eq!(allows(client, "ghcr.io/app:1").await, policy == GHCR);
}

/// Counts how often a file is opened.
struct Reads {
    count: Arc<AtomicUsize>,
    _watcher: RecommendedWatcher,
}

impl Reads {
    fn of(file: &Path) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_open = matches!(event.unwrap().kind, EventKind::Access(AccessKind::Open(_)));
            seen.fetch_add(usize::from(is_open), Ordering::Relaxed);
        });
        watcher.as_mut().unwrap().watch(file, RecursiveMode::NonRecursive).unwrap();
        Self { count, _watcher: watcher.unwrap() }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// How long a test with a duration runs.
fn duration() -> Duration {
    let seconds = std::env::var("IMAGEGATE_TEST_SECONDS").ok().map(|text| text.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(5))
}

#[tokio::test]
async fn d1_d2_each_edit_flips_the_verdict_and_is_applied_once() {
    let mut gate = Gate::start(QUAY, &[]).await;
    let mut latencies = Vec::new();
    for edit in 0..20 {
        let policy = if edit % 2 == 0 { GHCR } else { QUAY };
        gate.volume.write(&[("policy.yaml", policy)]);
        let started = Instant::now();
        in_force(&gate.client, policy).await;
        latencies.push(started.elapsed());
    }
    assert_eq!(gate.process.metric(SUCCESSES).await, 21);
    assert_eq!(gate.process.metric(GENERATION).await, 21);
    latencies.sort_unstable();
    println!("D1: edit to verdict: median {:?}, slowest {:?}", latencies[10], latencies[19]);
}

#[tokio::test]
async fn d3_d4_a_bad_edit_changes_no_verdict_until_a_good_one() {
    let mut gate = Gate::start(QUAY, &[]).await;
    let large = vec![b'#'; 5 << 20];
    let bad: [&[u8]; 6] = [
        b"allowedRegistries: [ghcr.io]\nmode: strict\n",
        b"allowed: [ghcr.io]\n",
        b"allowedRegistries: [ghcr.io]\nblockedTags: ['/(/']\n",
        b"allowedRegistries: [ghcr.io, \xff]\n",
        b"",
        &large,
    ];
    for (before, bytes) in bad.iter().enumerate() {
        gate.volume.write_bytes(&[("policy.yaml", bytes)]);
        gate.process.metric_is(FAILURES, |failures| failures == (before + 1)).await;
        in_force(&gate.client, QUAY).await;
        assert_eq!(gate.process.metric(LAST).await, 0);
        assert_eq!(gate.process.page("/readyz").await.0, StatusCode::OK);
        assert_ne!(gate.process.policy().await["problems"], serde_json::json!([]));
    }
    let said = gate.process.log();
    let with = |text: &str| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with("the policy is not valid and was not applied"), bad.len(), "{said:#?}");
    assert_eq!(with("a problem of the policy"), bad.len(), "each has one: {said:#?}");

    gate.volume.write(&[("policy.yaml", QUAY)]);
    gate.process.metric_is(LAST, |last| last == 1).await;
    assert_eq!(gate.process.metric(GENERATION).await, 1, "nothing was applied again");
    gate.volume.write_bytes(&[("policy.yaml", bad[0])]);
    gate.process.metric_is(LAST, |last| last == 0).await;
    gate.volume.write(&[("policy.yaml", GHCR)]);
    in_force(&gate.client, GHCR).await;
    assert_eq!(gate.process.metric(LAST).await, 1);
}

#[tokio::test]
async fn d5_a_directory_that_goes_and_comes_back_is_found_again() {
    let mut gate = Gate::start(QUAY, &[("poll_seconds", "1")]).await;
    gate.volume.unmount();
    gate.process.metric_is(LAST, |last| last == 0).await;
    assert_eq!(gate.process.metric("imagegate_policy_source_present").await, 0);
    assert!(gate.process.policy().await["missingSince"].is_string());
    let gone = "the policy's source is missing: a replica that starts now cannot \
                become ready";
    gate.process.logged(gone).await;
    in_force(&gate.client, QUAY).await;
    gate.volume.mount();
    gate.process.metric_is(LAST, |last| last == 1).await;
    gate.volume.dangle();
    gate.process.metric_is(LAST, |last| last == 0).await;
    in_force(&gate.client, QUAY).await;
    fs::remove_file(gate.volume.path().join("..data")).unwrap();
    gate.volume.write(&[("policy.yaml", GHCR)]);
    in_force(&gate.client, GHCR).await;
}

#[tokio::test]
async fn d4_each_problem_is_an_entry_of_its_own_up_to_ten() {
    let mut gate = Gate::start(QUAY, &[]).await;
    let bad: Vec<String> = (0..25).map(|number| format!("a{number}: 1\n")).collect();
    let candidate = "mode: strict\nupdates: never\n";
    gate.volume.write(&[("policy.yaml", &bad.concat())]);
    gate.process.metric_is(LAST, |last| last == 0).await;
    gate.volume.write(&[("policy.yaml", GHCR), ("candidate.yaml", candidate)]);
    in_force(&gate.client, GHCR).await;
    let rejected = gate.process.logged("the policy is not valid and was not applied").await;
    assert_eq!(rejected["problems"], 25);
    let entries = entries(&gate.process, "a problem of the policy");
    let (of_policy, of_candidate): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry["document"] == "policy.yaml");
    assert_eq!(of_policy.len(), 10);
    for (index, entry) in of_policy.iter().enumerate() {
        assert_eq!((&entry["line"], &entry["column"]), (&json!(index + 1), &json!(1)), "{entry}");
        let problem = entry["problem"].as_str().unwrap();
        assert!(problem.contains(&format!("`a{index}`")), "{entry}");
    }
    let paths: Vec<_> = of_candidate.iter().map(|entry| &entry["path"]).collect();
    assert_eq!(paths, ["mode", "updates"]);
    assert!(gate.process.log().iter().all(|line| !line.contains("\\n")), "no line in a line");
}

#[tokio::test]
async fn d5_what_is_no_regular_file_is_refused_and_the_next_edit_is_seen() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name);
    fs::write(file("policy.yaml"), QUAY).unwrap();
    let start = Start::new().policy(directory.path());
    let (process, client, _pair) = serve(start, &[("poll_seconds", "1")]).await;
    in_force(&client, QUAY).await;
    let make_fifo = |name: &str| mknodat(CWD, file(name), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let odd: [(&str, &dyn Fn()); 4] = [
        ("it is a FIFO", &|| make_fifo("candidate.yaml")),
        ("it is a socket", &|| drop(UnixListener::bind(file("candidate.yaml")).unwrap())),
        ("it is a device", &|| symlink("/dev/zero", file("candidate.yaml")).unwrap()),
        ("it is a directory", &|| fs::create_dir(file("candidate.yaml")).unwrap()),
    ];
    for (round, (said, make)) in odd.into_iter().enumerate() {
        make();
        process.metric_is(LAST, |last| last == 0).await;
        let problem = process.policy().await["problems"][0].as_str().unwrap().to_owned();
        assert!(problem.contains(said), "{problem}");
        let policy = [GHCR, QUAY][round % 2];
        in_force(&client, [QUAY, GHCR][round % 2]).await;
        fs::write(file("policy.yaml"), policy).unwrap();
        if fs::remove_file(file("candidate.yaml")).is_err() {
            fs::remove_dir(file("candidate.yaml")).unwrap();
        }
        in_force(&client, policy).await;
        assert_eq!(process.metric(LAST).await, 1);
    }
    assert_eq!(process.metric("imagegate_overdue_looks_total{of=\"policy\"}").await, 0);
}

#[tokio::test]
async fn d6_d9_without_inotify_edits_of_every_kind_are_found_by_polling() {
    let tried = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBID_INOTIFY];
    if !grants("d6_d9_without_inotify", Need::Namespaces, &tried) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("policy.yaml");
    fs::write(&file, QUAY).unwrap();
    let script = format!("{FORBID_INOTIFY} && exec \"$0\" \"$@\"");
    let without_inotify = ["unshare", "--user", "--map-root-user", "sh", "-c", &script];
    let (process, client, _pair) =
        serve(Start::through(&without_inotify).policy(&file), &[("poll_seconds", "1")]).await;
    process.logged(CANNOT_WATCH).await;
    edit_in_every_way(&client, &file).await;
    let said = process.log();
    let warnings = said.iter().filter(|line| line.contains("cannot watch")).count();
    assert_eq!(warnings, 2, "once for the policy, once for the pair: {said:#?}");
}

#[tokio::test]
async fn d9_edits_of_a_plain_file_are_found() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("policy.yaml");
    fs::write(&file, QUAY).unwrap();
    let (_process, client, _pair) = serve(Start::new().policy(&file), &[]).await;
    edit_in_every_way(&client, &file).await;
}

#[tokio::test]
async fn d7_an_overflow_of_the_event_queue_hides_no_edit() {
    let mut gate = Gate::start(QUAY, &[("poll_seconds", "3600")]).await;
    gate.process.signal(Signal::STOP);
    let longest: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // Creating, opening, closing and removing are an event each.
    for index in 0..=longest / 3 {
        let junk = gate.volume.path().join(format!("..junk{index}"));
        fs::write(&junk, "").unwrap();
        fs::remove_file(&junk).unwrap();
    }
    gate.volume.write(&[("policy.yaml", GHCR)]);
    gate.process.signal(Signal::CONT);
    in_force(&gate.client, GHCR).await;
    gate.volume.write(&[("policy.yaml", QUAY)]);
    in_force(&gate.client, QUAY).await;
}

#[tokio::test]
async fn d8_where_nothing_changes_nothing_is_applied() {
    for (policy, applied, rejected) in [(QUAY, 1, 0), ("mode: strict\n", 0, 1)] {
        let gate = Gate::start(policy, &[("poll_seconds", "1")]).await;
        let (page, log) = (gate.process.policy().await, gate.process.log());
        let file = fs::canonicalize(gate.volume.path().join("policy.yaml")).unwrap();
        let reads = Reads::of(&file);
        // What was read first is compiled by the time it reads again.
        until("it looks four times", async || reads.count() >= 4).await;
        assert_eq!(gate.process.metric(SUCCESSES).await, applied);
        assert_eq!(gate.process.metric(FAILURES).await, rejected);
        assert_eq!(gate.process.policy().await, page);
        assert_eq!(gate.process.log(), log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_under_a_hundred_swaps_a_second_each_response_follows_one_policy() {
    // Behind a link to another directory inotify is deaf, so that each swap is one SIGHUP away.
    let directory = TempDir::new().unwrap();
    let (store, link) = (directory.path().join("store"), directory.path().join("policy.yaml"));
    fs::create_dir(&store).unwrap();
    let (next, now) = (store.join("next.yaml"), store.join("now.yaml"));
    fs::write(&now, QUAY).unwrap();
    symlink(&now, &link).unwrap();
    let (process, client, _pair) = serve(Start::new().policy(&link), &[]).await;

    let body = pod_review(&["quay.io/app:1", "ghcr.io/app:1", "quay.io/b:2", "ghcr.io/b:2"]);
    let swap = |policy: &str| {
        fs::write(&next, policy).unwrap();
        fs::rename(&next, &now).unwrap();
        process.signal(Signal::HUP);
    };
    let mut expected: Vec<Bytes> = Vec::new();
    for (policy, generation) in [(GHCR, 2), (QUAY, 3)] {
        swap(policy);
        process.metric_is(GENERATION, |now| now >= generation).await;
        expected.push(client.review(Protocol::Http1, &body).await.unwrap().body);
    }
    assert_ne!(expected[0], expected[1]);

    let loads = PROTOCOLS.map(|protocol| Load::start(&client, protocol, 4, &body));
    let (mut hundredths, deadline) =
        (interval(Duration::from_millis(10)), Instant::now() + duration());
    let mut swaps = 0;
    while Instant::now() < deadline {
        hundredths.tick().await;
        swap([GHCR, QUAY][swaps % 2]);
        swaps += 1;
    }
    for (protocol, load) in PROTOCOLS.iter().zip(loads) {
        let tally = load.stop().await;
        println!("D10: {protocol:?}: {}", tally.summary());
        assert_eq!(tally.failures, Vec::<String>::new());
        let strangers: Vec<_> =
            tally.bodies.keys().filter(|body| !expected.contains(body)).collect();
        assert!(strangers.is_empty(), "{strangers:?}");
        assert_eq!(tally.bodies.len(), 2, "both policies were seen");
    }
    let applied = process.metric(GENERATION).await;
    println!("D10: {swaps} swaps written, generation {applied}");
    assert!(applied > 10, "{applied} of {swaps} swaps were in force");
}

#[tokio::test]
async fn d11_a_burst_of_edits_ends_on_the_last_and_is_applied_a_few_times() {
    let mut gate = Gate::start(QUAY, &[]).await;
    for index in 0..100 {
        let policy = format!("allowedRegistries: [r{index}.example]\n");
        gate.volume.write(&[("policy.yaml", &policy)]);
    }
    until("the last edit", async || allows(&gate.client, "r99.example/app:1").await).await;
    let applied = gate.process.metric(SUCCESSES).await - 1;
    println!("D11: 100 edits in a burst, {applied} applied");
    assert!(applied < 50, "{applied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_a_rotated_pair_is_shown_to_new_connections_and_old_ones_live_on() {
    let authority = Authority::new();
    let (volume, mut pairs) = (Volume::with_policy(QUAY), Volume::empty());
    let first = authority.issue();
    mount(&mut pairs, &first, &first);
    let (cert, key) = (pairs.path().join("tls.crt"), pairs.path().join("tls.key"));
    let process = Start::new().policy(&volume.path()).pair(&cert, &key).serve().await;
    let client = Client::new(&authority, process.listen);
    let body = pod_review(&["quay.io/app:1"]);
    let old = PROTOCOLS.map(|protocol| client.connect(protocol));
    let mut connections = Vec::new();
    for connecting in old {
        connections.push(connecting.await.unwrap());
    }
    let loads = PROTOCOLS.map(|protocol| Load::start(&client, protocol, 2, &body));

    let mut served = first;
    for rotation in 1..=5 {
        let next = authority.issue();
        mount(&mut pairs, &next, &served);
        let failed = "imagegate_tls_reloads_total{result=\"failure\"}";
        process.metric_is(failed, |failures| failures == rotation).await;
        assert_eq!(shown(&client).await, served.certificate(), "a pair that does not match");
        mount(&mut pairs, &next, &next);
        until("the next pair", async || shown(&client).await == next.certificate()).await;
        served = next;
        for connection in &mut connections {
            assert!(connection.review(&body).await.unwrap().allowed());
        }
    }
    for (protocol, load) in PROTOCOLS.iter().zip(loads) {
        let tally = load.stop().await;
        println!("D12: {protocol:?}: {}", tally.summary());
        assert_eq!(tally.failures, Vec::<String>::new());
        assert_eq!(tally.connections, 2, "no connection was lost");
    }
}

#[tokio::test]
async fn d12_a_fifo_in_place_of_the_key_is_refused_and_the_next_pair_is_seen() {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let volume = Volume::with_policy(QUAY);
    let (first, second) = (authority.issue(), authority.issue());
    let (cert, key) = first.write(directory.path());
    let start = Start::new().policy(&volume.path()).pair(&cert, &key);
    let process = start.settings(&[("poll_seconds", "1")]).serve().await;
    let client = Client::new(&authority, process.listen);
    fs::remove_file(&key).unwrap();
    mknodat(CWD, &key, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let rejected =
        process.logged("the certificate or its key is not valid and was not applied").await;
    let error = rejected["error"].as_str().unwrap();
    assert!(error.contains("it is a FIFO and not a regular file"), "{error}");
    assert_eq!(shown(&client).await, first.certificate(), "the old pair is served");
    fs::remove_file(&key).unwrap();
    second.write(directory.path());
    until("the next pair", async || shown(&client).await == second.certificate()).await;
}

const CANNOT_WATCH: &str = "cannot watch for changes, polling instead (hint: raise \
                            fs.inotify.max_user_instances or max_user_watches on the node)";

/// In a user namespace of its own: no inotify instance for anybody.
const FORBID_INOTIFY: &str = "echo 0 > /proc/sys/user/max_inotify_instances";

/// Serves with a pair of its own, which lies in the directory.
async fn serve(start: Start, settings: &[(&str, &str)]) -> (Process, Client, TempDir) {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let (cert, key) = authority.issue().write(directory.path());
    let process = start.pair(&cert, &key).settings(settings).serve().await;
    let client = Client::new(&authority, process.listen);
    (process, client, directory)
}

/// The entries of the log with this message.
fn entries(process: &Process, message: &str) -> Vec<Value> {
    let lines = process.log();
    let entries = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    entries.filter(|entry: &Value| entry["message"] == message).collect()
}

/// In place; by an editor's rename; with the old size and the old time.
async fn edit_in_every_way(client: &Client, file: &Path) {
    in_force(client, QUAY).await;
    fs::write(file, GHCR).unwrap();
    in_force(client, GHCR).await;
    let draft = file.with_extension("yaml.swp");
    fs::write(&draft, QUAY).unwrap();
    fs::rename(&draft, file).unwrap();
    in_force(client, QUAY).await;
    let modified = fs::metadata(file).unwrap().modified().unwrap();
    fs::write(file, GHCR).unwrap();
    fs::File::options().write(true).open(file).unwrap().set_modified(modified).unwrap();
    in_force(client, GHCR).await;
}

/// Puts a certificate and a key into the mounted Secret.
fn mount(volume: &mut Volume, cert: &Pair, key: &Pair) {
    volume.write(&[("tls.crt", &cert.cert), ("tls.key", &key.key)]);
}

/// What a new connection is shown.
async fn shown(client: &Client) -> rustls_pki_types::CertificateDer<'static> {
    client.connect(Protocol::Http1).await.unwrap().certificate.unwrap()
}
