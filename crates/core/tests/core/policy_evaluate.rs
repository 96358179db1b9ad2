//! What a policy says of images: the texts, the order of the checks, and what gets past nothing.

use crate::support::policy::{container, default_policy, judge, message, pod_in, policy};
use imagegate_core::policy::{
    ContainerImage, ContainerKind, Decision, Mode, Policy, Rule, Subject, UpdateScope, Workload,
};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The rule that an image of a Pod in `default` breaks.
fn rule(policy: &Policy, image: &str) -> Option<Rule> {
    judge(policy, image).violations.first().map(|violation| violation.rule)
}

#[test]
fn the_texts_are_those_people_know() {
    let policy = default_policy();
    let rows = [
        ("nginx", "nginx image has no tag! (nginx). Only images with tags are allowed."),
        (
            "nginx:latest",
            "nginx image comes from an untrusted registry! (nginx:latest). \
             Only images from docker.io,gcr.io are allowed.",
        ),
        (
            "docker.io/nginx:latest",
            "nginx image has a non-allowed tag! (docker.io/nginx:latest). \
             These tags \"staging,latest\" are prohibited.",
        ),
        ("a b", "nginx image is not a valid reference! (a b): "),
    ];
    for (image, expected) in rows {
        let message = message(&policy, image).unwrap();
        assert!(message.starts_with(expected), "{message}");
        assert!(message.ends_with('.') && !message.ends_with(".."), "{message}");
    }
    assert_eq!(message(&policy, "docker.io/nginx:1.20"), None);
    let pinned = self::policy("requireDigest: true");
    assert_eq!(
        message(&pinned, "docker.io/nginx:1.20").unwrap(),
        "nginx image has no digest! (docker.io/nginx:1.20). \
         Only images pinned by digest are allowed."
    );
}

#[test]
fn nothing_gets_past_the_default_policy() {
    let policy = default_policy();
    let latest_with_digest = format!("docker.io/nginx:latest@{DIGEST}");
    let rows = [
        ("docker.io.evil.com/x:1", Rule::UntrustedRegistry),
        ("gcr.io.attacker.net/x:1", Rule::UntrustedRegistry),
        ("gcr-io/evil:1", Rule::UntrustedRegistry),
        ("dockerXio/x:1", Rule::UntrustedRegistry),
        ("Docker.io.evil/x:1", Rule::UntrustedRegistry),
        ("evil.example/docker.io/x:1", Rule::UntrustedRegistry),
        ("gcr.io@evil.example/x:1", Rule::InvalidReference),
        ("docker.io:5000/x:1", Rule::UntrustedRegistry),
        ("localhost:5000/nginx", Rule::MissingTag),
        (&latest_with_digest, Rule::BlockedTag),
        (" docker.io/nginx:1.20", Rule::InvalidReference),
        ("docker.io/nginx:1.20\n", Rule::InvalidReference),
        ("", Rule::InvalidReference),
    ];
    for (image, expected) in rows {
        let verdict = judge(&policy, image);
        assert_eq!(verdict.decision, Decision::Deny, "{image}");
        assert_eq!(rule(&policy, image), Some(expected), "{image}");
    }
}

#[test]
fn spellings_of_an_allowed_registry_are_allowed() {
    let policy = default_policy();
    let by_digest = format!("gcr.io/a/b@{DIGEST}");
    for image in [
        "DOCKER.IO/library/nginx:1.20",
        "docker.io:443/nginx:1.20",
        "index.docker.io/library/nginx:1.20",
        &by_digest,
        "docker.io/nginx:latest-1.2",
    ] {
        assert_eq!(judge(&policy, image).decision, Decision::Allow, "{image}");
    }
}

