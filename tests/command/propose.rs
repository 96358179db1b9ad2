//! `imagegate propose`: sources, exit codes, and policies that keep their word.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::support::command::{Ran, imagegate, imagegate_with};
use tempfile::TempDir;

const PODS: &str = r#"{"kind": "List", "apiVersion": "v1", "items": [
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "web"},
   "spec": {"containers": [{"name": "web", "image": "docker.io/library/nginx:1.27"}],
            "initContainers": [{"name": "setup", "image": "quay.io/acme/setup:3"}]}},
  {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ci-1", "namespace": "ci"},
   "spec": {"containers": [{"name": "agent", "image": "quay.io/acme/agent:1"}]}},
  {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "log", "namespace": "ops"},
   "spec": {"template": {"spec": {"containers": [{"name": "log", "image": "quay.io/acme/log:2"}]}}}}
]}"#;

const REMEMBERED: &str = r#"{"replica": "imagegate-a", "version": "0.1.0", "since": "2026-11-24T08:00:00Z",
  "policyHash": "0", "entries": 2, "evicted": 2, "lost": 1, "images": [
  {"namespace": "ci", "image": "quay.io/acme/agent:1", "user": "kim", "count": 12, "dryRuns": 0,
   "firstSeen": "2026-11-24T08:00:00Z", "lastSeen": "2026-11-27T08:00:00Z", "decision": "allow", "container": "regular", "pullPolicy": "Always",
   "rule": null, "workload": {"kind": "ReplicaSet", "name": "agent-7d"}, "template": false, "override": null},
  {"namespace": "ci", "image": "evil.example/miner:1", "user": "eve", "count": 1, "dryRuns": 0,
   "firstSeen": "2026-11-24T08:00:00Z", "lastSeen": "2026-11-27T08:00:00Z", "decision": "deny", "container": "regular", "pullPolicy": "Always",
   "rule": "untrusted-registry", "workload": null, "template": false, "override": null}]}"#;

/// The lines of a proposal that are no comments, without the comments behind them.
fn plain(yaml: &str) -> Vec<&str> {
    let lines = yaml.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split("  #").next().unwrap().trim_end()).collect()
}

fn propose(arguments: &[&str], input: &str) -> Ran {
    imagegate_with(&[&["propose"], arguments].concat(), input, &[])
}

fn written(directory: &TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Answers one request with these bytes, and returns the request.
fn answering(answer: String) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, served)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn the_pods_of_a_cluster_make_a_policy_that_admits_them() {
    let ran = propose(&["-f", "-"], PODS);
    assert_eq!((ran.code, ran.err.as_str()), (0, "4 images: 4 admitted\n"));
    assert_eq!(
        plain(&ran.out)[..3],
        ["allowedRegistries:", "  - docker.io/library/nginx", "  - quay.io/acme"]
    );
    assert!(
        ran.out.contains("  - quay.io/acme             # all below, for 3 images of 3 repositories in 3 namespaces (ci, ops, web): "),
        "{}",
        ran.out
    );
    let directory = TempDir::new().unwrap();
    let policy = written(&directory, "policy.yaml", &ran.out);
    assert_eq!(imagegate(&format!("validate {policy}")).code, 0);
    let checked = imagegate_with(&["check", "--policy", &policy, "-f", "-"], PODS, &[]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    let other = imagegate(&format!("check --policy {policy} quay.io/evil/agent:1"));
    assert_eq!(other.code, 1, "{}", other.out);
}

#[test]
fn tight_and_loose_trade_length_for_what_is_admitted_beyond() {
    let tight = propose(&["-f", "-", "--tight"], PODS);
    assert_eq!(plain(&tight.out).iter().filter(|line| line.contains(".io/")).count(), 4);
    let loose = propose(&["-f", "-", "--loose"], PODS);
    assert_eq!(plain(&loose.out)[1..3], ["  - docker.io/library", "  - quay.io/acme"]);
    assert_eq!(propose(&["-f", "-", "--loose", "--tight"], PODS).code, 2);
}

#[test]
fn what_a_replica_remembers_is_proposed_unless_it_was_refused() {
    let directory = TempDir::new().unwrap();
    let saved = written(&directory, "images.json", REMEMBERED);
    let (url, served) = answering(ok(&REMEMBERED.replace("imagegate-a", "imagegate-b")));
    let ran = propose(&["--from", &saved, "--from", &url], "");
    assert!(served.join().unwrap().starts_with("GET /images HTTP/1.1\r\nhost: 127.0.0.1:"));
    assert_eq!(
        ran.err,
        "imagegate-a remembers 2 uses since 2026-11-24 08:00 UTC; 3 more were forgotten or missed\n\
         imagegate-b remembers 2 uses since 2026-11-24 08:00 UTC; 3 more were forgotten or missed\n\
         left out, since refused when last seen: 1 image\n\
         1 image: 1 admitted\n"
    );
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("\n  - quay.io/acme/agent  # 1 image in ci: "), "{}", ran.out);
    assert!(!ran.out.contains("evil"), "{}", ran.out);
    let from_input = propose(&["--from", "-"], REMEMBERED);
    assert_eq!(from_input.out, ran.out);
}

