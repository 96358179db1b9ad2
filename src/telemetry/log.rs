//! The log: lines on standard error, as text or as JSON.
//!
//! Lines go through a bounded queue to a separate thread, so that a slow reader of the log never
//! delays a request. Lines that do not fit into the queue are dropped and counted.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::time::Duration;

use imagegate_core::policy::printable;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use super::decided::short;
use super::rate::LineRate;

/// The length of the queue, in lines. The line of a denial has about 700 bytes, and 20 KiB at
/// worst, since user input is cut at 256 characters: 10 MiB in all.
const QUEUED_LINES: usize = 512;
/// The interval at which dropped lines are reported.
const REPORT: Duration = Duration::from_secs(1);

/// Lines about panics per second: enough to show whether there is more than one cause.
const PANIC_LINES: u32 = 4;

/// The format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people, with colours on a terminal.
    Text,
}

/// The log of this process. On drop, queued lines are written, or discarded after a second if
/// nobody reads them.
#[derive(Debug)]
pub struct Log {
    dropped: ErrorCounter,
    _worker: WorkerGuard,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is neither a level nor a list of `target=level`.
    #[error("`{filter}` is not a log filter: {why}")]
    BadFilter {
        /// The filter, fit to be shown.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another log has been started in this process.
    #[error("the log has been started before: {0}")]
    StartedBefore(TryInitError),
}

impl Log {
    /// Starts the log. `filter` is a level or a list of `target=level`.
    ///
    /// # Errors
    /// When `filter` is neither, or a log has already been started.
    pub fn start(format: LogFormat, filter: &str) -> Result<Self, LogError> {
        let targets = targets(filter)
            .map_err(|why| LogError::BadFilter { filter: printable(filter).into_owned(), why })?;
        let (writer, worker) = NonBlockingBuilder::default()
            .buffered_lines_limit(QUEUED_LINES)
            .thread_name("log")
            .finish(std::io::stderr());
        let dropped = writer.error_counter();
        let filtered = tracing_subscriber::registry().with(targets);
        let lines = layer().with_target(false).with_writer(writer);
        let started = match format {
            LogFormat::Json => {
                let json = lines.json().flatten_event(true);
                filtered.with(json.with_current_span(false).with_span_list(false)).try_init()
            }
            LogFormat::Text => {
                filtered.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()
            }
        };
        started.map_err(LogError::StartedBefore)?;
        let lines = LineRate::new(PANIC_LINES);
        std::panic::set_hook(Box::new(move |panic| log_panic(panic, &lines)));
        Ok(Self { dropped, _worker: worker })
    }

    /// Logs how many lines have been dropped since the start, within a second of each loss. A
    /// report that is itself dropped counts as a loss and is therefore repeated. Never returns.
    pub fn report_dropped_lines(&self) -> impl Future<Output = ()> + Send + use<> {
        let dropped = self.dropped.clone();
        async move {
            let mut reported = 0;
            loop {
                tokio::time::sleep(REPORT).await;
                let lines = dropped.dropped_lines();
                if lines > reported {
                    tracing::warn!(
                        lines,
                        "log lines were dropped: whatever reads this log is too slow"
                    );
                    reported = lines;
                }
            }
        }
    }
}

/// Parses a filter. Left to the library, a part without a name would mean `error`, and a misspelt
/// one a target that does not exist. Either would suppress lines that somebody wanted.
fn targets(filter: &str) -> Result<Targets, String> {
    let begins = |part: &str| part.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if let Some(part) = filter.split(',').find(|part| !filter.is_empty() && !begins(part)) {
        return Err(format!("`{}` is neither a level nor target=level", printable(part)));
    }
    filter.parse().map_err(|error: ParseError| error.to_string())
}

/// Logs panics as lines like any other, escaped and cut. Whoever finds a request that panics can
/// repeat it endlessly, hence the limit. `imagegate_panics_total` counts the panics of requests.
fn log_panic(panic: &PanicHookInfo<'_>, lines: &LineRate) {
    let Some(suppressed) = lines.admit() else { return };
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        place = place.as_deref(),
        said = &*short(panic.payload_as_str().unwrap_or_default()),
        suppressed = (suppressed > 0).then_some(suppressed),
        "panic: this is a defect of ImageGate"
    );
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::targets;

    #[test]
    fn a_filter_is_a_level_or_a_list() {
        let rows = [
            ("", Level::ERROR, Level::ERROR),
            ("warn", Level::WARN, Level::WARN),
            ("INFO", Level::INFO, Level::INFO),
            ("info,imagegate::reload=debug", Level::INFO, Level::DEBUG),
            ("imagegate::reload=warn,debug", Level::DEBUG, Level::WARN),
            ("info,imagegate::reload", Level::INFO, Level::TRACE),
        ];
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        for (filter, server, reload) in rows {
            let targets = targets(filter).unwrap();
            for (target, most) in [("imagegate::server", server), ("imagegate::reload", reload)] {
                for level in levels {
                    let enabled = targets.would_enable(target, &level);
                    assert_eq!(enabled, level <= most, "`{filter}`: {target} at {level}");
                }
            }
        }
    }

    #[test]
    fn what_would_lose_lines_is_no_filter() {
        for filter in
            ["a=b=c", "a=loud", "info,", ",", "info, a=debug", " info", "=info", "[a]=info"]
        {
            targets(filter).expect_err(filter);
        }
    }
}