#[test]
fn the_first_broken_rule_is_the_message() {
    let strict = policy("blockedTags: [latest]\nrequireDigest: true");
    let rows = [
        ("evil.example/a", Rule::MissingTag),
        ("evil.example/a:latest", Rule::UntrustedRegistry),
        ("docker.io/a:latest", Rule::BlockedTag),
        ("docker.io/a:1", Rule::MissingDigest),
    ];
    for (image, expected) in rows {
        assert_eq!(rule(&strict, image), Some(expected), "{image}");
    }
}

#[test]
fn each_field_has_its_effect() {
    let tagless = "docker.io/library/nginx";
    let pinned = format!("docker.io/nginx@{DIGEST}");
    let rows: [(&str, &str, Option<Rule>); 28] = [
        ("requireTag: false", tagless, Some(Rule::BlockedTag)),
        ("requireTag: false\nblockedTags: [staging]", tagless, None),
        ("requireTag: false\nblockedTags: ['la*']", tagless, Some(Rule::BlockedTag)),
        ("requireTag: false\nblockedTags: ['/l.*/']", tagless, Some(Rule::BlockedTag)),
        ("requireTag: false", &pinned, None),
        ("requireTag: true\nblockedTags: []", tagless, Some(Rule::MissingTag)),
        (
            "requireTag: false\nblockedTags: []\n\
             overrides: [{name: o, namespaces: ['*'], blockedTags: [latest]}]",
            tagless,
            Some(Rule::BlockedTag),
        ),
        (
            "blockedTags: [latest]\n\
             overrides: [{name: o, namespaces: ['*'], requireTag: false}]",
            tagless,
            Some(Rule::BlockedTag),
        ),
        ("requireTag: true", tagless, Some(Rule::MissingTag)),
        ("requireTag: true", &pinned, None),
        ("requireDigest: true", &pinned, None),
        ("requireDigest: true", "docker.io/a:1", Some(Rule::MissingDigest)),
        ("shortNames: dockerHub", "nginx:1", None),
        ("shortNames: deny", "nginx:1", Some(Rule::UntrustedRegistry)),
        ("shortNames: deny\nallowedRegistries: ['*']", "nginx:1", Some(Rule::UntrustedRegistry)),
        ("allowedRegistries: ['*']", "evil.example/a:1", None),
        ("allowedRegistries: [gcr.io/acme]", "gcr.io/acme/x:1", None),
        ("allowedRegistries: [gcr.io/acme]", "gcr.io/acmex:1", Some(Rule::UntrustedRegistry)),
        ("blockedRegistries: [docker.io/evil]", "docker.io/a:1", None),
        ("blockedRegistries: [docker.io]", "docker.io/a:1", Some(Rule::UntrustedRegistry)),
        ("blockedTags: []", "docker.io/a:latest", None),
        ("blockedTags: ['*-rc*']", "docker.io/a:1-rc2", Some(Rule::BlockedTag)),
        ("blockedTags: ['/dev-[0-9]+/']", "docker.io/a:dev-1", Some(Rule::BlockedTag)),
        ("blockedTags: [latest]", "docker.io/a:LATEST", None),
        ("allowedTags: ['v*']", "docker.io/a:v1", None),
        ("allowedTags: ['v*']", "docker.io/a:1", Some(Rule::BlockedTag)),
        ("allowedTags: ['v*']\nrequireTag: false", tagless, Some(Rule::BlockedTag)),
        ("allowedTags: ['v*']", &pinned, None),
    ];
    for (yaml, image, expected) in rows {
        assert_eq!(rule(&policy(yaml), image), expected, "{yaml} on {image}");
    }
}

#[test]
fn blocked_registries_and_allowed_tags_say_what_they_mean() {
    let policy = policy("blockedRegistries: [docker.io/evil]\nallowedTags: [v*, '1.*']");
    assert_eq!(
        message(&policy, "docker.io/evil/x:v1").unwrap(),
        "nginx image comes from an untrusted registry! (docker.io/evil/x:v1). \
         Images from docker.io/evil are prohibited."
    );
    assert_eq!(
        message(&policy, "docker.io/x:2").unwrap(),
        "nginx image has a non-allowed tag! (docker.io/x:2). \
         Only the tags \"v*,1.*\" are allowed."
    );
}

