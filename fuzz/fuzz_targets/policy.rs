//! Any document is a policy whose normal form is the same policy, or has problems.
#![no_main]

use imagegate_core::policy::{Difference, Documents, POLICY_KEY, compile};
use libfuzzer_sys::fuzz_target;

fn documents(text: &[u8]) -> Documents {
    let volume = [(POLICY_KEY.to_owned(), text.to_vec())];
    Documents { volume: Some(volume.into()), ..Documents::default() }
}

fuzz_target!(|text: &[u8]| {
    match compile(&documents(text)) {
        Err(problems) => assert!(!problems.0.is_empty()),
        Ok((policy, _)) => {
            let (again, _) = compile(&documents(policy.to_json().as_bytes()))
                .unwrap_or_else(|problems| panic!("{}\n{problems}", policy.to_json()));
            assert_eq!(again.hash(), policy.hash());
            assert!(Difference::between(&policy, &again).is_empty());
        }
    }
});
