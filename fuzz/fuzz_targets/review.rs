//! Any body is answered or an error; what is allowed is in the list.
#![no_main]

use std::sync::LazyLock;

use imagegate_core::admission::{
    Before, Judging, NamespaceEdit, Operation, PolicyEdit, Review, SeenHere,
};
use imagegate_core::image::Reference;
use imagegate_core::policy::{Decision, Documents, Policy, compile};
use imagegate_core::usage::Usage;
use libfuzzer_sys::fuzz_target;

/// Goes by all that a review can have.
static SELECTING: LazyLock<Policy> = LazyLock::new(|| {
    let policy = "imagePullPolicy: always
templates: enforce
overrides:
  - {name: o, podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}, mode: warn}
exemptions:
  - {name: e, images: ['*'], reason: r, containers: [init, ephemeral], podSelector: {matchLabels: {app: web}}}
";
    let volume = [("policy.yaml".to_owned(), policy.as_bytes().to_vec())];
    let documents = Documents { volume: Some(volume.into()), ..Documents::default() };
    compile(&documents).expect("a valid policy").0
});

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| compile(&Documents::default()).expect("the default policy").0);

fuzz_target!(|body: &[u8]| {
    if let Ok(mut edit) = PolicyEdit::parse(body) {
        let guarded = match edit.judge() {
            Judging::AtOnce(guarded) => guarded,
            Judging::Compile(policy) => {
                let before = Before { policy: Some(&POLICY), candidate: None };
                // An image that the default policy admits, and a stricter one would refuse.
                let usages = Some([Usage::of_pod("default", "docker.io/library/nginx:1")]);
                let seen = SeenHere { usages, total: 1, replica: "a", since: 0, now: 0 };
                policy.judge(&std::collections::BTreeMap::new(), before, &seen).guarded
            }
        };
        assert!(!edit.answer(&guarded).is_empty());
    }
    if let Ok(edit) = NamespaceEdit::parse(body) {
        let _ = edit.judge(POLICY.opt_out());
    }
    if let Ok(review) = Review::parse_with(body, SELECTING.reading()) {
        let verdict = review.judge(&SELECTING, None, 0);
        assert!(!review.answer(&verdict).is_empty());
        // Whatever is described was judged, or was not read.
        let judged = review.judged(&SELECTING, None).count();
        assert!(verdict.exempted_total <= judged);
    }
    let Ok(review) = Review::parse(body) else { return };
    assert!(!review.uid().is_empty());
    let verdict = review.judge(&POLICY, None, 0);
    assert!(!review.answer(&verdict).is_empty());
    if verdict.decision == Decision::Deny || review.operation() != Operation::Create {
        return;
    }
    // Templates are only warned about by the default policy, so look at what breaks no rule.
    if verdict.violations.is_empty() {
        for image in review.images() {
            let image = image.image.as_deref().expect("a missing image breaks a rule");
            let reference = Reference::parse(image).expect("what is no reference breaks a rule");
            assert!(["docker.io", "gcr.io"].contains(&reference.registry()), "{image}");
        }
    }
});
