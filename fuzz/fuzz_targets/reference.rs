//! Any text is a reference whose canonical form reads back as itself, or none.
#![no_main]

use imagegate_core::image::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(reference) = Reference::parse(text) else { return };
    let canonical = reference.to_string();
    let again = Reference::parse(&canonical).expect("a canonical form is a reference");
    assert_eq!(again.to_string(), canonical);
    assert_eq!(again.registry(), reference.registry());
    assert_eq!(again.repository(), reference.repository());
    assert_eq!((again.tag(), again.digest()), (reference.tag(), reference.digest()));
    assert!(!again.is_short_name());
});
