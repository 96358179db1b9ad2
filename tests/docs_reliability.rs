//! docs/reliability.md names every test over real sockets, and none that is not there.

use std::collections::BTreeSet;
use std::fs;

const FILES: [&str; 7] = [
    "wire_abuse",
    "wire_drain",
    "wire_observed",
    "wire_overload",
    "wire_protocol",
    "wire_reload",
    "wire_start",
];

#[test]
fn the_table_and_the_tests_are_the_same() {
    let page = fs::read_to_string("docs/reliability.md").unwrap();
    let named: BTreeSet<String> = page
        .split('`')
        .filter(|text| text.starts_with("wire_") && text.contains("::"))
        .map(str::to_owned)
        .collect();
    let there: BTreeSet<String> = FILES.iter().flat_map(|file| tests(file)).collect();
    assert_eq!(named, there);
}

/// The tests of a file, as the page names them.
fn tests(file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("tests/{file}.rs")).unwrap();
    let mut names = Vec::new();
    for after in text.split("#[tokio::test").skip(1) {
        let (_, rest) = after.split_once("async fn ").unwrap();
        let (name, _) = rest.split_once('(').unwrap();
        names.push(format!("{file}::{name}"));
    }
    names
}
