//! Whatever an import reads becomes a policy that compiles, and nothing is left out without a note.
//!
//! The input is a document as a user hands it over: YAML or JSON, or lines of `NAME=value`.
#![no_main]

use imagegate_core::policy::{Documents, compile};
use imagegate_import::{documents, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(documents) = documents("input", text) else { return };
    for exactly in [false, true] {
        let imported = import(&documents, exactly);
        assert!(imported.sources > 0 || documents.is_empty() || !imported.notes.is_empty());
        if let Err(problems) = compile(&Documents::full_form(&*imported.policy)) {
            panic!("{problems}\n{}", imported.policy);
        }
        for note in &imported.notes {
            assert!(imported.policy.contains(&note.to_string()), "{note}");
        }
    }
});
