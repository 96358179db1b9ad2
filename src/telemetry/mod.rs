//! Events, metrics and the log.
//!
//! One struct per event; its one `emit` both logs and counts, so that log and metrics cannot
//! drift apart. Labels are closed sets: never an image, a namespace or a user.

mod closed;
mod decided;
mod guard;
mod images;
mod log;
mod looks;
mod metrics;
mod origin;
mod policy_metrics;
mod rate;
mod register;
mod rejected;

use std::sync::Arc;

pub use decided::Decided;
pub use guard::Guard;
pub use images::{ImageDecision, Loss, ObservedMetrics, Pin, Written};
pub use log::{Log, LogError, LogFormat};
pub use looks::Looks;
pub use metrics::{Held, Metrics};
pub use origin::Origin;
pub use rejected::{Rejected, Rejects};

use rate::LineRate;

/// What an event needs to be counted and logged.
#[derive(Debug)]
pub struct Telemetry {
    /// The counters.
    pub metrics: Arc<Metrics>,
    lines: LineRate,
}

impl Telemetry {
    /// Logs at most `lines_per_second` decisions; all of them are counted. Without this limit a
    /// workload that is denied again and again would fill the node's disk.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, lines_per_second: u32) -> Self {
        Self { metrics, lines: LineRate::new(lines_per_second) }
    }
}
