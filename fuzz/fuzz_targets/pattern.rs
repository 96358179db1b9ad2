//! A pattern that covers an image covers it by its parsed host; the first line is the pattern, the
//! second the image.
#![no_main]

use imagegate_core::image::Reference;
use imagegate_core::policy::{
    ContainerImage, Documents, SIMPLE_KEYS, Subject, compile,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((pattern, image)) = text.split_once('\n') else { return };
    let volume = [(SIMPLE_KEYS[0].to_owned(), pattern.as_bytes().to_vec())];
    let documents = Documents { volume: Some(volume.into()), ..Documents::default() };
    let Ok((policy, _)) = compile(&documents) else { return };
    let subject = Subject {
        namespace: "default", ..Subject::default() };
    let image = ContainerImage { container: "a".into(), image: Some(image.into()), ..ContainerImage::default() };
    let verdict = policy.evaluate(&subject, [&image]);
    if verdict.violations.is_empty() {
        let reference = Reference::parse(image.image.as_deref().unwrap()).expect("it was allowed");
        let literal = pattern.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.');
        assert!(!literal || reference.registry() == pattern, "{pattern} {reference}");
    }
});
