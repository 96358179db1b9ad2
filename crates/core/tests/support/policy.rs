//! Policies and subjects for tests.
#![allow(dead_code, reason = "each test file uses a part of this")]

use imagegate_core::policy::{ContainerImage, Documents, Policy, Subject, Verdict, compile};

/// Documents with the full form alone.
pub(crate) fn full_form(yaml: &str) -> Documents {
    Documents::full_form(yaml)
}

/// Documents with these keys in the volume and no variable.
pub(crate) fn volume<const N: usize>(keys: [(&str, &str); N]) -> Documents {
    let keys = keys.map(|(key, text)| (key.to_owned(), text.as_bytes().to_vec()));
    Documents { volume: Some(keys.into()), ..Documents::default() }
}

/// Documents with these variables and no volume.
pub(crate) fn variables<const N: usize>(variables: [(&str, &str); N]) -> Documents {
    let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned()));
    Documents { variables: variables.into(), ..Documents::default() }
}

/// The policy of a full form that has no problem.
pub(crate) fn policy(yaml: &str) -> Policy {
    compile(&full_form(yaml)).unwrap().0
}

/// The policy without volume and variables.
pub(crate) fn default_policy() -> Policy {
    compile(&Documents::default()).unwrap().0
}

/// A Pod's image in the container `nginx`, at the first place.
pub(crate) fn container(image: &str) -> ContainerImage<'_> {
    ContainerImage {
        container: "nginx".into(),
        image: Some(image.into()),
        ..ContainerImage::default()
    }
}

/// An anonymous subject who creates a Pod in `namespace` at the epoch.
pub(crate) fn pod_in(namespace: &str) -> Subject<'_> {
    Subject { namespace, ..Subject::default() }
}

/// The verdict on one image of a Pod in `default`.
pub(crate) fn judge<'p>(policy: &'p Policy, image: &str) -> Verdict<'p> {
    policy.evaluate(&pod_in("default"), &[container(image)])
}

/// The message on one image of a Pod in `default`; `None` where it is fine.
pub(crate) fn message(policy: &Policy, image: &str) -> Option<String> {
    judge(policy, image).violations.pop().map(|violation| violation.message)
}
