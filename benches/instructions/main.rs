//! One piece of work, done again and again, for a tool that counts instructions. `make
//! instructions` runs it.
//!
//! `instructions CASE COUNT` does the work of one case so many times; `instructions` lists the
//! cases, each with how often its work has to be done.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use imagegate::observed::{Noted, Observed};
use imagegate::telemetry::Metrics;
use imagegate_core::admission::Review;
use imagegate_core::image::Reference;
use imagegate_core::policy::{Policy, compile};
use tokio::runtime::Builder;

#[path = "../micro/answer.rs"]
mod answer;
#[path = "../../crates/core/tests/support/bodies.rs"]
mod bodies;
#[path = "../micro/edit.rs"]
mod edit;
#[path = "../micro/full_memory.rs"]
mod full_memory;
mod manifest;
#[path = "../micro/policies.rs"]
mod policies;

use answer::{answer, default_policy};
use bodies::{ALLOWED, DENIED, pod_review};
use edit::Edit;

const UPDATE: &[u8] = include_bytes!("../../tests/data/admission-reviews/update-pods.json");

/// An eighth of what a replica remembers by default, which takes seconds in place of half a minute. Each
/// image is looked up and judged by itself, so that the count grows with their number and nothing else.
const REMEMBERED: usize = 8_192;

/// A name, how often the work is done, and what prepares it.
type Case = (&'static str, u32, fn() -> Box<dyn Fn()>);

/// Enough for the work to outweigh what differs from run to run, such as the hashing of random keys.
const OFTEN: u32 = 100;
/// Enough for what takes a second under the tool.
const SELDOM: u32 = 10;

const CASES: [Case; 12] = [
    ("reference", OFTEN, || Box::new(|| drop(black_box(Reference::parse(black_box(ALLOWED)))))),
    ("admitted-2kB", OFTEN, || decision(pod_review(2_000, ALLOWED), default_policy())),
    ("admitted-12kB", OFTEN, || decision(pod_review(12_000, ALLOWED), default_policy())),
    ("admitted-100kB", OFTEN, || decision(pod_review(100_000, ALLOWED), default_policy())),
    ("refused-2kB", OFTEN, || decision(pod_review(2_000, DENIED), default_policy())),
    ("update-pods", OFTEN, || decision(UPDATE.to_vec(), default_policy())),
    ("refused-10-rules", OFTEN, || decision(pod_review(2_000, ALLOWED), policies::policy(10, 10))),
    ("refused-10000-rules", OFTEN, || {
        decision(pod_review(2_000, ALLOWED), policies::policy(10_000, 10))
    }),
    ("compile-1000-rules", SELDOM, || {
        let documents = policies::documents(1_000, 10);
        Box::new(move || drop(black_box(compile(black_box(&documents)))))
    }),
    ("noted-12kB", OFTEN, || noted(pod_review(12_000, ALLOWED), default_policy())),
    ("edit-8192-images", SELDOM, || {
        let edit = Edit::of_a_third(REMEMBERED);
        Box::new(move || drop(black_box(edit.answer())))
    }),
    ("check-file", SELDOM, manifest::check),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so to each benchmark.
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench").collect();
    if let [name, count] = arguments.as_slice()
        && let Some((.., prepare)) = CASES.iter().find(|(each, ..)| each == name)
        && let Ok(count) = count.parse::<u32>()
    {
        let work = prepare();
        for _ in 0..count {
            work();
        }
        return ExitCode::SUCCESS;
    }
    for (name, times, _) in CASES {
        println!("{name} {times}");
    }
    if arguments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn decision(body: Vec<u8>, policy: Policy) -> Box<dyn Fn()> {
    Box::new(move || drop(black_box(answer(&policy, &body))))
}

/// What a decision leaves behind, and the taking in of it on the thread that remembers.
fn noted(body: Vec<u8>, policy: Policy) -> Box<dyn Fn()> {
    let settled = Settled(Observed::start(1024, Arc::new(Metrics::new().unwrap())).unwrap());
    // A case lives as long as the process.
    let (body, policy): (&'static _, &'static _) = (body.leak(), Box::leak(Box::new(policy)));
    let review: &'static Review<'_> = Box::leak(Box::new(Review::parse(body).unwrap()));
    let verdict = review.judge(policy, None, 0);
    Box::new(move || {
        let verdict = black_box(&verdict);
        settled.0.note(&Noted {
            review,
            policy,
            candidate: None,
            pinned: None,
            verdict,
            flip: None,
            now: 0,
        });
    })
}

/// Waits in the end until everything is taken in, which is part of the work.
struct Settled(Observed);

impl Drop for Settled {
    fn drop(&mut self) {
        let runtime = Builder::new_current_thread().build().unwrap();
        assert!(!runtime.block_on(self.0.images()).unwrap().images.is_empty());
    }
}
