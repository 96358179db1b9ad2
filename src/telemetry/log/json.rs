//! An event of the log as a JSON object on a line of its own.
//!
//! Held by a test to what `tracing_subscriber` writes, which takes several times as long: a flood of
//! denials is a flood of lines. Spans are not written; ImageGate has none.

use std::fmt::Debug;
use std::io::Write as _;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

use imagegate_core::admission::is_plain;

/// Bytes of a usual line, the one of a denial.
const USUAL: usize = 640;

/// Writes each event to `writer`, in one call.
pub(super) struct JsonLines<W> {
    pub(super) writer: W,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::begin(*event.metadata().level());
        event.record(&mut line);
        // A log that cannot be written cannot say so either.
        let _ = self.writer.make_writer().write_all(&line.end());
    }
}

/// A line that is being written.
struct Line(Vec<u8>);

impl Line {
    fn begin(level: Level) -> Self {
        let mut line = Self(Vec::with_capacity(USUAL));
        line.0.extend_from_slice(b"{\"timestamp\":\"");
        line.now();
        line.0.extend_from_slice(b"\",\"level\":\"");
        line.0.extend_from_slice(level.as_str().as_bytes());
        line.0.push(b'"');
        line
    }

    /// The time of day to the microsecond, with all six digits: texts are in the order of the times.
    fn now(&mut self) {
        let now = OffsetDateTime::now_utc();
        // Zeros at the end are not written: a nanosecond behind them has all nine digits written, of
        // which the last three go again. A description of the format by parts takes four times as long.
        let exact = now.replace_nanosecond(now.microsecond() * 1000 + 1).unwrap_or(now);
        // A vector takes all that is written, and a year of four digits can be.
        let _ = exact.format_into(&mut self.0, &Rfc3339);
        self.0.truncate(self.0.len().saturating_sub("001Z".len()));
        self.0.push(b'Z');
    }

    fn field(&mut self, name: &str, value: impl Serialize) {
        self.0.push(b',');
        self.json(name);
        self.0.push(b':');
        self.json(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        if !is_plain(name) || !is_plain(value) {
            return self.field(name, value);
        }
        // Not in a loop: constants are a store each, where their lengths are known.
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":\"");
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'"');
    }

    fn json(&mut self, value: impl Serialize) {
        // Fails where the writer does, and memory does not.
        let _ = serde_json::to_writer(&mut self.0, &value);
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field.name(), format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing_subscriber::fmt::{MakeWriter, layer};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;

    use super::{JsonLines, OffsetDateTime, Rfc3339};

    /// Keeps each call as a line.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// A line without its time, which is checked to be one.
    fn timeless(line: &str) -> &str {
        let (time, rest) = line.strip_prefix("{\"timestamp\":\"").unwrap().split_once('"').unwrap();
        OffsetDateTime::parse(time, &Rfc3339).unwrap();
        assert_eq!(time.len(), "2026-11-24T10:27:45.705153Z".len(), "{time}");
        rest
    }

    #[test]
    fn lines_are_those_of_tracing_subscriber() {
        let (ours, oracle) = (Kept::default(), Kept::default());
        let events = registry().with(JsonLines { writer: ours.clone() }).with(
            layer().json().flatten_event(true).with_target(false).with_writer(oracle.clone()),
        );
        with_default(events, || {
            tracing::error!("no fields");
            tracing::warn!(a = "x", "a message with {} in it", "\"quotes\"\n\u{1}\u{2028}ü");
            tracing::info!(text = "\u{0}\u{7f}\\\"\t\r\n/</script>é\u{1f600}", empty = "");
            tracing::info!(yes = true, no = false, none = None::<&str>, some = Some("x"));
            tracing::info!(i = i64::MIN, u = u64::MAX, least = i128::MIN, most = u128::MAX);
            tracing::info!(f = 1.5, whole = 1.0, nan = f64::NAN, infinite = f64::INFINITY);
            tracing::debug!(error = &io::Error::other("a \"cause\"") as &dyn std::error::Error);
            tracing::debug!(debug = ?Some("x\ny"), display = %"x\ny", "\u{e9}" = 1, "a \"b\"" = 2);
        });
        let (ours, oracle) = (ours.0.lock().unwrap(), oracle.0.lock().unwrap());
        assert_eq!(ours.len(), 8);
        assert_eq!(ours.len(), oracle.len());
        for (ours, oracle) in ours.iter().zip(oracle.iter()) {
            serde_json::from_str::<serde_json::Value>(ours).unwrap();
            assert_eq!(timeless(ours), timeless(oracle));
        }
    }
}