#[test]
fn long_lists_are_cut_in_messages() {
    let hosts: Vec<String> = (0..200).map(|n| format!("r{n}.example.com")).collect();
    let policy = policy(&format!("allowedRegistries: [{}]", hosts.join(", ")));
    let message = message(&policy, "evil.example/x:1").unwrap();
    assert!(message.len() < 600 && message.contains(" and 1"), "{message}");
}

#[test]
fn modes_change_the_decision_and_not_the_violations() {
    for (mode, decision) in
        [("enforce", Decision::Deny), ("warn", Decision::Allow), ("audit", Decision::Allow)]
    {
        let policy = policy(&format!("mode: {mode}"));
        let verdict = judge(&policy, "nginx");
        assert_eq!(verdict.decision, decision, "{mode}");
        assert_eq!(verdict.mode.as_str(), mode);
        assert_eq!(verdict.violations.len(), 1);
    }
}

#[test]
fn templates_follow_their_own_mode() {
    let subject = Subject { workload: Workload::Template, ..pod_in("default") };
    let rows = [
        ("templates: enforce", Decision::Deny, Mode::Enforce, 1),
        ("templates: warn", Decision::Allow, Mode::Warn, 1),
        ("templates: warn\nmode: audit", Decision::Allow, Mode::Audit, 1),
        ("templates: ignore", Decision::Allow, Mode::Enforce, 0),
        ("mode: warn\ntemplates: enforce", Decision::Allow, Mode::Warn, 1),
    ];
    for (yaml, decision, mode, violations) in rows {
        let policy = policy(yaml);
        let verdict = policy.evaluate(&subject, &[container("nginx")]);
        assert_eq!((verdict.decision, verdict.mode), (decision, mode), "{yaml}");
        assert_eq!(verdict.violations.len(), violations, "{yaml}");
    }
}

const OVERRIDES: &str = "
updates: all
overrides:
  - {name: production, namespaces: [prod, 'prod-*'], requireDigest: true, updates: changed}
  - {name: sandboxes, namespaces: ['dev-*', 'prod-*'], mode: warn, blockedTags: []}
  - {name: by-path, mode: audit}
";

#[test]
fn the_first_override_that_matches_the_namespace_applies() {
    let policy = policy(OVERRIDES);
    let rows = [
        ("prod", "docker.io/a:1", Some("production"), Some(Rule::MissingDigest)),
        ("prod-eu", "docker.io/a:1", Some("production"), Some(Rule::MissingDigest)),
        ("dev-a", "docker.io/a:latest", Some("sandboxes"), None),
        ("dev-a", "evil.example/a:1", Some("sandboxes"), Some(Rule::UntrustedRegistry)),
        ("default", "docker.io/a:1", None, None),
        ("by-path", "docker.io/a:1", None, None),
        ("", "docker.io/a:latest", None, Some(Rule::BlockedTag)),
    ];
    for (namespace, image, name, expected) in rows {
        let verdict = policy.evaluate(&pod_in(namespace), &[container(image)]);
        assert_eq!(verdict.override_name, name, "{namespace}");
        assert_eq!(verdict.violations.first().map(|v| v.rule), expected, "{namespace} {image}");
    }
}

#[test]
fn a_pinned_override_wins_over_the_namespace() {
    let policy = policy(OVERRIDES);
    let subject = Subject { pinned: Some("by-path"), ..pod_in("prod") };
    let verdict = policy.evaluate(&subject, &[container("docker.io/a:1")]);
    assert_eq!((verdict.override_name, verdict.mode), (Some("by-path"), Mode::Audit));
    assert!(verdict.violations.is_empty());
    assert!(policy.has_override("by-path") && !policy.has_override("by-paths"));
}

