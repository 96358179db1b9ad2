//! `imagegate import`, with the examples of its page.

use std::fs;

use crate::support::command::{imagegate, imagegate_with};

const PAGE: &str = "docs/migrate.md";

/// The fenced blocks of the page that are YAML.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("\n```yaml\n").skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

#[test]
fn every_example_of_the_page_becomes_what_it_says() {
    let page = fs::read_to_string(PAGE).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 10, "{}", blocks.len());
    for pair in blocks.chunks(2) {
        let [source, expected] = pair else { panic!("a source without its policy: {pair:?}") };
        let ran = imagegate_with(&["import", "-"], source, &[]);
        assert_eq!(ran.out, *expected);
        let is_exact = !expected.contains("# What is not said exactly");
        assert_eq!(ran.code, i32::from(!is_exact), "{source}");
        assert_eq!(ran.err.lines().filter(|it| it.starts_with("inexact: ")).count() > 0, !is_exact);
        let valid = imagegate_with(&["validate", "--quiet", "-"], &ran.out, &[]);
        assert_eq!((valid.code, valid.err.as_str()), (0, ""), "{}", ran.out);
    }
}

#[test]
fn a_directory_is_one_policy() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("a.env", "ALLOWED_REGISTRIES=quay.io/\nBLOCKED_TAGS=\n");
    write("b.yaml", "registries: {reject: [quay.io]}\n");
    write("notes.txt", "not read");
    let path = directory.path().display().to_string();
    let ran = imagegate(&format!("import {path} --exactly"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = format!("blockedRegistries:\n  - quay.io           # {path}/b.yaml, ");
    assert!(ran.out.contains(&expected), "{}", ran.out);
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    for (input, said) in [
        ("a: [", "error: -: "),
        ("- a", "error: -: a document is not an object"),
        ("", "error: there is nothing to import"),
        ("kind: Secret", "left out: Secret is not a policy that `import` reads\nerror: "),
    ] {
        let ran = imagegate_with(&["import", "-"], input, &[]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{input}");
        assert!(ran.err.starts_with(said), "{input}: {}", ran.err);
    }
    let missing = imagegate("import /nonexistent.yaml");
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("cannot read `/nonexistent.yaml`"), "{}", missing.err);
}
