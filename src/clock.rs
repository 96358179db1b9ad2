//! The current time, in the units that the rest of the program asks for.
//!
//! Only the wall clock: what measures a duration takes [`std::time::Instant`] where it stands.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch, now; 0 where the clock stands before it.
#[must_use]
pub fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Seconds since the Unix epoch with their fraction, as metrics have them.
#[must_use]
pub fn as_unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
