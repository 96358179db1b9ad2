//! The table and the charts of docs/sizing.md.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::chart::{Axis, Chart};
use crate::measured;
use crate::plan::{self, API_SERVERS, PODS, Row};

/// Writes the charts into a directory, and gives the table.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn write(directory: &Path) -> io::Result<String> {
    for (name, chart) in [("old", after_edit()), ("busiest", busiest()), ("p99", p99())] {
        fs::write(directory.join(format!("sizing-{name}.svg")), chart.svg())?;
    }
    Ok(table())
}

fn table() -> String {
    let mut text = String::from(
        "| Pods/s | API servers | replicas | CPU request | CPU used | p50, p99, p99.9 | p99, one less \
         | busiest | connections/s | lost: node, drain |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for pods in PODS {
        for api_servers in API_SERVERS {
            match plan::smallest(pods, api_servers) {
                Some(row) => text.push_str(&line(&row)),
                None => {
                    let _ = writeln!(
                        text,
                        "| {pods} | {api_servers} | none of those that were tried |"
                    );
                }
            }
        }
    }
    let _ = writeln!(text, "\nMeasured: {}", measured::taken());
    text
}

fn line(row: &Row) -> String {
    let ms = |seconds: f64| format!("{:.2}", seconds * 1e3);
    format!(
        "| {} | {} | {} | {:.0}m | {:.0}m | {}, {}, {} ms | {} ms | {:.0} % | {:.1} | {:.0}, {} |\n",
        row.pods,
        row.api_servers,
        row.replicas,
        row.cores * 1e3,
        row.used * 1e3,
        ms(row.p50),
        ms(row.p99),
        ms(row.p999),
        ms(row.p99_less),
        row.busiest * 100.0,
        row.opened,
        row.lost_with_node,
        row.lost_with_drain,
    )
}

fn after_edit() -> Chart {
    let line = |replicas| {
        let points = plan::old_after_edit(3, replicas).into_iter().enumerate();
        let points = points.map(|(second, part)| (second as f64 + 0.5, part * 100.0));
        (format!("{replicas} replicas"), points.collect())
    };
    Chart {
        title: "Reviews by the old policy after an edit",
        x: linear("seconds since the edit", &[0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0]),
        y: linear("% of the reviews", &[0.0, 25.0, 50.0, 75.0, 100.0]),
        lines: vec![line(2), line(6)],
    }
}

fn busiest() -> Chart {
    let line = |replicas| {
        let points = [1, 2, 4, 8, 16, 32]
            .map(|api_servers| (api_servers as f64, plan::busiest(api_servers, replicas) * 100.0));
        (format!("{replicas} replicas"), points.to_vec())
    };
    Chart {
        title: "What the busiest replica has of all reviews, at 1,000 Pods a second",
        x: logarithmic("API servers", &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
        y: linear("% of the reviews", &[0.0, 25.0, 50.0, 75.0, 100.0]),
        lines: vec![line(2), line(3), line(6)],
    }
}

fn p99() -> Chart {
    let line = |cores: f64| {
        let points = [100.0, 300.0, 1_000.0, 3_000.0, 10_000.0].into_iter().filter_map(|pods| {
            let used = pods * crate::constants::REVIEWS_PER_POD * plan::mean_work();
            let fits = used < plan::MOST_LOAD * 3.0 * cores;
            fits.then(|| (pods, plan::p99(pods, 3, 3, cores) * 1e3))
        });
        (format!("{:.0}m each", cores * 1e3), points.collect())
    };
    Chart {
        title: "99 of 100 reviews, 3 replicas, 3 API servers, no more CPU than requested",
        x: logarithmic("Pods a second", &[100.0, 300.0, 1_000.0, 3_000.0, 10_000.0]),
        y: logarithmic("milliseconds", &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]),
        lines: vec![line(0.25), line(0.5), line(1.0), line(2.0)],
    }
}

fn linear(name: &'static str, marks: &[f64]) -> Axis {
    Axis { name, marks: marks.to_vec(), logarithmic: false }
}

fn logarithmic(name: &'static str, marks: &[f64]) -> Axis {
    Axis { name, marks: marks.to_vec(), logarithmic: true }
}