#[test]
fn an_override_may_change_the_update_scope() {
    let policy = policy(OVERRIDES);
    assert_eq!(
        policy.applicable(&pod_in("prod")).update_scope(ContainerKind::Regular),
        UpdateScope::Changed
    );
    assert_eq!(
        policy.applicable(&pod_in("default")).update_scope(ContainerKind::Regular),
        UpdateScope::All
    );
}

const EXEMPTIONS: &str = "
exemptions:
  - {name: old, images: [evil.example/agent], reason: INC-1, expires: 2026-01-31}
  - {name: agent, images: [evil.example/agent], namespaces: [ci], users: [jane],
     serviceAccounts: [ci/runner], groups: ['team-*'], reason: INC-2}
";
const LAST_SECOND: i64 = 1_769_903_999;

#[test]
fn an_exempt_image_is_admitted_and_named() {
    let policy = policy(EXEMPTIONS);
    let groups = ["team-a".into()];
    let nobody = pod_in("ci");
    let rows = [
        (Subject { user: "jane", ..nobody }, true),
        (Subject { user: "system:serviceaccount:ci:runner", ..nobody }, true),
        (Subject { groups: &groups, ..nobody }, true),
        (Subject { user: "joe", ..nobody }, false),
        (Subject { user: "jane", namespace: "default", ..nobody }, false),
    ];
    for (subject, exempt) in rows {
        let subject = Subject { now: LAST_SECOND + 1, ..subject };
        let verdict = policy.evaluate(&subject, &[container("evil.example/agent/x:1")]);
        assert_eq!(verdict.violations.is_empty(), exempt, "{subject:?}");
        let names: Vec<_> = verdict.exempted.iter().map(|e| (e.exemption, e.reason)).collect();
        assert_eq!(names, if exempt { vec![("agent", "INC-2")] } else { vec![] });
    }
}

#[test]
fn a_list_of_who_asks_is_enough_by_itself() {
    let groups = ["team-a".into()];
    let jane = Subject { user: "jane", ..pod_in("ci") };
    let runner = Subject { user: "system:serviceaccount:ci:runner", ..jane };
    let team = Subject { user: "joe", groups: &groups, ..jane };
    let rows = [
        ("users: [jane]", jane, [runner, team]),
        ("serviceAccounts: [ci/runner]", runner, [jane, team]),
        ("groups: ['team-*']", team, [jane, runner]),
    ];
    for (list, named, others) in rows {
        let yaml = format!("exemptions: [{{name: e, images: [evil.example], reason: r, {list}}}]");
        let policy = policy(&yaml);
        let is_exempt = |subject: &Subject<'_>| {
            policy.evaluate(subject, &[container("evil.example/x:1")]).violations.is_empty()
        };
        assert!(is_exempt(&named), "{list}");
        for other in others {
            assert!(!is_exempt(&other), "{list}: {other:?}");
        }
    }
}

#[test]
fn an_exemption_ends_with_its_last_day() {
    let policy = policy(EXEMPTIONS);
    let image = [container("evil.example/agent:1")];
    let verdict = policy.evaluate(&Subject { now: LAST_SECOND, ..pod_in("x") }, &image);
    assert_eq!(verdict.exempted.len(), 1);
    let verdict = policy.evaluate(&Subject { now: LAST_SECOND + 1, ..pod_in("x") }, &image);
    assert_eq!(
        verdict.violations.first().unwrap().message,
        "nginx image comes from an untrusted registry! (evil.example/agent:1). \
         Only images from docker.io,gcr.io are allowed. \
         The exemption `old` expired on 2026-01-31."
    );
}

