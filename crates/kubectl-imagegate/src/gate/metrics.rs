//! The few series of `/metrics` that a person asks for.

use std::borrow::Cow;

use imagegate_core::policy::printable;

/// What the metrics of a replica say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics {
    /// Of the replica, printable.
    pub(crate) version: Option<String>,
    /// When the certificate that is served ends, in Unix seconds.
    pub(crate) certificate_ends: Option<i64>,
}

impl Metrics {
    /// Reads the text format; lines that are not asked for are passed over.
    pub(crate) fn read(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            if line.starts_with("imagegate_build_info{") {
                let version = label(line, "version").map(printable);
                metrics.version = version.map(Cow::into_owned);
            } else if line.starts_with("imagegate_tls_certificate_not_after_timestamp_seconds") {
                metrics.certificate_ends = value(line).filter(|ends| *ends > 0);
            }
        }
        metrics
    }
}

fn label<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// The value in whole seconds; floating point numbers of this size have them exactly.
fn value(line: &str) -> Option<i64> {
    let number: f64 = line.rsplit_once(' ')?.1.parse().ok()?;
    let text = format!("{number:.0}");
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn version_and_end_of_the_certificate_are_read() {
        let text = "# TYPE imagegate_build_info gauge\n\
                    imagegate_build_info{build_date=\"d\",commit=\"c\",version=\"0.1.0\"} 1\n\
                    imagegate_tls_certificate_not_after_timestamp_seconds 1.797e9\n";
        let read = Metrics::read(text);
        assert_eq!(read.version.as_deref(), Some("0.1.0"));
        assert_eq!(read.certificate_ends, Some(1_797_000_000));
        let raw = Metrics::read("imagegate_build_info{version=\"a\u{1b}[31m\"} 1\n");
        assert_eq!(raw.version.as_deref(), Some(r"a\u{1b}[31m"));
        assert_eq!(Metrics::read("other 1\n"), Metrics::default());
        let none = "imagegate_tls_certificate_not_after_timestamp_seconds 0\n";
        assert_eq!(Metrics::read(none), Metrics::default());
    }
}
