//! Group E over real sockets: what a start needs, what it can do without, and what it says.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::support::authority::{Authority, Pair};
use crate::support::client::{Client, PROTOCOLS, pod_review};
use crate::support::process::{Process, Start};
use crate::support::skip::{Need, grants};
use crate::support::volume::Volume;
use http::StatusCode;
use rcgen::date_time_ymd;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

const POLICY: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";

#[tokio::test]
async fn e1_without_a_valid_policy_it_lives_refuses_and_is_not_ready_until_one_appears() {
    let missing: &[(&str, &str)] = &[];
    for keys in [missing, &[("policy.yaml", "mode: strict\n")], &[("policy.yaml", "")]] {
        let mut volume = Volume::empty();
        if !keys.is_empty() {
            volume.write(keys);
        }
        let pair = KeyFiles::new();
        let mut process = pair.start(&volume.path()).serve().await;
        let client = pair.client(&process);
        assert_eq!(process.page("/healthz").await.0, StatusCode::OK);
        let (status, why) = process.page("/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(why, "there is no valid policy yet\n");
        for protocol in PROTOCOLS {
            let refused = client.review(protocol, &pod_review(&[GOOD])).await.unwrap();
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(refused.header("retry-after"), None, "to ask again would not help");
            assert_eq!(refused.json()["error"], "there is no valid policy yet");
        }
        let page = process.policy().await;
        assert!(page["hash"].is_null() && !page["problems"].as_array().unwrap().is_empty());

        volume.write(&[("policy.yaml", POLICY)]);
        process.metric_is("imagegate_policy_generation", |generation| generation == 1).await;
        assert_eq!(process.page("/readyz").await.0, StatusCode::OK);
        for protocol in PROTOCOLS {
            assert!(client.review(protocol, &pod_review(&[GOOD])).await.unwrap().allowed());
        }
        assert!(process.is_alive());
    }
}

#[tokio::test]
async fn e1_a_named_policy_directory_may_appear_later() {
    let pair = KeyFiles::new();
    let volume = Volume::with_policy(POLICY);
    volume.unmount();
    let start = pair.start(&volume.path()).settings(&[("poll_seconds", "1")]);
    let process = start.serve().await;
    assert_eq!(process.page("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    volume.mount();
    process.metric_is("imagegate_policy_generation", |generation| generation == 1).await;
    assert_eq!(process.page("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn e1_a_fifo_in_place_of_the_policy_is_not_waited_for() {
    let (pair, directory) = (KeyFiles::new(), TempDir::new().unwrap());
    let file = directory.path().join("policy.yaml");
    mknodat(CWD, &file, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let process = pair.start(&file).settings(&[("poll_seconds", "1")]).serve().await;
    assert_eq!(process.page("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let problem = process.policy().await["problems"][0].as_str().unwrap().to_owned();
    assert!(problem.contains("it is a FIFO and not a regular file"), "{problem}");
    let next = directory.path().join("next.yaml");
    fs::write(&next, POLICY).unwrap();
    fs::rename(&next, &file).unwrap();
    process.metric_is("imagegate_policy_generation", |generation| generation == 1).await;
}

#[tokio::test]
async fn e4_a_listener_that_breaks_ends_the_process_with_one_line() {
    let volume = Volume::with_policy(POLICY);
    let task = "a task that serving depends on has ended: shutting down";
    for (name, address) in [
        ("the listener of the webhook", (|process| process.listen) as fn(&Process) -> SocketAddr),
        ("the listener of the admin port", |process| process.admin),
    ] {
        let start = Start::new().policy(&volume.path()).self_signed();
        let process = start.settings(&[("drain_delay_seconds", "0")]).serve().await;
        process.break_listener(address(&process));
        let ended = process.ended().await;
        assert_eq!(ended.status.code(), Some(2), "{}", ended.log);
        let lines = ended.log.lines().filter(|line| line.contains(task));
        let lines: Vec<_> = lines.filter(|line| line.contains(name)).collect();
        assert_eq!(lines.len(), 1, "{}", ended.log);
    }
}

#[tokio::test]
async fn e2_what_cannot_serve_ends_with_one_clear_line() {
    let (authority, volume) = (Authority::new(), Volume::with_policy(POLICY));
    let (one, two) = (authority.issue(), authority.issue());
    let mismatch = Pair { cert: one.cert.clone(), key: two.key };
    let garbage = Pair { cert: "garbage".to_owned(), key: one.key.clone() };
    let keyless = Pair { cert: one.cert, key: "garbage".to_owned() };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let files = [mismatch, garbage, keyless].map(|pair| KeyFiles::of(&pair));
    let [mismatch, garbage, keyless] = &files;
    let policy = volume.path();
    let good = || Start::new().policy(&policy).self_signed();
    let absent = Path::new("/nonexistent/tls");
    let odd = TempDir::new().unwrap();
    let fifo = odd.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let zero = Path::new("/dev/zero");
    let pair = || Start::new().policy(&policy).argument("--tls-cert", mismatch.file("tls.crt"));
    let rows = [
        ("no certificate", Start::new().policy(&policy).pair(absent, absent), "/nonexistent/tls"),
        (
            "a FIFO for a certificate",
            Start::new().policy(&policy).pair(&fifo, absent),
            "it is a FIFO",
        ),
        ("a FIFO for a key", pair().argument("--tls-key", &fifo), "it is a FIFO"),
        ("a device for a key", pair().argument("--tls-key", zero), "it is a device"),
        ("a directory for a key", pair().argument("--tls-key", odd.path()), "it is a directory"),
        (
            "a FIFO for a client CA",
            pair().argument("--tls-key", mismatch.file("tls.key")).argument("--client-ca", &fifo),
            "it is a FIFO",
        ),
        ("a FIFO for settings", good().argument("--config", &fifo), "it is a FIFO"),
        ("a device for settings", good().argument("--config", zero), "it is a device"),
        ("a key of another", mismatch.start(&policy), "do not belong together"),
        ("no PEM", garbage.start(&policy), "holds no certificate"),
        ("no key", keyless.start(&policy), "the private key"),
        ("no pair", Start::new().policy(&policy), "--tls-cert"),
        ("a port in use", good().argument("--listen", &taken), &taken),
        ("an admin port in use", good().argument("--admin-listen", &taken), &taken),
        ("a bad flag", good().argument("--no-such-flag", "1"), "--no-such-flag"),
        ("a bad address", good().argument("--listen", "nowhere"), "nowhere"),
        ("a bad setting", good().variable("IMAGEGATE_MAX_REQUESTS", "many"), "max_requests"),
        ("a bad level", good().variable("IMAGEGATE_LOG_LEVEL", "a=b=c"), "a=b=c"),
        ("no settings file", good().argument("--config", "/nonexistent/it"), "/nonexistent/it"),
    ];
    for (what, start, said) in rows {
        let ended = start.fail().await;
        assert_eq!(ended.status.code(), Some(2), "{what}: {}", ended.log);
        assert!(ended.log.contains(said), "{what}: {}", ended.log);
        assert!(!ended.log.contains("panicked"), "{what}: {}", ended.log);
        assert!(ended.log.lines().count() <= 8, "{what}: {}", ended.log);
    }
}

#[tokio::test]
async fn e2_an_expired_certificate_is_warned_about_and_served() {
    let authority = Authority::new();
    let pair = KeyFiles::of(&authority.issue_with(|params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }));
    let volume = Volume::with_policy(POLICY);
    let process = pair.start(&volume.path()).serve().await;
    process.logged("the serving certificate has expired").await;
    let not_after = "imagegate_tls_certificate_not_after_timestamp_seconds";
    assert_eq!(process.metric(not_after).await, 1_609_459_200);
    assert_eq!(process.page("/readyz").await.0, StatusCode::OK);
    let client = Client::new(&authority, process.listen);
    let refused = client.connect(PROTOCOLS[0]).await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("certificate expired"), "{refused}");
}

#[tokio::test]
async fn e3_it_runs_as_anybody_on_a_root_that_is_read_only() {
    let script = "mount --make-rprivate / && mount -o remount,bind,ro / && ! touch /writable && \
                  exec unshare --user --map-user=65532 --map-group=65532 \"$0\" \"$@\"";
    let program = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script];
    let tried = [&program[..], &["true"]].concat();
    if !grants("e3_it_runs_as_anybody_on_a_root_that_is_read_only", Need::Namespaces, &tried) {
        return;
    }
    let (mut volume, pair) = (Volume::with_policy(POLICY), KeyFiles::new());
    let start = pair.start_through(&program, &volume.path());
    let process = start.variable("TMPDIR", "/nonexistent").serve().await;
    let client = pair.client(&process);
    for protocol in PROTOCOLS {
        assert!(client.review(protocol, &pod_review(&[GOOD])).await.unwrap().allowed());
    }
    volume.write(&[("policy.yaml", "allowedRegistries: [quay.io]\n")]);
    process.metric_is("imagegate_policy_generation", |generation| generation == 2).await;
    assert!(!client.review(PROTOCOLS[0], &pod_review(&[GOOD])).await.unwrap().allowed());
}

#[tokio::test]
async fn e3_it_needs_no_network_but_its_own_ports() {
    let program = ["unshare", "--user", "--map-root-user", "--net"];
    let tried = [&program[..], &["true"]].concat();
    if !grants("e3_it_needs_no_network_but_its_own_ports", Need::Namespaces, &tried) {
        return;
    }
    let volume = Volume::with_policy(POLICY);
    let start = Start::through(&program).policy(&volume.path()).self_signed();
    let everywhere = [("listen", "0.0.0.0:0"), ("admin_listen", "0.0.0.0:0")];
    let process = start.settings(&everywhere).serve().await;
    process.logged("policy applied").await;
}

/// A key pair in files of its own.
struct KeyFiles {
    authority: Authority,
    directory: TempDir,
}

impl KeyFiles {
    fn new() -> Self {
        let authority = Authority::new();
        let pair = authority.issue();
        Self { authority, ..Self::of(&pair) }
    }

    fn of(pair: &Pair) -> Self {
        let directory = TempDir::new().unwrap();
        pair.write(directory.path());
        Self { authority: Authority::new(), directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, policy: &Path) -> Start {
        self.start_through(&[], policy)
    }

    fn start_through(&self, program: &[&str], policy: &Path) -> Start {
        Start::through(program).policy(policy).pair(&self.file("tls.crt"), &self.file("tls.key"))
    }

    fn client(&self, process: &Process) -> Client {
        Client::new(&self.authority, process.listen)
    }
}
