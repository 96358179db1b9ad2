//! Floors of Cargo.lock that published advisories set, checked without a network.

use std::fs;

/// The versions of a package in Cargo.lock.
fn versions(package: &str) -> Vec<(u64, u64, u64)> {
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    let name = format!("name = \"{package}\"");
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while lines.any(|line| line == name) {
        let version = lines.next().and_then(|line| line.strip_prefix("version = \"")).unwrap();
        let numbers: Vec<u64> =
            version.trim_end_matches('"').split('.').map(|part| part.parse().unwrap()).collect();
        versions.push((numbers[0], numbers[1], numbers[2]));
    }
    versions
}

#[test]
fn packages_with_advisories_are_above_their_floors() {
    for (package, floor) in
        [("h2", (0, 4, 16)), ("hyper", (1, 11, 0)), ("rustls-webpki", (0, 103, 13))]
    {
        let versions = versions(package);
        assert!(!versions.is_empty(), "{package} is not in Cargo.lock");
        assert!(versions.iter().all(|version| *version >= floor), "{package} {versions:?}");
    }
}

#[test]
fn packages_that_nobody_keeps_are_absent() {
    for package in ["openssl-sys", "rustls-pemfile", "serde_yaml", "serde_yml"] {
        assert_eq!(versions(package), [], "{package}");
    }
}
