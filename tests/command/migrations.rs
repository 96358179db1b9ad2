//! Five policies of other engines, from their own format to verdicts: imported, valid, and with the answers
//! that both engines give. `tests/webhook/migrations.rs` goes on with the gate.

use std::fs;
use std::path::Path;

use crate::support::command::imagegate;

const MIGRATIONS: &str = "tests/data/migrations";

#[test]
fn each_policy_gives_the_verdicts_of_its_engine() {
    let directory = tempfile::tempdir().unwrap();
    let entries = fs::read_dir(MIGRATIONS).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<_> =
        entries.filter(|path| !path.to_string_lossy().contains("cases")).collect();
    assert_eq!(sources.len(), 5);
    for source in sources {
        let name = source.file_stem().unwrap().to_string_lossy().into_owned();
        let imported = imagegate(&format!("import {}", source.display()));
        // 1 where something is not said exactly, which the page lists.
        assert!([0, 1].contains(&imported.code), "{name}: {}", imported.err);
        assert!(!imported.err.contains("left out"), "{name}: {}", imported.err);
        let policy = directory.path().join(format!("{name}.yaml"));
        fs::write(&policy, &imported.out).unwrap();
        let cases = Path::new(MIGRATIONS).join(format!("{name}.cases.yaml"));
        let test = format!("test --policy {} {}", policy.display(), cases.display());
        let tested = imagegate(&test);
        assert_eq!(tested.code, 0, "{name}: {}{}", tested.out, imported.out);
    }
}
