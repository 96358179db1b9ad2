//! The policies that ship with ImageGate compile without a problem and without a warning.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imagegate_core::policy::{Documents, compile, compile_candidate};

fn documents(directory: &Path) -> Documents {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let volume: BTreeMap<_, _> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    Documents { volume: Some(volume), ..Documents::default() }
}

#[test]
fn the_default_policy_as_files_is_the_built_in_one() {
    let (written, warnings) = compile(&documents(Path::new("config/policy"))).unwrap();
    let (built_in, _) = compile(&Documents::default()).unwrap();
    // Without a policy, as in the simple form, there are no warnings beside denials.
    let expected =
        built_in.to_json().replace(r#""denialWarnings":false"#, r#""denialWarnings":true"#);
    assert_eq!(written.to_json(), expected);
    assert_eq!(warnings, []);
}

#[test]
fn every_example_compiles_and_has_cases() {
    let entries = fs::read_dir("config/examples").unwrap().map(|entry| entry.unwrap().path());
    let directories: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(directories.len() >= 6, "{directories:?}");
    for directory in directories {
        let documents = documents(&directory);
        let candidate = compile_candidate(&documents);
        for (_, warnings) in [compile(&documents)].into_iter().chain(candidate).map(Result::unwrap)
        {
            assert_eq!(warnings, [], "{}", directory.display());
        }
        assert!(directory.with_extension("cases.yaml").is_file(), "{}", directory.display());
    }
}

/// The hash stands in audit logs and metrics: whoever compares it across releases must
/// find the same for the same policy.
#[test]
fn the_hashes_of_the_examples_are_those_of_earlier_releases() {
    let hash = |documents: &Documents| compile(documents).unwrap().0.hash().to_owned();
    assert_eq!(hash(&Documents::default()), "bee025311d0b");
    for (directory, expected) in [
        ("policy", "b7e4fac17795"),
        ("examples/production", "2f9d845dd8cd"),
        ("examples/registries", "13c24987bcd1"),
        ("examples/rollout", "9c863061623c"),
        ("examples/selectors", "99235240ba01"),
        ("examples/short-names", "2587c02ad8b0"),
        ("examples/simple", "bee025311d0b"),
        ("examples/teams", "8433964e9343"),
    ] {
        let documents = documents(&Path::new("config").join(directory));
        assert_eq!(hash(&documents), expected, "{directory}");
    }
    let rollout = compile_candidate(&documents(Path::new("config/examples/rollout")));
    assert_eq!(rollout.unwrap().unwrap().0.hash(), "e209a06b7c8e");
}
