//! The log: lines on standard error, as text or as JSON.
//!
//! Lines pass through a bounded queue to a thread of their own, so that a slow reader of the log
//! never holds up a request; lines that do not fit are lost, and counted.

mod json;
mod queue;

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use queue::LogGuard;

use crate::telemetry::decided::short;
use crate::telemetry::rate::LineRate;

use json::JsonLines;
use queue::Queue;

/// Lines about panics in a second: enough to see that there is more than one place.
const PANIC_LINES: u32 = 4;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people, with colours on a terminal.
    Text,
}

/// Starts the log of this process. `filter` is a level or a list of `target=level`.
///
/// # Errors
/// When `filter` is neither, there is no thread to be had, or a log was started before.
pub fn start_log(format: LogFormat, filter: &str) -> anyhow::Result<LogGuard> {
    let targets = targets(filter).map_err(|error| {
        anyhow::anyhow!("`{}` is no log filter: {error}", filter.escape_debug())
    })?;
    let (writer, guard) = Queue::start(std::io::stderr(), |lines| {
        tracing::warn!(lines, "lines of the log are lost: its reader is slow");
    })?;
    let filtered = tracing_subscriber::registry().with(targets);
    let started = match format {
        LogFormat::Json => filtered.with(JsonLines { writer }).try_init(),
        LogFormat::Text => {
            let lines = layer().with_target(false).with_writer(writer);
            filtered.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()
        }
    };
    started.map_err(|error| anyhow::anyhow!("the log is started already: {error}"))?;
    let lines = LineRate::new(PANIC_LINES);
    std::panic::set_hook(Box::new(move |panic| log_panic(panic, &lines)));
    Ok(guard)
}

/// Reads a filter. A part without a name would count as `error`, and one that begins otherwise as a
/// target that nothing has: either loses lines that somebody wanted.
fn targets(filter: &str) -> anyhow::Result<Targets> {
    let begins = |part: &str| part.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if let Some(part) = filter.split(',').find(|part| !filter.is_empty() && !begins(part)) {
        anyhow::bail!("`{}` is neither a level nor target=level", part.escape_debug());
    }
    Ok(filter.parse()?)
}

/// A panic is a line of the log too, escaped and cut as any other. Whoever finds a request that
/// panics can send it without end, hence the bound; `imagegate_panics_total` counts those of requests.
fn log_panic(panic: &PanicHookInfo<'_>, lines: &LineRate) {
    let Some(suppressed) = lines.admit() else { return };
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        place = place.as_deref(),
        said = short(panic.payload_as_str().unwrap_or_default()),
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
