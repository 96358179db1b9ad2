//! The walls of the building: pure modules stay pure, files stay small, the map is true.

use std::fs;
use std::path::{Path, PathBuf};

/// Names that a pure module may not use: they stand for IO, clocks, tasks and global state.
const IMPURE: [&str; 16] = [
    "tokio",
    "warp",
    "hyper",
    "notify",
    "prometheus",
    "tracing",
    "arc_swap",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "now_utc",
];

const LONGEST_FILE: usize = 500;
const MEDIAN_FILE: usize = 150;

#[test]
fn pure_modules_know_no_io() {
    for module in ["src/image", "src/policy", "src/admission"] {
        for path in rust_files(Path::new(module)) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in code.enumerate() {
                for name in IMPURE {
                    assert!(!line.contains(name), "{}: line {number}: {line}", path.display());
                }
            }
        }
    }
}

#[test]
fn pure_modules_depend_in_one_direction() {
    for (module, forbidden) in [
        ("src/image", &["policy", "admission", "reload", "server", "telemetry", "cli"][..]),
        ("src/policy", &["admission", "reload", "server", "telemetry", "cli"]),
        ("src/admission", &["reload", "server", "telemetry", "cli"]),
        ("src/reload", &["admission", "server", "cli"]),
        ("src/telemetry", &["reload", "server", "cli"]),
        ("src/server", &["cli"]),
    ] {
        for path in rust_files(Path::new(module)) {
            let text = fs::read_to_string(&path).unwrap();
            for name in forbidden {
                let used = format!("crate::{name}");
                assert!(!text.contains(&used), "{} uses {used}", path.display());
            }
        }
    }
}

#[test]
fn files_are_small() {
    let mut lengths: Vec<(usize, PathBuf)> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|root| rust_files(Path::new(root)))
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .collect();
    lengths.sort();
    let (longest, path) = lengths.last().unwrap();
    assert!(*longest <= LONGEST_FILE, "{} has {longest} lines", path.display());
    let sources: Vec<_> = lengths.iter().filter(|(_, path)| path.starts_with("src")).collect();
    let (median, _) = sources[sources.len() / 2];
    assert!(*median <= MEDIAN_FILE, "the median file has {median} lines");
}

#[test]
fn every_module_says_what_it_is_for() {
    for path in ["src", "tests", "benches"].iter().flat_map(|root| rust_files(Path::new(root))) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with its purpose", path.display());
    }
}

#[test]
fn the_map_in_the_architecture_page_matches_the_tree() {
    let page = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    for path in rust_files(Path::new("src")) {
        let name = path.strip_prefix("src").unwrap().display().to_string();
        assert!(page.contains(&format!("`{name}`")), "docs/ARCHITECTURE.md does not name `{name}`");
    }
    let named = page.split('`').filter(|text| {
        Path::new(text).extension().is_some_and(|extension| extension == "rs")
            && !text.contains(' ')
    });
    for name in named {
        let exists = Path::new("src").join(name).is_file() || Path::new(name).is_file();
        assert!(exists, "docs/ARCHITECTURE.md names `{name}`, which is not there");
    }
}

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
