//! GitLab's code quality report: a list of issues, each with a fingerprint that is its own. GitLab
//! compares the lists of two branches by these, and shows what a merge request adds.
//!
//! Source: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use std::io;

use serde::Serialize;

use imagegate_core::policy::printable;

use crate::json::write_json;
use crate::remark::{Level, Remark, Remarks};

use super::relative;

#[derive(Serialize)]
struct Issue<'r> {
    description: String,
    check_name: &'static str,
    fingerprint: &'r str,
    severity: &'static str,
    location: Location<'r>,
}

#[derive(Serialize)]
struct Location<'r> {
    path: &'r str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
}

pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    let issues: Vec<_> = remarks.shown().map(issue).collect();
    write_json(&issues, out)
}

fn issue(remark: &Remark) -> Issue<'_> {
    let place = remark.place.as_ref();
    Issue {
        description: remark.full_message().lines().map(printable).collect::<Vec<_>>().join("; "),
        check_name: remark.rule.as_str(),
        fingerprint: &remark.fingerprint,
        severity: match remark.level {
            Level::Error => "major",
            Level::Warning => "minor",
            Level::Note | Level::Passed => "info",
        },
        location: Location {
            // A path is required, also of an image that was named on the command line.
            path: place.map_or("-", relative),
            lines: Lines { begin: place.and_then(|place| place.line).unwrap_or(1) },
        },
    }
}
