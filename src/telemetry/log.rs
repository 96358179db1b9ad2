//! The log: lines on standard error, as text or as JSON.
//!
//! Lines pass through a bounded queue to a thread of their own, so that a slow reader of the log
//! never holds up a request; lines that do not fit are dropped.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that wait for a slow reader.
const QUEUE: usize = 4096;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people, with colours on a terminal.
    Text,
}

/// Writes what is queued when it is dropped.
#[derive(Debug)]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Starts the log of this process. `filter` is a level or a list of `target=level`.
///
/// # Errors
/// When `filter` is neither, or a log was started before.
pub fn start_log(format: LogFormat, filter: &str) -> anyhow::Result<LogGuard> {
    let filter = EnvFilter::builder().parse(filter).map_err(|error| {
        anyhow::anyhow!("`{}` is no log filter: {error}", filter.escape_debug())
    })?;
    let (writer, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(std::io::stderr());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(writer);
    let started = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log is started already: {error}"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(LogGuard { _worker: worker })
}

/// A panic is one line of the log too, escaped as any other.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        place = place.as_deref(),
        said = panic.payload_as_str().unwrap_or_default(),
        "panic: this is a defect of ImageGate"
    );
}
