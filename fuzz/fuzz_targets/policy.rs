//! Any document is a policy whose normal form is the same policy, or has problems.
#![no_main]

use imagegate_core::policy::{Difference, Documents, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    match compile(&Documents::full_form(text)) {
        Err(problems) => assert!(!problems.0.is_empty()),
        Ok((policy, _)) => {
            let (again, _) = compile(&Documents::full_form(policy.to_json()))
                .unwrap_or_else(|problems| panic!("{}\n{problems}", policy.to_json()));
            assert_eq!(again.hash(), policy.hash());
            assert!(Difference::between(&policy, &again).is_empty());
        }
    }
});
