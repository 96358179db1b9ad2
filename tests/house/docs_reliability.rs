//! docs/reliability.md names every test over real sockets, and none that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_table_and_the_tests_are_the_same() {
    let page = fs::read_to_string("docs/reliability.md").unwrap();
    let named: BTreeSet<String> =
        page.split('`').filter(|text| text.starts_with("wire::")).map(str::to_owned).collect();
    let there: BTreeSet<String> =
        fs::read_dir("tests/wire").unwrap().flat_map(|file| tests(&file.unwrap().path())).collect();
    let missing: Vec<_> = there.difference(&named).collect();
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not on the page: {missing:#?}; gone: {gone:#?}"
    );
}

/// The tests of a file, as the page names them.
fn tests(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let module = file.file_stem().unwrap().display();
    let mut names = Vec::new();
    for after in text.split("#[tokio::test").skip(1) {
        let (_, rest) = after.split_once("async fn ").unwrap();
        let (name, _) = rest.split_once('(').unwrap();
        names.push(format!("wire::{module}::{name}"));
    }
    names
}
