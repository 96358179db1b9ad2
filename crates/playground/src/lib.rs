//! The engine of `imagegate check` as a WebAssembly module: a policy and a manifest in, a report with
//! explanations out.
//!
//! | module | holds |
//! |---|---|
//! | `request` | what is asked, within its bounds |
//! | `manifest` | what was pasted: images, or objects that hold them |
//! | `answer` | findings and troubles as far as there is room, and how many there are beyond |
//! | `explained` | why an image gets its verdict, as JSON |
//! | `policy` | what is wrong with the policy, as JSON |
//! | `exports` | the four functions that a host calls |
//!
//! [`judged`] is all of it, from bytes to bytes; natively it says the same as in a browser. The module
//! imports nothing: it cannot reach a file, a socket or a clock.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod answer;
mod explained;
#[cfg(any(target_family = "wasm", test))]
mod exports;
mod manifest;
mod policy;
mod request;

use imagegate_check::Judge;
use imagegate_core::policy::{Documents, compile};
use imagegate_report::{PolicySource, Report, write_json_line};
use serde::{Serialize, Serializer};

use answer::{Answer, More};
use explained::Explained;
use policy::Said;
use request::{Fault, Request};

/// Where a policy is from, as the report names it.
const POLICY: &str = "policy.yaml";
const DEFAULTS: &str = "defaults";

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Reply {
    Fault { fault: Fault },
    Judged(Box<Judged>),
}

#[derive(Debug, Serialize)]
struct Judged {
    policy: Said,
    /// `None` where the policy is not valid.
    #[serde(serialize_with = "as_json")]
    report: Option<Report>,
    explanations: Vec<Explained>,
    more: More,
}

/// Judges what a request in JSON asks, and answers in JSON, in one line.
///
/// The request has the texts `policy` (in full form; empty for the defaults) and `manifest`, the time `now` in
/// Unix seconds, and may have `namespace`, `user` and `groups`. The answer has what is wrong with the policy,
/// the report of `imagegate check -o json`, an explanation for each of its findings, and how many of what was
/// found there was no room for. A request that is none, or is too large, is answered with a `fault`.
#[must_use]
pub fn judged(request: &[u8]) -> Vec<u8> {
    let reply = match Request::parse(request) {
        Ok(request) => Reply::Judged(Box::new(judge(request))),
        Err(fault) => Reply::Fault { fault },
    };
    let mut answer = Vec::new();
    // Nothing that is written into memory fails.
    let _ = write_json_line(&reply, &mut answer);
    answer
}

fn judge(request: Request) -> Judged {
    let Request { policy, manifest, asker, now } = request;
    let (source, documents) = match policy.trim() {
        "" => (DEFAULTS, Documents::default()),
        _ => (POLICY, Documents::full_form(policy)),
    };
    let (policy, warnings) = match compile(&documents) {
        Ok(compiled) => compiled,
        Err(problems) => {
            let policy = Said::invalid(&problems);
            let (explanations, more) = (Vec::new(), More::default());
            return Judged { policy, report: None, explanations, more };
        }
    };
    let judge = Judge::new(&policy, &asker, now, true);
    let source = PolicySource { source: source.to_owned(), hash: policy.hash().to_owned() };
    let mut answer = Answer::new(&judge, Report::new(source));
    manifest::read(&manifest, &mut answer);
    let (report, explanations, more) = answer.finish();
    Judged { policy: Said::valid(&policy, &warnings), report: Some(report), explanations, more }
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn as_json<S: Serializer>(report: &Option<Report>, serializer: S) -> Result<S::Ok, S::Error> {
    report.as_ref().map(Report::as_json).serialize(serializer)
}
