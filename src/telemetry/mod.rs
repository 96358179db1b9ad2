//! Events, metrics and the log.
//!
//! One struct per event; its one `emit` both logs and counts, so that log and metrics cannot
//! drift apart. Labels are closed sets: never an image, a namespace or a user.

mod closed;
mod decided;
mod guard;
mod log;
mod metrics;
mod policy_metrics;
mod rate;
mod reason;
mod register;

use std::sync::Arc;

pub use decided::Decided;
pub use guard::Guard;
pub use log::{LogFormat, LogGuard, start_log};
pub use metrics::{Held, Metrics};
pub use reason::ErrorReason;

use rate::LineRate;

/// Lines about decisions per second: beyond, a loop of denials would fill the node's disk.
const LINES_PER_SECOND: u32 = 100;

/// What an event needs to be counted and logged.
#[derive(Debug)]
pub struct Telemetry {
    /// The counters.
    pub metrics: Arc<Metrics>,
    lines: LineRate,
}

impl Telemetry {
    /// Logs at most 100 decisions per second; all are counted.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, lines: LineRate::new(LINES_PER_SECOND) }
    }
}
