//! One piece of work, done again and again, for a tool that counts instructions. `make
//! instructions` runs it.
//!
//! `instructions CASE COUNT` does the work of one case so many times; `instructions` lists the
//! cases.

use std::hint::black_box;
use std::process::ExitCode;

use imagegate::admission::Review;
use imagegate::image::Reference;
use imagegate::policy::{Documents, Policy, compile};

#[path = "../../tests/support/bodies.rs"]
mod bodies;
#[path = "../micro/policies.rs"]
mod policies;

use bodies::{ALLOWED, DENIED, pod_review};

const UPDATE: &[u8] = include_bytes!("../../tests/data/admission-reviews/update-pods.json");

/// A name, and what prepares the work.
type Case = (&'static str, fn() -> Box<dyn Fn()>);

const CASES: [Case; 9] = [
    ("reference", || Box::new(|| drop(black_box(Reference::parse(black_box(ALLOWED)))))),
    ("admitted-2kB", || decision(pod_review(2_000, ALLOWED), default())),
    ("admitted-12kB", || decision(pod_review(12_000, ALLOWED), default())),
    ("admitted-100kB", || decision(pod_review(100_000, ALLOWED), default())),
    ("refused-2kB", || decision(pod_review(2_000, DENIED), default())),
    ("update-pods", || decision(UPDATE.to_vec(), default())),
    ("refused-10-rules", || decision(pod_review(2_000, ALLOWED), policies::policy(10, 10))),
    ("refused-10000-rules", || decision(pod_review(2_000, ALLOWED), policies::policy(10_000, 10))),
    ("compile-1000-rules", || {
        let documents = policies::documents(1_000, 10);
        Box::new(move || drop(black_box(compile(black_box(&documents)))))
    }),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so to each benchmark.
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    if let [name, count] = arguments.as_slice()
        && let Some((_, prepare)) = CASES.iter().find(|(each, _)| each == name)
        && let Ok(count) = count.parse::<u32>()
    {
        let work = prepare();
        for _ in 0..count {
            work();
        }
        return ExitCode::SUCCESS;
    }
    for (name, _) in CASES {
        println!("{name}");
    }
    if arguments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn default() -> Policy {
    compile(&Documents::default()).unwrap().0
}

/// From the bytes of a review to the bytes of the answer.
fn decision(body: Vec<u8>, policy: Policy) -> Box<dyn Fn()> {
    Box::new(move || {
        let review = Review::parse(black_box(&body)).unwrap();
        let verdict = review.judge(&policy, None, 0);
        black_box(review.answer(&verdict));
    })
}
