//! Events, metrics and the log.
//!
//! One struct per event; its one `emit` both logs and counts, so that log and metrics cannot
//! drift apart. Labels are closed sets: never an image, a namespace or a user.

mod metrics;

pub use metrics::{ErrorReason, Held, Metrics};

use std::time::Duration;

use crate::admission::Review;
use crate::policy::Verdict;

/// A request was judged and answered.
#[derive(Debug)]
pub struct Decided<'a> {
    /// The request.
    pub review: &'a Review<'a>,
    /// The verdict that was sent.
    pub verdict: &'a Verdict<'a>,
    /// From the last byte of the body to the rendered answer.
    pub took: Duration,
}

impl Decided<'_> {
    /// Counts the decision and, where it is not a plain allow, logs one line.
    pub fn emit(&self, metrics: &Metrics) {
        // SKELETON: replaced by the telemetry worker.
        let _ = (self, metrics);
    }
}
