//! The reader of reviews accepts nothing that serde_json refuses, and reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| imagegate_core::admission::compare_readers(body));
