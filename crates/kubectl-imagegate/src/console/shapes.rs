//! The answers that the page is written for: `console/test/answers/` has them, and the page's own test compares
//! them with the types that it reads them by.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imagegate_core::policy::{Documents, compile};
use imagegate_core::usage::{Owner, Usage};
use serde_json::{Value, json};

use super::feed::Feed;
use super::images;
use super::pages::{Asked, explanation};
use super::policy;
use super::watch::{Look, Watch};
use crate::cluster::Fault;
use crate::gate::{Counted, Remembering, Replica, Said};
use crate::tail::{News, Told};

/// Set, it writes the answers anew; whoever changes one looks at what `git diff` says.
const WRITE: &str = "IMAGEGATE_WRITE_ANSWERS";

const HASH: &str = "8a8df72b731a";

fn replica(name: &str, denied: u64) -> Replica {
    let policy = json!({ "policy.yaml": "allowedRegistries: [docker.io]\n" });
    let keys = policy.as_object().unwrap().iter();
    let keys = keys.map(|(key, text)| (key.clone(), text.as_str().unwrap().as_bytes().to_vec()));
    let documents = Documents { variables: BTreeMap::new(), volume: Some(keys.collect()) };
    let (policy, _) = compile(&documents).unwrap();
    let page = json!({
        "hash": policy.hash(), "policy": policy.normal_form(), "generation": 3,
        "appliedAt": "2026-11-27T09:00:00Z", "failingSince": "2026-11-27T09:30:00Z",
        "problems": ["policy.yaml:1:1: no"], "candidateProblems": ["candidate.yaml:1:1: no"],
        "candidate": { "hash": "0123456789ab", "evaluated": 7, "flippedToAllow": 1, "flippedToDeny": 2 },
    });
    let counted = Counted {
        allowed: 10 + denied,
        denied,
        violations: BTreeMap::from([("untrusted-registry".to_owned(), denied)]),
        latency: vec![(0.0001, denied), (0.001, 10 + denied), (f64::INFINITY, 10 + 2 * denied)],
    };
    let said = Said {
        page: serde_json::from_value(page).unwrap(),
        version: Some("0.1.0".to_owned()),
        certificate_ends: Some(4_102_444_800),
        counted: Some(counted),
    };
    Replica { name: name.to_owned(), pod: None, said: Ok(said) }
}

fn now() -> Value {
    let watch = Watch::default();
    for denied in [1, 5] {
        let lost = Replica { said: Err(Fault::lost("no answer")), ..replica("two", 0) };
        let replicas = vec![replica("one", denied), lost];
        watch.record(Ok(Look { replicas, seen: None }));
    }
    watch.record(Err(Fault::lost("no route").with_hint("look at the cable")));
    let mut page = watch.page(0, true);
    // Those of the policy language, which grows.
    page["replicas"][0]["policyHash"] = HASH.into();
    page["verdict"] = "1 of 2 replicas enforces 8a8df72b731a".into();
    for time in ["at", "begunAt"] {
        page[time] = 1_795_766_400.into();
    }
    for sample in page["samples"].as_array_mut().unwrap() {
        sample["at"] = 1_795_766_400.into();
        sample["seconds"] = 5.0.into();
    }
    page
}

fn decisions() -> Value {
    let feed = Feed::default();
    let told = json!({
        "id": 7, "at": "2026-11-27T09:00:00Z", "decision": "deny", "operation": "CREATE", "kind": "Pod",
        "namespace": "ci", "name": "", "owner": "Job/nightly", "user": "kim", "uid": "1", "dryRun": false,
        "rule": "untrusted-registry", "container": "app", "image": "evil.example/x:1", "violations": 1,
        "exemption": null, "override": null, "candidate": "allow", "candidateRule": "untrusted-registry",
        "policyHash": "8a8df72b731a",
    });
    let Value::Object(told) = told else { panic!("an object") };
    feed.record(News::Decision(Box::new(Told::read("one", told).unwrap())));
    feed.record(News::Gap { replica: "one".into(), missed: Some(2), message: "lost 2".into() });
    feed.record(News::Note("two is followed, too".into()));
    feed.page(0)
}

fn images() -> Value {
    let mut remembering = Remembering::default();
    remembering.notes.push("one remembers 2 uses".to_owned());
    remembering.gaps.push("what two remembers is not known".to_owned());
    let owner = Some(Owner { kind: "Job", name: "nightly" });
    let times =
        Usage { first_seen: Some(0), last_seen: Some(60), ..Usage::of_pod("ci", "nginx:1.27") };
    remembering.gathered.used.add(&Usage { owner, user: "kim", ..times });
    remembering.gathered.refused.add(&Usage::of_pod("ci", "a b"));
    let judged = images::samples::judged();
    let page = images::rendered(&remembering, Some(Ok(&judged)), 1_795_766_400);
    let mut page: Value = serde_json::from_slice(&page).unwrap();
    page["running"]["policyHash"] = HASH.into();
    page
}

fn explained() -> Value {
    let asked = Asked::of("image=evil.example%2Fx%3A1&namespace=ci&user=kim").unwrap();
    let mut page = explanation(&[replica("one", 1)], &asked, None).unwrap();
    page["policyHash"] = HASH.into();
    page["steps"].as_array_mut().unwrap().truncate(3);
    page
}

#[tokio::test]
async fn the_page_is_written_for_these_answers() {
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/test/answers");
    for (name, answer) in [
        ("now", now()),
        ("decisions", decisions()),
        ("images", images()),
        ("explanation", explained()),
        ("policy", policy::samples::page()),
        ("checked", policy::samples::checked()),
        ("invalid", policy::samples::invalid()),
    ] {
        let path = answers.join(format!("{name}.json"));
        let text = format!("{answer:#}\n");
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{} is another answer; {WRITE}=1 writes it", path.display());
    }
}
