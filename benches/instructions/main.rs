//! One piece of work, done again and again, for a tool that counts instructions. `make
//! instructions` runs it.
//!
//! `instructions CASE COUNT` does the work of one case so many times; `instructions` lists the
//! cases.

use std::hint::black_box;
use std::process::ExitCode;

use imagegate_core::image::Reference;
use imagegate_core::policy::{Policy, compile};

#[path = "../micro/answer.rs"]
mod answer;
#[path = "../../crates/core/tests/support/bodies.rs"]
mod bodies;
#[path = "../micro/policies.rs"]
mod policies;

use answer::{answer, default_policy};
use bodies::{ALLOWED, DENIED, pod_review};

const UPDATE: &[u8] = include_bytes!("../../tests/data/admission-reviews/update-pods.json");

/// A name, and what prepares the work.
type Case = (&'static str, fn() -> Box<dyn Fn()>);

const CASES: [Case; 9] = [
    ("reference", || Box::new(|| drop(black_box(Reference::parse(black_box(ALLOWED)))))),
    ("admitted-2kB", || decision(pod_review(2_000, ALLOWED), default_policy())),
    ("admitted-12kB", || decision(pod_review(12_000, ALLOWED), default_policy())),
    ("admitted-100kB", || decision(pod_review(100_000, ALLOWED), default_policy())),
    ("refused-2kB", || decision(pod_review(2_000, DENIED), default_policy())),
    ("update-pods", || decision(UPDATE.to_vec(), default_policy())),
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

fn decision(body: Vec<u8>, policy: Policy) -> Box<dyn Fn()> {
    Box::new(move || drop(black_box(answer(&policy, &body))))
}
