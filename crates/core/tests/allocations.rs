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
