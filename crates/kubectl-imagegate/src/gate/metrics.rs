//! The few series of `/metrics` that a person asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use imagegate_core::policy::printable;

/// Buckets of the histogram and rules that are read; a gate has fewer of either.
const MOST_SERIES: usize = 64;
/// Bytes of the name of a rule that is read.
const LONGEST_RULE: usize = 64;

/// What the metrics of a replica say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics {
    /// Of the replica, printable.
    pub(crate) version: Option<String>,
    /// When the certificate that is served ends, in Unix seconds.
    pub(crate) certificate_ends: Option<i64>,
    /// What it has counted; `None` where it counts no decisions.
    pub(crate) counted: Option<Counted>,
}

/// What a replica has counted since it started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// Reviews that were answered.
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    /// Violations by the name of the rule, printable, in whatever mode.
    pub(crate) violations: BTreeMap<String, u64>,
    /// Reviews by the time they took: an upper bound in seconds, infinity last, with how many took at most as
    /// long.
    pub(crate) latency: Vec<(f64, u64)>,
}

impl Metrics {
    /// Reads the text format; lines that are not asked for are passed over.
    pub(crate) fn read(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            let Some(line) = line.strip_prefix("imagegate_") else { continue };
            if line.starts_with("build_info{") {
                let version = label(line, "version").map(printable);
                metrics.version = version.map(Cow::into_owned);
            } else if line.starts_with("tls_certificate_not_after_timestamp_seconds") {
                metrics.certificate_ends = value(line).filter(|ends| *ends > 0);
            } else {
                metrics.count(line);
            }
        }
        metrics
    }

    fn count(&mut self, line: &str) {
        let Some(number) = value(line).and_then(|number| u64::try_from(number).ok()) else {
            return;
        };
        if line.starts_with("admission_decisions_total{") {
            let counted = self.counted.get_or_insert_default();
            let total = match label(line, "decision") {
                Some("allow") => &mut counted.allowed,
                Some("deny") => &mut counted.denied,
                _ => return,
            };
            *total = total.saturating_add(number);
        } else if line.starts_with("violations_total{") {
            let rule = label(line, "rule").filter(|rule| rule.len() <= LONGEST_RULE);
            let Some(rule) = rule.map(printable) else { return };
            let counted = self.counted.get_or_insert_default();
            if counted.violations.len() < MOST_SERIES || counted.violations.contains_key(&*rule) {
                let total = counted.violations.entry(rule.into_owned()).or_default();
                *total = total.saturating_add(number);
            }
        } else if line.starts_with("admission_duration_seconds_bucket{") {
            let bound = label(line, "le").and_then(|bound| bound.parse().ok());
            let counted = self.counted.get_or_insert_default();
            if let Some(bound) = bound.filter(|_| counted.latency.len() < MOST_SERIES) {
                counted.latency.push((bound, number));
            }
        }
    }
}

fn label<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// The value in whole numbers; floating point numbers of this size have them exactly.
fn value(line: &str) -> Option<i64> {
    let number: f64 = line.rsplit_once(' ')?.1.parse().ok()?;
    let text = format!("{number:.0}");
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use super::{Counted, Metrics};

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

    #[test]
    fn what_was_counted_is_added_up_over_the_other_labels() {
        let text = "\
            imagegate_admission_decisions_total{decision=\"allow\",mode=\"enforce\",operation=\"CREATE\"} 40\n\
            imagegate_admission_decisions_total{decision=\"allow\",mode=\"warn\",operation=\"UPDATE\"} 2\n\
            imagegate_admission_decisions_total{decision=\"deny\",mode=\"enforce\",operation=\"CREATE\"} 3\n\
            imagegate_violations_total{mode=\"enforce\",rule=\"blocked-tag\"} 3\n\
            imagegate_violations_total{mode=\"warn\",rule=\"blocked-tag\"} 1\n\
            imagegate_violations_total{mode=\"warn\",rule=\"new\u{202e}\"} 1\n\
            imagegate_admission_duration_seconds_bucket{le=\"0.00005\"} 30\n\
            imagegate_admission_duration_seconds_bucket{le=\"+Inf\"} 45\n\
            imagegate_admission_duration_seconds_sum 0.01\n\
            imagegate_violations_total{mode=\"warn\",rule=\"missing-tag\"} -1\n";
        let counted = Metrics::read(text).counted.unwrap();
        let violations = [("blocked-tag", 4), (r"new\u{202e}", 1)];
        let violations = violations.map(|(rule, count)| (rule.to_owned(), count));
        let expected = Counted {
            allowed: 42,
            denied: 3,
            violations: BTreeMap::from(violations),
            latency: vec![(0.00005, 30), (f64::INFINITY, 45)],
        };
        assert_eq!(counted, expected);
    }

    #[test]
    fn a_replica_that_makes_series_up_costs_no_memory() {
        let mut text = String::new();
        for number in 0..10_000 {
            let _ = writeln!(text, "imagegate_violations_total{{rule=\"r{number}\"}} 1");
            let _ =
                writeln!(text, "imagegate_admission_duration_seconds_bucket{{le=\"{number}\"}} 1");
        }
        let counted = Metrics::read(&text).counted.unwrap();
        assert_eq!((counted.violations.len(), counted.latency.len()), (64, 64));
        let long = "r".repeat(65);
        let long = Metrics::read(&format!("imagegate_violations_total{{rule=\"{long}\"}} 1\n"));
        assert_eq!(long.counted, None);
    }
}
