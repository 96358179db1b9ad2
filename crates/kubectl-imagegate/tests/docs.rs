//! What the pages say of the plugin can be typed: every command exists, with its flags.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_command_of_the_pages_can_be_parsed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut commands = 0;
    let mut pages = pages_in(&root.join("docs"));
    pages.push(root.join("README.md"));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let lines = text.lines().filter_map(|line| {
            // Below a step it is indented.
            let line = line.trim_start();
            let line = line.strip_prefix("$ ").unwrap_or(line);
            line.strip_prefix("kubectl imagegate ")
        });
        for line in lines {
            commands += 1;
            let line = line.split(['#', '|', '>']).next().unwrap();
            let words = std::iter::once("kubectl-imagegate").chain(line.split_whitespace());
            let parsed = kubectl_imagegate::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{}: kubectl imagegate {line}: {parsed:?}", page.display());
        }
    }
    assert!(commands >= 40, "{commands}");
}

fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(pages_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}
