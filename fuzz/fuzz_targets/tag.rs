//! A range of versions matches only tags that are versions, and none that is below its one lower
//! bound; the first line is the pattern, the second the tag.
#![no_main]

use imagegate_core::policy::{
    ContainerImage, Documents, Rule, Subject, compile,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((pattern, tag)) = text.split_once('\n') else { return };
    // As JSON, so that every text is one item.
    let policy = format!("allowedRegistries: ['*']\nblockedTags: [{}]", serde_json::json!(pattern));
    let volume = [("policy.yaml".to_owned(), policy.into_bytes())];
    let documents = Documents { volume: Some(volume.into()), ..Documents::default() };
    let Ok((policy, _)) = compile(&documents) else { return };
    let subject = Subject {
        namespace: "default", ..Subject::default() };
    let image = format!("gcr.io/a:{tag}");
    let image = ContainerImage { container: "a".into(), image: Some(image.into()), ..ContainerImage::default() };
    let verdict = policy.evaluate(&subject, [&image]);
    let is_blocked = verdict.violations.iter().any(|each| each.rule == Rule::BlockedTag);
    let Some(range) = pattern.strip_prefix("semver:").filter(|_| is_blocked) else { return };
    let first = tag.trim_start_matches(['v', 'V']).split(['.', '-', '_']).next().unwrap();
    let major: u64 = first.parse().expect("a version begins with a number");
    if let Some(lowest) = range.strip_prefix(">=").and_then(|bound| bound.parse::<u64>().ok()) {
        assert!(major >= lowest, "{pattern} {tag}");
    }
});
