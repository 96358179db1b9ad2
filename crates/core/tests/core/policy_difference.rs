//! What a change of policy is called, and whether it loosens.

use crate::support::policy::policy;
use imagegate_core::policy::Difference;

#[test]
fn changes_of_rules_are_said_in_words_and_loosening_is_flagged() {
    hold(&[
        ("", "", "", false),
        ("", "allowedRegistries: [gcr.io, docker.io]", "allowedRegistries: reordered", false),
        (
            "",
            "allowedRegistries: [docker.io, quay.io]",
            "allowedRegistries: +quay.io -gcr.io",
            true,
        ),
        ("", "allowedRegistries: [docker.io]", "allowedRegistries: -gcr.io", false),
        ("blockedRegistries: [a.b]", "", "blockedRegistries: -a.b", true),
        ("", "blockedRegistries: [a.b]", "blockedRegistries: +a.b", false),
        ("", "blockedTags: [latest]", "blockedTags: -staging", true),
        ("", "allowedTags: [v*]", "allowedTags: +v*", false),
        ("allowedTags: [v*]", "", "allowedTags: -v*", true),
        ("allowedTags: [v*, w*]", "allowedTags: [v*]", "allowedTags: -w*", false),
        ("allowedTags: [v*]", "allowedTags: [v*, w*]", "allowedTags: +w*", true),
        ("", "mode: warn", "mode: enforce → warn", true),
        ("mode: audit", "mode: warn", "mode: audit → warn", false),
        ("", "requireTag: false\nblockedTags: [staging, latest]", "requireTag: true → false", true),
        ("", "requireDigest: true", "requireDigest: false → true", false),
        ("", "shortNames: dockerHub", "shortNames: deny → dockerHub", true),
        ("", "shortNames: {registry: a.b/c}", r#"shortNames: deny → {"registry":"a.b/c"}"#, true),
        (
            "shortNames: {registry: a.b}",
            "shortNames: {registry: c.d}",
            r#"shortNames: {"registry":"a.b"} → {"registry":"c.d"}"#,
            true,
        ),
        ("shortNames: {registry: a.b}", "", r#"shortNames: {"registry":"a.b"} → deny"#, true),
        ("shortNames: dockerHub", "", "shortNames: dockerHub → deny", false),
        ("", "updates: all", "updates: changed → all", false),
        ("updates: all", "", "updates: all → changed", true),
        ("", "templates: ignore", "templates: warn → ignore", true),
        ("", "denialWarnings: false", "denialWarnings: true → false", false),
        (
            "",
            "workloads: [{group: a.b, kind: C, podSpec: /spec}]",
            "workloads: +a.b/C:/spec",
            false,
        ),
        (
            "workloads: [{group: a.b, kind: C, podSpec: /spec}]",
            "workloads: [{group: a.b, kind: C, podSpec: /spec/pod}]",
            "workloads: +a.b/C:/spec/pod -a.b/C:/spec",
            true,
        ),
        ("", "denialHint: ask us", "denialHint: none → ask us", false),
        ("denialHint: ask us", "", "denialHint: ask us → none", false),
        ("", "namespaceOptOut: {users: [jane]}", "namespaceOptOut.users: +jane", true),
    ]);
}

#[test]
fn changes_of_overrides_and_exemptions_are_said_in_words_and_loosening_is_flagged() {
    hold(&[
        (
            "",
            "overrides: [{name: dev, namespaces: [dev], mode: warn}]",
            "overrides[dev].mode: enforce → warn; overrides: +dev",
            true,
        ),
        (
            "",
            "overrides: [{name: prod, namespaces: [prod], requireDigest: true}]",
            "overrides: +prod; overrides[prod].requireDigest: false → true",
            false,
        ),
        (
            "overrides: [{name: prod, namespaces: [prod], requireDigest: true}]",
            "",
            "overrides[prod].requireDigest: true → false; overrides: -prod",
            true,
        ),
        (
            "overrides: [{name: a, namespaces: [a], mode: warn}]",
            "overrides: [{name: a, namespaces: [b], mode: audit}]",
            "overrides[a].mode: warn → audit; overrides[a].namespaces: +b -a",
            true,
        ),
        (
            "overrides: [{name: a, namespaces: [x]}, {name: b, namespaces: [x]}]",
            "overrides: [{name: b, namespaces: [x]}, {name: a, namespaces: [x]}]",
            "overrides: reordered",
            true,
        ),
        // One that takes requests from another behind it, or leaves them to it.
        (
            "overrides: [{name: p, namespaces: ['prod-*'], requireDigest: true}]",
            "overrides: [{name: e, namespaces: ['*']}, {name: p, namespaces: ['prod-*'], requireDigest: true}]",
            "overrides: +e",
            true,
        ),
        (
            "overrides: [{name: eu, namespaces: [prod-eu]}, {name: p, namespaces: ['prod-*'], mode: warn}]",
            "overrides: [{name: p, namespaces: ['prod-*'], mode: warn}]",
            "overrides: -eu",
            true,
        ),
        // None behind it is asked about the same namespaces.
        (
            "overrides: [{name: p, namespaces: ['prod-*y', x], mode: warn}]",
            "overrides: [{name: d, namespaces: [dev-a, 'dev-*', 'p*-x', prod]}, {name: p, namespaces: ['prod-*y', x], mode: warn}]",
            "overrides: +d",
            false,
        ),
        (
            "overrides: [{name: p, namespaces: [x], mode: warn}]",
            "overrides: [{name: p, namespaces: [x], mode: warn}, {name: d, namespaces: ['*']}]",
            "overrides: +d",
            false,
        ),
        (
            "overrides: [{name: p, mode: warn}]",
            "overrides: [{name: d, namespaces: ['*']}, {name: p, mode: warn}]",
            "overrides: +d",
            false,
        ),
        (
            "overrides: [{name: p, containers: [init], mode: warn}]",
            "overrides: [{name: d, namespaces: [a]}, {name: p, containers: [init], mode: warn}]",
            "overrides: +d",
            true,
        ),
        ("", "exemptions: [{name: e, images: [a.b], reason: r}]", "exemptions: +e", true),
        (
            "exemptions: [{name: e, images: [a.b], reason: r}]",
            "exemptions: [{name: e, images: [a.b], reason: s, expires: 2030-01-01}]",
            "exemptions[e].expires: none → 2030-01-01; exemptions[e].reason: r → s",
            true,
        ),
        (
            "exemptions: [{name: e, images: [a.b], reason: r, owner: x}]",
            "exemptions: [{name: e, images: [a.b], reason: r, owner: y}]",
            "exemptions[e].owner: x → y",
            false,
        ),
        (
            "exemptions: [{name: e, images: [a.b], reason: r}]",
            "exemptions: [{name: e, images: [a.b], reason: s}]",
            "exemptions[e].reason: r → s",
            false,
        ),
    ]);
}

/// Holds each change from one policy to another to what is said of it, and whether it loosens.
fn hold(rows: &[(&str, &str, &str, bool)]) {
    for (old, new, expected, loosens) in rows {
        let difference = Difference::between(&policy_of(old), &policy_of(new));
        assert_eq!(difference.to_string(), *expected, "{old} => {new}");
        assert_eq!(difference.loosens, *loosens, "{old} => {new}");
        assert_eq!(difference.is_empty(), expected.is_empty());
    }
}

#[test]
fn long_changes_are_cut() {
    let tags = |from: usize, to: usize| {
        let tags: Vec<String> = (from..to).map(|n| format!("t{n}")).collect();
        policy(&format!("blockedTags: [{}]", tags.join(", ")))
    };
    let difference = Difference::between(&tags(0, 1), &tags(0, 101));
    assert!(difference.to_string().ends_with(" +t10 and 90 more"), "{difference}");
    let difference = Difference::between(&tags(0, 1), &tags(0, 11));
    assert!(difference.to_string().ends_with(" +t9 +t10"), "{difference}");
    let overrides = |mode: &str| {
        let each = |n| format!("{{name: o{n}, mode: {mode}}}");
        let overrides: Vec<String> = (0..100).map(each).collect();
        policy(&format!("overrides: [{}]", overrides.join(", ")))
    };
    let difference = Difference::between(&overrides("warn"), &overrides("audit"));
    let text = difference.to_string();
    assert!(text.ends_with("; and 60 more, of which 60 loosen"), "{text}");
    let difference = Difference::between(&overrides("audit"), &overrides("warn"));
    assert!(difference.to_string().ends_with("; and 60 more"), "{difference}");
    assert!(!difference.loosens);
}

#[test]
fn no_number_of_other_changes_hides_one_that_loosens() {
    let overrides = |count: usize, fields: &str| {
        let each = |n| format!("{{name: o{n}, {fields}}}");
        let overrides: Vec<String> = (0..count).map(each).collect();
        format!("overrides: [{}]\n", overrides.join(", "))
    };
    let opened = "exemptions: [{name: all, images: ['*'], reason: r}]\n\
                  namespaceOptOut: {users: ['*']}\n";
    for (before, after, left_out, left_out_loosening) in
        [("mode: warn", "mode: enforce", 7, 0), ("mode: enforce", "mode: warn", 7, 7)]
    {
        let new = format!("{}{opened}", overrides(45, after));
        let difference = Difference::between(&policy(&overrides(45, before)), &policy(&new));
        let texts: Vec<&str> = difference.changes.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts[..2], ["namespaceOptOut.users: +*", "exemptions: +all"]);
        assert_eq!(texts.len(), 40);
        assert_eq!(difference.left_out, left_out);
        assert_eq!(difference.left_out_loosening, left_out_loosening);
    }
}

/// An empty document is no policy; it stands for the defaults here.
fn policy_of(yaml: &str) -> imagegate_core::policy::Policy {
    policy(if yaml.is_empty() { "mode: enforce" } else { yaml })
}
