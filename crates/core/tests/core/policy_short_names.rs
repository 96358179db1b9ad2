//! Short names that are looked up in a registry of the policy's.

use crate::support::policy::{container, full_form, message, pod_in, policy};
use imagegate_core::image::Reference;
use imagegate_core::policy::{Rule, compile};
use imagegate_core::usage::Usage;

#[test]
fn short_names_are_judged_where_the_nodes_look_them_up() {
    let yaml = "shortNames: {registry: 'Mirror.corp:443/hub'}\n\
                allowedRegistries: [mirror.corp/hub, {registry: mirror.corp/hub/acme, requireDigest: true}]\n\
                exemptions: [{name: e, images: [mirror.corp/hub/old], reason: r}]\n\
                overrides: [{name: deny, namespaces: [deny], shortNames: deny}]";
    let policy = policy(yaml);
    let long = format!("{}:1", "a".repeat(250));
    let rows = [
        ("default", "nginx:1", None),
        ("default", "nginx:latest", Some(Rule::BlockedTag)),
        ("default", "nginx", Some(Rule::MissingTag)),
        ("default", "acme/web:1", Some(Rule::MissingDigest)),
        ("default", "docker.io/library/nginx:1", Some(Rule::UntrustedRegistry)),
        ("default", "old:latest", None),
        ("default", &long, Some(Rule::InvalidReference)),
        ("deny", "nginx:1", Some(Rule::UntrustedRegistry)),
    ];
    for (namespace, image, expected) in rows {
        let subject = pod_in(namespace);
        let verdict = policy.evaluate(&subject, &[container(image)]);
        assert_eq!(verdict.violations.first().map(|it| it.rule), expected, "{image}");
        let reference = Reference::parse(image);
        let outcome = policy.outcome(
            &subject,
            Usage::of_pod("", "").form(),
            reference.as_ref().map_err(|error| *error),
        );
        assert_eq!(outcome.rule(), expected, "{image}");
        let explanation = policy.explain(&subject, &container(image));
        let broken = explanation.steps.iter().find(|step| !step.passed).map(|step| step.rule);
        assert_eq!(broken.filter(|_| image != "old:latest"), expected, "{image}");
    }
    let explanation = policy.explain(&pod_in("default"), &container("nginx:latest"));
    assert_eq!(explanation.canonical.as_deref(), Ok("mirror.corp/hub/nginx:latest"));
    assert_eq!(explanation.suggestions, ["mirror.corp/hub/nginx:<tag>"]);
    assert!(message(&policy, "nginx:latest").unwrap().contains("(nginx:latest)"));
}

#[test]
fn short_names_are_looked_up_in_one_place() {
    for (value, expected) in [
        (
            "{registry: '*.corp'}",
            "shortNames.registry: `*.corp` is not one registry\n  hint: write `host`",
        ),
        ("{registry: mirror.corp/hub:1}", "`mirror.corp/hub:1` is not one registry"),
        ("{registry: hub}", "`hub` can match no image"),
        ("{}", "shortNames: the mapping names no registry\n  hint: write `shortNames: {registry:"),
        ("{registy: a.b}", "the field `registy` is not known\n  hint: did you mean `registry`?"),
        ("{registry: [a]}", "shortNames.registry: expected a text, found a list"),
        ("[a]", "shortNames: expected a text, found a list"),
        ("denyy", "`denyy` is not one of `deny`, `dockerHub`\n  hint: did you mean `deny`?"),
    ] {
        let documents = full_form(&format!("shortNames: {value}"));
        let problems = compile(&documents).unwrap_err().to_string();
        assert!(problems.contains(expected), "{value}: {problems}");
    }
    let json = policy("shortNames: {registry: MIRROR.corp:443/hub}").to_json();
    assert!(json.contains(r#""shortNames":{"registry":"mirror.corp/hub"}"#), "{json}");
}
