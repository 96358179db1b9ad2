//! Any policy is formatted: to the same policy with the same comments, and the second time to the same text.
#![no_main]

use imagegate_core::policy::{Unformatted, format};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match format(text) {
        // That the hash and the comments are the same is compared before anything is handed out.
        Ok(once) => assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "{text}"),
        Err(Unformatted::Invalid(problems)) => assert!(!problems.0.is_empty()),
        Err(Unformatted::Refused(problem)) => {
            assert_eq!(problem.message, "the policy as a whole has an anchor", "{text}");
        }
    }
});
