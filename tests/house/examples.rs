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
    assert_eq!(written.to_json(), built_in.to_json());
    assert_eq!(warnings, []);
}

#[test]
fn every_example_compiles_and_has_cases() {
    let entries = fs::read_dir("config/examples").unwrap().map(|entry| entry.unwrap().path());
    let directories: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(directories.len() >= 5, "{directories:?}");
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
