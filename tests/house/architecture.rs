//! The walls of the building: dependencies go one way, files stay small, the map is true. That the
//! core is pure needs no test: its crate depends on nothing that could reach a file or a socket.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOTS: [&str; 4] = ["src", "crates", "tests", "benches"];
const LONGEST_FILE: usize = 500;

#[test]
fn modules_depend_in_one_direction() {
    for (module, forbidden) in [
        ("crates/core/src/image", &["policy", "usage", "admission"][..]),
        ("crates/core/src/policy", &["usage", "admission"]),
        ("crates/core/src/usage", &["admission"]),
        ("crates/check/src/manifests", &["judge"]),
        ("src/observed", &["reload", "server", "cli"]),
        ("src/reload", &["observed", "server", "cli"]),
        ("src/telemetry", &["observed", "reload", "server", "cli"]),
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
fn no_file_is_a_hall() {
    for path in ROOTS.iter().flat_map(|root| rust_files(Path::new(root))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for path in ROOTS.iter().flat_map(|root| rust_files(Path::new(root))) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with its purpose", path.display());
    }
}

#[test]
fn the_map_in_the_architecture_page_matches_the_tree() {
    let page = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let (_, map) = page.split_once("## Map").unwrap();
    let rooms: BTreeSet<String> = [
        "src",
        "crates/check/src",
        "crates/core/src",
        "crates/kubectl-imagegate/src",
        "crates/playground/src",
    ]
    .iter()
    .flat_map(|root| rooms(Path::new(root)))
    .collect();
    let named: BTreeSet<String> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(named, rooms);
}

/// A package takes all lints of the workspace or none. Where one of them cannot hold, the list is repeated.
#[test]
fn a_package_with_lints_of_its_own_differs_in_unsafe_code_alone() {
    let table = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap();
        let (_, table) = text.split_once(&format!("[{name}]\n")).unwrap();
        let lines = table.split("\n[").next().unwrap().lines();
        let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let of_package = |name: &str| table("crates/playground/Cargo.toml", &format!("lints.{name}"));
    let of_workspace = |name: &str| table("Cargo.toml", &format!("workspace.lints.{name}"));
    assert_eq!(of_package("clippy"), of_workspace("clippy"));
    let (own, all) = (of_package("rust"), of_workspace("rust"));
    let differing: Vec<&str> = own.symmetric_difference(&all).map(String::as_str).collect();
    assert_eq!(differing, ["unsafe_code = \"deny\"", "unsafe_code = \"forbid\""]);
}

/// The files and folders right below a root: what a newcomer sees first.
fn rooms(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let shown = |path: PathBuf| {
        let slash = if path.is_dir() { "/" } else { "" };
        format!("{}{slash}", path.display())
    };
    entries.map(shown).collect()
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
