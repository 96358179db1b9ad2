//! `imagegate check` on the custom resources of other projects.

use std::collections::BTreeSet;
use std::fs;

use crate::support::command::imagegate;
use serde_json::Value;

const RECORDED: &str = "tests/data/custom-resources";

/// Manifests in the published schemas of eight projects, and a table of what is in them.
#[test]
fn images_of_eight_projects_are_found() {
    let expected = fs::read_to_string(format!("{RECORDED}/expected.tsv")).unwrap();
    let expected: BTreeSet<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
    let ran = imagegate(&format!("check -f {RECORDED} -o json"));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["unreadable"]), (1, &0.into()), "{}", ran.err);
    let mut found = BTreeSet::new();
    for (mark, list) in [("", &report["findings"]), ("? ", &report["notJudged"])] {
        for each in list.as_array().unwrap() {
            let text = |key: &str| each[key].as_str().unwrap();
            let file = text("file").rsplit('/').next().unwrap();
            let object = format!("{} {}", text("kind"), text("name"));
            let line = format!("{file}\t{mark}{object}\t{}\t{}", text("field"), text("image"));
            assert!(found.insert(line), "found twice: {each}");
            // The place is that of the image in the text.
            let source = fs::read_to_string(text("file")).unwrap();
            let number = |key: &str| usize::try_from(each[key].as_u64().unwrap()).unwrap() - 1;
            let line = source.lines().nth(number("line")).unwrap();
            let column = number("column");
            let written = line[column..].trim_start_matches("docker://");
            assert!(written.starts_with(text("image")), "{each}");
        }
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, expected);
    let files: BTreeSet<&str> = found.iter().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(files.len(), 8);
}
