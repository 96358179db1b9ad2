//! Messages in the words of the policy: which template is used for what, and what of it is checked.

use crate::support::policy::{container, default_policy, full_form, pod_in, policy};
use imagegate_core::policy::{ContainerImage, Difference, compile};
use proptest::prelude::*;

const OWN: &str = "
messages:
  missing-tag: '{image} needs a tag'
  untrusted-registry: '{registry} is not ours'
  blocked-tag: '{container} in {namespace}: {repository} may not be {tag}'
allowedRegistries:
  - docker.io
  - {registry: gcr.io, requireDigest: true, message: 'pin {image}'}
overrides:
  - {name: usual, namespaces: [usual], messages: {}}
  - {name: own, namespaces: [own], messages: {blocked-tag: 'not here'}}
";

#[test]
fn the_message_is_that_of_the_entry_then_of_the_rule_then_the_usual_one() {
    let policy = policy(OWN);
    let usual = |image: &str| {
        let default = default_policy();
        let verdict = default.evaluate(&pod_in("default"), &[container(image)]);
        verdict.violations[0].message.clone()
    };
    let tag = "docker.io/a/b:latest";
    let rows = [
        ("shop", "docker.io/a/b", "docker.io/a/b needs a tag".to_owned()),
        ("shop", "quay.io/a/b:1", "quay.io is not ours".to_owned()),
        ("shop", tag, "nginx in shop: a/b may not be latest".to_owned()),
        ("shop", "gcr.io/a/b:1", "pin gcr.io/a/b:1".to_owned()),
        ("shop", "gcr.io/a/b:latest", "pin gcr.io/a/b:latest".to_owned()),
        ("usual", tag, usual(tag)),
        ("usual", "gcr.io/a/b:1", "pin gcr.io/a/b:1".to_owned()),
        ("own", tag, "not here".to_owned()),
        ("own", "docker.io/a/b", usual("docker.io/a/b")),
    ];
    for (namespace, image, expected) in rows {
        let verdict = policy.evaluate(&pod_in(namespace), &[container(image)]);
        assert_eq!(verdict.violations[0].message, expected, "{image} in {namespace}");
    }
    let invalid = policy.evaluate(&pod_in("shop"), &[container("a b")]);
    assert!(invalid.violations[0].message.contains("is not a valid reference!"));
}

#[test]
fn the_hash_stands_for_the_policy() {
    let policy = policy("messages: {blocked-tag: 'by {policy}'}");
    let verdict = policy.evaluate(&pod_in("default"), &[container("docker.io/a:latest")]);
    assert_eq!(verdict.violations[0].message, format!("by {}", policy.hash()));
}

#[test]
fn an_exemption_that_expired_is_named_behind_the_message() {
    let policy = policy(
        "messages: {untrusted-registry: 'no'}\n\
         exemptions: [{name: e, images: [quay.io], reason: r, expires: 1969-12-30}]",
    );
    let verdict = policy.evaluate(&pod_in("default"), &[container("quay.io/a:1")]);
    assert_eq!(verdict.violations[0].message, "no The exemption `e` expired on 1969-12-30.");
}

#[test]
fn what_is_no_template_is_a_problem_at_its_place() {
    let rows = [
        (
            "messages: {blocked-tag: '{imgae}'}",
            "policy.yaml:1:25: messages.blocked-tag: `{imgae}` is not a name for a message\n  hint: did you mean `{image}`?",
        ),
        (
            "messages: {blocked-tags: a}",
            "1:12: messages: `blocked-tags` is not a rule with a message\n  hint: did you mean `blocked-tag`?",
        ),
        ("messages: {invalid-reference: a}", "`invalid-reference` is not a rule with a message"),
        ("messages: [a]", "messages: expected a mapping, found a list\n  hint: write a rule"),
        ("messages: {blocked-tag: [a]}", "messages.blocked-tag: expected a text, found a list"),
        (
            "overrides: [{name: o, messages: {missing-tag: '{'}}]",
            "overrides[0].messages.missing-tag: a `{` stands alone",
        ),
        (
            "allowedRegistries: [{registry: a.b, message: ''}]",
            "allowedRegistries[0].message: the message is empty\n  hint: leave it out for the usual text",
        ),
    ];
    for (yaml, expected) in rows {
        let problems = compile(&full_form(yaml)).unwrap_err().to_string();
        assert!(problems.contains(expected), "{yaml}\n{problems}");
    }
}

#[test]
fn messages_are_in_the_normal_form_where_there_are_some() {
    let json = policy(OWN).to_json();
    assert!(json.contains(r#""messages":{"blocked-tag":"{container} in"#), "{json}");
    assert!(json.contains(r#"{"message":"pin {image}","registry":"gcr.io","requireDigest":true}"#));
    assert!(json.contains(r#""messages":{},"name":"usual""#), "{json}");
    let (plain, empty) = (policy("mode: warn"), policy("mode: warn\nmessages: {}"));
    assert_eq!(plain.hash(), empty.hash(), "the hash of such a policy stays");
    assert!(!plain.to_json().contains("messages"));
}

#[test]
fn a_change_of_words_never_loosens() {
    for (old, new, expected) in [
        ("mode: enforce", "messages: {blocked-tag: a}", r#"messages: none → {"blocked-tag":"a"}"#),
        (
            "allowedRegistries: [{registry: a.b, message: x}]",
            "allowedRegistries: [{registry: a.b, message: y}]",
            "allowedRegistries[a.b].message: x → y",
        ),
    ] {
        let difference = Difference::between(&policy(old), &policy(new));
        assert_eq!((difference.to_string().as_str(), difference.loosens), (expected, false));
    }
}

proptest! {
    #[test]
    fn no_text_of_a_user_leaves_its_line(name in "\\PC{0,40}|[\\x00-\\x20a]{0,40}", tag in "[a-z]{1,5}") {
        let policy = policy("messages: {blocked-tag: '{container}|{namespace}|{tag}'}\nblockedTags: ['*']");
        let image = format!("docker.io/a/b:{tag}");
        let image = ContainerImage { container: name.as_str().into(), ..container(&image) };
        let verdict = policy.evaluate(&pod_in(&name), &[image]);
        let message = &verdict.violations[0].message;
        prop_assert!(message.chars().all(imagegate_core::policy::is_printable), "{:?}", message);
        prop_assert!(message.ends_with(&format!("|{tag}")), "{:?}", message);
    }
}