#[test]
fn an_answer_that_is_none_is_told() {
    let rows = [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\n\u{1b}no such",
            "there is no /images at this port\n  hint: the operator port is 8081",
        ),
        (
            "HTTP/1.1 500 Oh\r\nContent-Length: 8\r\n\r\n\u{1b}no such",
            "it answers 500 Internal Server Error: \\u{1b}no such",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "it answers 302 Found",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "broke off"),
        ("SSH-2.0-OpenSSH\r\n", "cannot ask"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "is not what `/images` of the operator port answers",
        ),
    ];
    for (answer, expected) in rows {
        let (url, served) = answering(answer.to_owned());
        let ran = propose(&["--from", &url], "");
        served.join().unwrap();
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{answer}");
        assert!(ran.err.contains(expected), "{answer}\n{}", ran.err);
    }
    for (from, expected) in [
        ("https://127.0.0.1:8081/images", "hint: `kubectl -n imagegate port-forward"),
        ("http://192.0.2.1:8081/images", "its host is not this machine"),
        ("/no/such/file", "cannot read `/no/such/file`"),
    ] {
        let ran = propose(&["--from", from], "");
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
}

#[test]
fn nothing_to_propose_from_is_wrong_usage() {
    assert!(propose(&[], "").err.contains("hint: name manifests with -f"));
    let empty = propose(&["-f", "-"], "kind: List\napiVersion: v1\nitems: []\n");
    assert_eq!((empty.code, empty.err.as_str()), (2, "error: nothing is used in what was read\n"));
    assert_eq!(propose(&["a b"], "").code, 2);
    for incomplete in ["--exempt-existing", "--expires=2999-01-31", "--owner=x", "--policy=x"] {
        assert_eq!(propose(&["-f", "-", incomplete], PODS).code, 2, "{incomplete}");
    }
}

#[test]
fn what_no_policy_admits_is_a_finding() {
    let ran = propose(&["docker.io/nginx:1", "a b"], "");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("refused, since no policy and no exemption admits it: a b\n"));
    assert!(ran.out.contains("# Left out, since no policy can admit it: a b\n"));
}

#[test]
fn an_unreadable_document_does_not_hide_the_proposal() {
    let ran = propose(&["-f", "-"], &format!("kind: [\n---\n{PODS}"));
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.out.contains("quay.io/acme"), "{}", ran.err);
}

#[test]
fn exemptions_let_what_is_there_run_out() {
    let directory = TempDir::new().unwrap();
    let text = "# ours\nallowedRegistries: [docker.io/library]\n";
    let policy = written(&directory, "new.yaml", text);
    let exempt = |policy: &str, expires: &str| {
        let flags = ["-f", "-", "--exempt-existing", "--owner", "platform", "--policy", policy];
        propose(&[&flags[..], &["--expires", expires]].concat(), PODS)
    };
    let ran = exempt(&policy, "2999-01-31");
    assert_eq!(ran.err, "3 images exempt until 2999-01-31 by 3 exemptions\n4 images: 4 admitted\n");
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with(text), "{}", ran.out);
    let exempting = written(&directory, "exempting.yaml", &ran.out);
    let checked = imagegate_with(&["check", "--policy", &exempting, "-f", "-"], PODS, &[]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    let elsewhere = imagegate(&format!("check --policy {exempting} -n web quay.io/acme/agent:1"));
    assert_eq!(elsewhere.code, 1, "{}", elsewhere.out);

    let again = exempt(&exempting, "2999-01-31");
    assert_eq!((again.code, &again.out), (0, &ran.out));
    let past = exempt(&policy, "2020-01-31");
    assert_eq!((past.code, past.err.as_str()), (2, "error: `2020-01-31` lies in the past\n"));
    let soon = exempt(&policy, "soon");
    let said = "invalid value 'soon' for '--expires <DATE>': not a day; write it as 2027-01-31";
    assert_eq!(soon.code, 2);
    assert!(soon.err.contains(said), "{}", soon.err);
    let broken = written(&directory, "broken.yaml", "mode: strict\n");
    assert_eq!(exempt(&broken, "2999-01-31").code, 3);
    // The simple form has no exemptions: the policy is written in full form.
    let simple = directory.path().join("simple");
    fs::create_dir(&simple).unwrap();
    fs::write(simple.join("ALLOWED_REGISTRIES"), "docker.io").unwrap();
    let full = exempt(&simple.display().to_string(), "2999-01-31");
    assert_eq!(full.code, 0, "{}", full.err);
    assert!(full.out.contains("\ndenialWarnings: false\n"), "{}", full.out);
    // In a volume, too, the text of the full form is kept.
    let volume = exempt("config/policy", "2999-01-31").out;
    let text = fs::read_to_string("config/policy/policy.yaml").unwrap();
    let lost: Vec<_> = text.lines().filter(|line| !volume.lines().any(|it| it == *line)).collect();
    assert!(lost.iter().all(|line| line.starts_with("exemptions: []")), "{lost:?}");
}