#[test]
fn the_last_day_that_can_be_written_is_one() {
    // The first second of the year 10000, by `date -ud @253402300800`.
    for (written, end) in [
        ("9999-12-31", 253_402_300_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("2027-01-31", 1_801_440_000),
    ] {
        let yaml =
            format!("exemptions: [{{name: e, images: ['*'], reason: r, expires: {written}}}]");
        assert_eq!(policy(&yaml).exemptions()[0].expires_at(), Some(end), "{written}");
    }
}

#[test]
fn an_exemption_lifts_the_rules_that_it_names() {
    let policy = policy(
        "requireDigest: true
exemptions:
- {name: tag, images: [gcr.io, evil.example], rules: [blocked-tag], reason: r}
- {name: pin, images: [gcr.io], rules: [missing-digest, missing-tag], reason: s}
- {name: old, images: [docker.io], rules: [missing-digest], reason: t, expires: 1969-12-30}
",
    );
    let pinned = format!("gcr.io/a:latest@{DIGEST}");
    let rows = [
        (pinned.as_str(), None, Some("tag")),
        ("gcr.io/a:1", None, Some("pin")),
        // Two exemptions together, and the first that lifts the first rule is named.
        ("gcr.io/a:latest", None, Some("tag")),
        // Without a tag it is judged as `latest`, which another exemption lifts.
        ("gcr.io/a", None, Some("pin")),
        ("evil.example/a:latest", Some(Rule::UntrustedRegistry), None),
        ("docker.io/a:latest", Some(Rule::BlockedTag), None),
        ("docker.io/a:1", Some(Rule::MissingDigest), None),
        ("gcr.io/A:1", Some(Rule::InvalidReference), None),
    ];
    for (image, rule, exemption) in rows {
        let verdict = judge(&policy, image);
        assert_eq!(verdict.violations.first().map(|it| it.rule), rule, "{image}");
        assert_eq!(verdict.exempted.first().map(|it| it.exemption), exemption, "{image}");
    }
    let expired = "The exemption `old` expired on 1969-12-30.";
    assert!(message(&policy, "docker.io/a:1").unwrap().ends_with(expired));
    assert!(!message(&policy, "docker.io/a:latest").unwrap().contains("expired"));
}

#[test]
fn the_message_is_about_the_first_rule_that_is_not_lifted() {
    let policy = policy(
        "exemptions:
- {name: a, images: [evil.example], rules: [untrusted-registry], reason: r}
- {name: b, images: [evil.example], rules: [blocked-tag], reason: r, expires: 1969-12-30}
",
    );
    assert_eq!(
        message(&policy, "evil.example/a:latest").unwrap(),
        "nginx image has a non-allowed tag! (evil.example/a:latest). These tags \
         \"staging,latest\" are prohibited. The exemption `b` expired on 1969-12-30."
    );
    assert_eq!(message(&policy, "evil.example/a:1"), None);
}

#[test]
fn an_exemption_says_who_answers_for_it() {
    for (field, owner) in [("", None), (", owner: team-a", Some("team-a"))] {
        let policy = policy(&format!("exemptions: [{{name: e, images: ['*'], reason: r{field}}}]"));
        assert_eq!(policy.exemptions()[0].owner(), owner);
    }
}

#[test]
fn no_exemption_helps_what_is_not_a_reference() {
    let policy = policy("exemptions: [{name: all, images: ['*', '/.*/'], reason: r}]");
    assert_eq!(rule(&policy, "a b"), Some(Rule::InvalidReference));
    let missing = ContainerImage { image: None, ..container("") };
    let verdict = policy.evaluate(&pod_in("default"), &[missing]);
    assert_eq!(
        verdict.violations.first().unwrap().message,
        "nginx image is not a valid reference! (): the image is missing."
    );
    assert_eq!(rule(&policy, "evil.example/x:1"), None);
}

#[test]
fn only_listed_users_and_groups_may_opt_a_namespace_out() {
    let masters = ["system:masters".into()];
    let default = default_policy();
    assert!(default.opt_out().permits("anyone", &masters));
    assert!(!default.opt_out().permits("anyone", &[]));
    let listed = policy("namespaceOptOut: {users: ['admin-*'], groups: []}");
    assert!(listed.opt_out().permits("admin-a", &[]));
    assert!(!listed.opt_out().permits("anyone", &masters));
}
