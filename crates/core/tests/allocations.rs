//! How often a decision allocates. Counts depend neither on the machine nor on its load, so any
//! increase is a regression: `tests/data/allocations.tsv` is the baseline.
//!
//! A smaller count fails too, since it would let the next increase pass: write the new counts with
//! `UPDATE_BASELINE=1 cargo test --test allocations`.

use std::fmt::Write as _;
use std::fs;

use allocation_counter::measure;
use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Documents, Policy, compile};

#[path = "support/bodies.rs"]
mod bodies;

const BASELINE: &str = "../../tests/data/allocations.tsv";

/// Allocations of each step, and whether the answer admits.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    parse: u64,
    judge: u64,
    answer: u64,
    decision: Decision,
}

fn counts(policy: &Policy, body: &[u8]) -> Counts {
    let (mut review, mut verdict) = (None, None);
    let parse = measure(|| review = Review::parse(body).ok()).count_total;
    let review = review.unwrap();
    let judge = measure(|| verdict = Some(review.judge(policy, None, 0))).count_total;
    let verdict = verdict.unwrap();
    let answer = measure(|| drop(review.answer(&verdict))).count_total;
    Counts { parse, judge, answer, decision: verdict.decision }
}

fn policy() -> Policy {
    compile(&Documents::default()).unwrap().0
}

#[test]
fn the_accepting_path_of_a_small_pod_allocates_nothing_but_the_response() {
    let counts = counts(&policy(), &bodies::pod_review(2000, bodies::ALLOWED));
    let expected = Counts { parse: 0, judge: 0, answer: 1, decision: Decision::Allow };
    assert_eq!(counts, expected);
}

/// Bytes that a review takes whatever its body is: its lists, when all of them are full.
const FIXED: u64 = 3 << 20;
/// Bytes that it takes for each byte of its body, where every text has an escape.
const PER_BYTE: u64 = 3;

#[test]
fn no_body_takes_more_than_a_multiple_of_itself() {
    let policy = policy();
    let fill = |lead: &str, item: &str, tail: &str| {
        format!("{lead}{}{tail}", vec![item; (4 << 20) / (item.len() + 1)].join(",")).into_bytes()
    };
    let review = |request: &str| {
        format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u",
            "operation":"UPDATE","kind":{{"group":"","kind":"Pod"}},{request}"#
        )
    };
    let containers = review(r#""object":{"spec":{"containers":["#);
    let escaped = format!(r#""{}\u0041""#, "a".repeat(1 << 20));
    let lists = r#""containers":[LIST],"initContainers":[LIST],"ephemeralContainers":[LIST],
        "volumes":[VOLUMES]"#;
    let pod_spec = format!(r#""spec":{{{lists}}}"#);
    let spec = format!(
        r#""spec":{{{lists},"template":{{{pod_spec}}},"jobTemplate":{{"spec":{{"template":{{{pod_spec}}}}}}}}},
        "template":{{{pod_spec}}},"ephemeralContainers":[LIST]"#
    );
    let everywhere = review(&format!(r#""object":{{{spec}}},"oldObject":{{{spec}}}}}}}"#));
    let many = |item: &str| vec![item; 2000].join(",");
    let everywhere =
        everywhere.replace("LIST", &many("{}")).replace("VOLUMES", &many(r#"{"image":{}}"#));
    for (what, body) in [
        ("{}", fill(&containers, "{}", "]}}}}")),
        ("a:1", fill(&containers, r#"{"image":"a:1"}"#, "]}}}}")),
        ("escapes", fill(&containers, r#"{"name":"\u0041","image":"\u0041"}"#, "]}}}}")),
        ("long", fill(&containers, &format!(r#"{{"name":"a","image":{escaped}}}"#), "]}}}}")),
        ("keys", fill(&containers, &format!(r"{{{escaped}:1}}"), "]}}}}")),
        ("volumes", fill(&review(r#""object":{"spec":{"volumes":["#), r#"{"image":{}}"#, "]}}}}")),
        ("groups", fill(&review(r#""object":{},"userInfo":{"groups":["#), r#""""#, "]}}}")),
        ("lists", everywhere.into_bytes()),
    ] {
        let taken = measure(|| {
            let review = Review::parse(&body).unwrap();
            let verdict = review.judge(&policy, None, 0);
            assert_eq!(verdict.decision, Decision::Deny, "{what}");
            drop(review.answer(&verdict));
        });
        let (most, size) = (taken.bytes_max, body.len() as u64);
        println!("{what}: {most} bytes for {size}");
        assert!(most <= FIXED + PER_BYTE * size, "{what}: {most} bytes for {size}");
    }
}

#[test]
fn what_is_skipped_does_not_allocate() {
    let policy = policy();
    let small = counts(&policy, &bodies::pod_review(2_000, bodies::ALLOWED));
    let large = counts(&policy, &bodies::pod_review(9_000, bodies::ALLOWED));
    assert_eq!(small, large);
}

#[test]
fn no_recorded_body_allocates_more_than_the_baseline() {
    let policy = policy();
    let mut paths: Vec<_> = fs::read_dir("../../tests/data/admission-reviews")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut table = String::from("body\tparse\tjudge\tanswer\n");
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Counts { parse, judge, answer, .. } = counts(&policy, &fs::read(&path).unwrap());
        writeln!(table, "{name}\t{parse}\t{judge}\t{answer}").unwrap();
    }
    if std::env::var_os("UPDATE_BASELINE").is_some() {
        fs::write(BASELINE, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(BASELINE).unwrap_or_default(), table);
}
