//! JUnit's XML through quick-junit: a suite for each file, a test for each image.
//!
//! A refused image is a failure, and what could not be judged an error. There is no word for a warning:
//! it passes, and says so in its output.

use std::collections::HashMap;
use std::io;

use imagegate_core::policy::printable;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::remark::{Level, Remark, Remarks};
use crate::rules::RuleId;

pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    let mut positions = HashMap::new();
    let mut suites: Vec<TestSuite> = Vec::new();
    for remark in &remarks.list {
        let file = remark.place.as_ref().map(|place| &place.file);
        let position = *positions.entry(file).or_insert(suites.len());
        if position == suites.len() {
            suites.push(TestSuite::new(&*printable(file.map_or("images", |file| file))));
        }
        if let Some(suite) = suites.get_mut(position) {
            let test = test_case(remark, suite.name.as_str());
            suite.add_test_case(test);
        }
    }
    let mut report = quick_junit::Report::new(remarks.command);
    report.add_test_suites(suites);
    let text = report.to_string().map_err(io::Error::other)?;
    // It counts skipped tests in the outermost element too, where Jenkins' schema (`junit-10.xsd`)
    // refuses the attribute. The first one is that: only the name of a command stands before it.
    let text = text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1);
    out.write_all(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
}

fn test_case(remark: &Remark, suite: &str) -> TestCase {
    let message = printable(&remark.message);
    let mut status = match remark.level {
        Level::Error if remark.known => TestCaseStatus::skipped(),
        Level::Error => TestCaseStatus::non_success(match remark.rule {
            RuleId::Unreadable | RuleId::NotUnderstood => NonSuccessKind::Error,
            _ => NonSuccessKind::Failure,
        }),
        Level::Note if remark.rule == RuleId::NotJudged => TestCaseStatus::skipped(),
        Level::Note | Level::Passed | Level::Warning => TestCaseStatus::success(),
    };
    let known = if remark.known { "known before: " } else { "" };
    status.set_message(format!("{known}{message}"));
    status.set_type(remark.rule.as_str());
    status.set_description(description(remark));
    let mut name = printable(&remark.subject).into_owned();
    if !remark.object.is_empty() {
        name = format!("{name} ({})", printable(&remark.object));
    }
    let mut test =
        TestCase::new(if name.is_empty() { remark.rule.as_str() } else { &name }, status);
    test.set_classname(suite);
    if matches!(remark.level, Level::Warning | Level::Note) {
        test.set_system_out(description(remark));
    }
    test
}

/// The place, the message and the hint, a line each.
fn description(remark: &Remark) -> String {
    let mut lines = Vec::new();
    if let Some(place) = &remark.place {
        let number = |number: Option<u64>| number.map(|number| format!(":{number}"));
        let line = number(place.line).unwrap_or_default();
        let column = number(place.column).unwrap_or_default();
        lines.push(format!("{}{line}{column}", printable(&place.file)));
    }
    lines.push(printable(&remark.message).into_owned());
    lines.extend(remark.hint.as_ref().map(|hint| format!("hint: {}", printable(hint))));
    lines.join("\n")
}
