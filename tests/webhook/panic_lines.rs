//! What a panic leaves in the log: a line that is escaped and cut, and never many.

use std::panic::catch_unwind;
use std::process::Command;
use std::time::Instant;

use imagegate::telemetry::{Log, LogFormat};
use serde_json::Value;

const PANICS: u64 = 1_000;

/// Set in the process whose standard error is read.
const CHILD: &str = "IMAGEGATE_TEST_PANICS";

#[test]
fn lines_about_panics_are_cut_and_never_many() {
    if std::env::var_os(CHILD).is_some() {
        return panic_often();
    }
    let started = Instant::now();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panic_lines::lines_about_panics_are_cut_and_never_many", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let most = 4 * (started.elapsed().as_secs() + 2);
    assert!(child.status.success(), "{child:?}");
    let log = String::from_utf8(child.stderr).unwrap();
    let lines: Vec<Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!((1..=most).contains(&(lines.len() as u64)), "{} lines, at most {most}", lines.len());
    for (line, raw) in lines.iter().zip(log.lines().filter(|line| line.starts_with('{'))) {
        assert_eq!(line["message"], "panic: this is a defect of ImageGate");
        assert!(
            line["place"].as_str().unwrap().starts_with("tests/webhook/panic_lines.rs:"),
            "{line}"
        );
        assert!(line["said"].as_str().unwrap().contains(r"\n\u{1b}[31mxxx"), "{line}");
        assert!(raw.len() < 1_000 && !raw.contains('\u{1b}'), "{} bytes: {raw}", raw.len());
    }
}

fn panic_often() {
    let _log = Log::start(LogFormat::Json, "info").unwrap();
    for index in 0..PANICS {
        let text = format!("{index}\n\u{1b}[31m{}", "x".repeat(10_000));
        catch_unwind(|| panic!("{text}")).unwrap_err();
    }
}
