//! Whom a change of policy hits, and in which words.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::support::policy::{self, container, default_policy, pod_in};
use imagegate_core::image::Reference;
use imagegate_core::policy::{
    ContainerKind, Decision, Outcome, Policy, PullPolicy, Rule, Workload,
};
use imagegate_core::usage::{Budget, Hit, Impact, MOST_NAMED, Owner, Seen, Usage};

/// Friday, 2026-11-27 10:00 UTC.
const NOW: i64 = 1_795_773_600;
const HOUR: i64 = 3600;

/// The policy of a full form, or the default.
fn policy(yaml: &str) -> Policy {
    if yaml.is_empty() { default_policy() } else { policy::policy(yaml) }
}

fn used<'a>(namespace: &'a str, image: &'a str, count: u64, hours_ago: i64) -> Usage<'a> {
    let seen = Some(NOW - hours_ago * HOUR);
    Usage { count, first_seen: seen, last_seen: seen, ..Usage::of_pod(namespace, image) }
}

fn shown(hits: &[Hit]) -> Vec<(&str, u64)> {
    hits.iter().map(|hit| (hit.image.as_str(), hit.count)).collect()
}

#[test]
fn every_turn_of_a_decision_is_counted_in_its_place() {
    let rows = [
        // (old, new, denied, warned, admitted)
        ("", "", [0, 0, 0]),
        ("", "allowedRegistries: [gcr.io]", [1, 0, 0]),
        ("allowedRegistries: [gcr.io]", "", [0, 0, 1]),
        ("", "{allowedRegistries: [gcr.io], mode: warn}", [0, 1, 0]),
        ("", "{allowedRegistries: [gcr.io], mode: audit}", [0, 0, 0]),
        ("{allowedRegistries: [gcr.io], mode: warn}", "allowedRegistries: [gcr.io]", [1, 0, 0]),
        ("{allowedRegistries: [gcr.io], mode: audit}", "allowedRegistries: [gcr.io]", [1, 0, 0]),
        (
            "{allowedRegistries: [gcr.io], mode: audit}",
            "{allowedRegistries: [gcr.io], mode: warn}",
            [0, 1, 0],
        ),
        ("allowedRegistries: [gcr.io]", "{allowedRegistries: [gcr.io], mode: warn}", [0, 0, 1]),
        ("{allowedRegistries: [gcr.io], mode: warn}", "", [0, 0, 0]),
        (
            "",
            "{allowedRegistries: [gcr.io], exemptions: [{name: e, images: [docker.io], reason: r}]}",
            [0, 0, 0],
        ),
        (
            "{allowedRegistries: [gcr.io], exemptions: [{name: e, images: [docker.io], reason: r}]}",
            "allowedRegistries: [gcr.io]",
            [1, 0, 0],
        ),
        (
            "",
            "{allowedRegistries: [gcr.io], exemptions: \
             [{name: e, images: [docker.io], reason: r, expires: 2026-11-26}]}",
            [1, 0, 0],
        ),
    ];
    for (old, new, expected) in rows {
        let usages = [used("web", "docker.io/nginx:1", 1, 0)];
        let impact = Impact::between(Some(&policy(old)), &policy(new), usages, NOW);
        let found = [&impact.newly_denied, &impact.newly_warned, &impact.newly_admitted];
        assert_eq!(found.map(|hits| hits.uses), expected, "{old} → {new}");
        let audits = new.contains("audit") && !old.contains("gcr.io");
        assert_eq!(impact.newly_audited.uses, usize::from(audits), "{old} → {new}");
        assert_eq!(impact.is_empty(), expected == [0, 0, 0]);
    }
}

#[test]
fn without_an_old_policy_nothing_was_refused() {
    let usages = [used("web", "quay.io/a:1", 1, 0), used("web", "docker.io/a:1", 1, 0)];
    let impact = Impact::between(None, &policy(""), usages, NOW);
    assert_eq!(shown(&impact.newly_denied.most_frequent), [("quay.io/a:1", 1)]);
    assert_eq!((impact.uses, impact.images, impact.newly_admitted.uses), (2, 2, 0));
}

#[test]
fn all_that_a_policy_looks_at_is_judged() {
    let old = policy("");
    let tightened = |rest: &str| policy(&format!("allowedRegistries: [gcr.io]\n{rest}"));
    let image = used("web", "docker.io/a:1", 1, 0);
    let groups = [Cow::Borrowed("admins")];
    let rows = [
        (Usage { workload: Workload::Template, ..image }, tightened(""), (0, 1)),
        (Usage { workload: Workload::Template, ..image }, tightened("templates: ignore"), (0, 0)),
        (Usage { workload: Workload::Template, ..image }, tightened("templates: enforce"), (1, 0)),
        (
            Usage { user: "kim", ..image },
            tightened("exemptions: [{name: e, images: ['*'], users: [kim], reason: r}]"),
            (0, 0),
        ),
        (
            Usage { groups: &groups, ..image },
            tightened("exemptions: [{name: e, images: ['*'], groups: [admins], reason: r}]"),
            (0, 0),
        ),
        (
            Usage { pinned: Some("lax"), ..image },
            tightened("overrides: [{name: lax, namespaces: [lax], mode: warn}]"),
            (0, 1),
        ),
        (
            Usage { namespace: "lax", ..image },
            tightened("overrides: [{name: lax, namespaces: [lax], mode: warn}]"),
            (0, 1),
        ),
    ];
    for (usage, new, expected) in rows {
        let impact = Impact::between(Some(&old), &new, [usage], NOW);
        assert_eq!((impact.newly_denied.uses, impact.newly_warned.uses), expected, "{usage:?}");
    }
}

#[test]
fn what_is_no_reference_is_refused() {
    let usages = [used("web", "not an image", 3, 0), used("web", "", 1, 0)];
    let hits = Impact::between(None, &policy("allowedRegistries: ['*']"), usages, NOW).newly_denied;
    assert_eq!(shown(&hits.most_frequent), [("not an image", 3), ("", 1)]);
    assert!(hits.most_frequent.iter().all(|hit| hit.rule == Some(Rule::InvalidReference)));
}

#[test]
fn an_image_is_one_hit_in_all_its_places() {
    let owner = Some(Owner { kind: "ReplicaSet", name: "web-7d" });
    let usages = [
        Usage { owner, ..used("b", "quay.io/a:1", 5, 30) },
        Usage { user: "kim", ..used("a", "quay.io/a:1", 7, 2) },
        used("a", "quay.io/b:1", 12, 30),
        used("a", "quay.io/c:1", 13, 1),
        used("a", "docker.io/a:1", 99, 1),
    ];
    let impact = Impact::between(None, &policy(""), usages, NOW);
    let hits = impact.newly_denied;
    assert_eq!((impact.uses, impact.images), (5, 4));
    assert_eq!((hits.uses, hits.images, hits.images_within_a_day), (4, 3, 2));
    let expected = [("quay.io/c:1", 13), ("quay.io/a:1", 12), ("quay.io/b:1", 12)];
    assert_eq!(shown(&hits.most_frequent), expected);
    let hit = &hits.most_frequent[1];
    assert_eq!((hit.uses, hit.last_seen), (2, Some(NOW - 2 * HOUR)));
    assert_eq!(hit.namespaces, ["a", "b"]);
    assert_eq!(hit.owners, ["b/ReplicaSet web-7d"]);
}

#[test]
fn what_is_kept_is_bounded_and_the_rest_is_counted() {
    let images: Vec<_> = (0..50).map(|n| format!("quay.io/a:{n:02}")).collect();
    let namespaces: Vec<_> = (0..=MOST_NAMED).map(|n| format!("ns-{n:02}")).collect();
    let often = namespaces.iter().map(|namespace| Usage {
        owner: Some(Owner { kind: "Pod", name: namespace }),
        ..used(namespace, "quay.io/often:1", 100, 0)
    });
    let usages = images.iter().map(|image| used("a", image, 1, 0)).chain(often);
    let hits = Impact::with_most(None, &policy(""), usages, NOW, 3).newly_denied;
    let expected = [("quay.io/often:1", 1100), ("quay.io/a:00", 1), ("quay.io/a:01", 1)];
    assert_eq!(shown(&hits.most_frequent), expected);
    assert_eq!((hits.images, hits.left_out()), (51, 48));
    let hit = &hits.most_frequent[0];
    assert_eq!((hit.namespaces.len(), hit.more_namespaces), (MOST_NAMED, 1));
    assert_eq!((hit.owners.len(), hit.more_owners), (MOST_NAMED, 1));
}

const HERE: Seen<'_> = Seen { by: None, since: NOW - 74 * HOUR };

#[test]
fn the_lines_say_what_matters_first() {
    let usages = [
        used("ci", "quay.io/acme/agent:1", 12, 2),
        used("a", "quay.io/acme/b:1", 1, 72),
        used("b", "quay.io/acme/b:1", 2, 50),
        used("web", "gcr.io/acme/c:1", 1, 0),
        used("web", "docker.io/c:1", 1, 0),
    ];
    let (old, new) = (policy("allowedRegistries: [quay.io, docker.io]"), policy(""));
    let lines = |old, new, seen| {
        Impact::between(Some(old), new, usages, NOW).lines(seen, NOW, Budget::WARNINGS)
    };
    assert_eq!(
        lines(&old, &new, HERE),
        [
            "of 4 images seen here since Tuesday 08:00 UTC, 2 would now be refused:",
            "quay.io/acme/agent:1 (ci, 12 times, last 2 h ago), \
             quay.io/acme/b:1 (a and 1 more, 3 times, last 2 d ago);",
            "1 would now be admitted: gcr.io/acme/c:1 (web, once, last 0 s ago)",
        ]
    );
    let by = Seen { by: Some("imagegate-7d9f"), since: NOW - 240 * HOUR };
    assert_eq!(
        lines(&old, &old, by),
        [
            "of 4 images seen by imagegate-7d9f since 2026-11-17 10:00 UTC, none would now be refused"
        ]
    );
    let warning = policy("{allowedRegistries: [docker.io], mode: warn}");
    assert_eq!(
        lines(&old, &warning, HERE).last().unwrap(),
        "1 would now be admitted: gcr.io/acme/c:1 (web, once, last 0 s ago)"
    );
    let nothing = Impact::between(None, &new, [], NOW).lines(HERE, NOW, Budget::WARNINGS);
    assert_eq!(nothing, ["no image has been seen here since Tuesday 08:00 UTC"]);
}

#[test]
fn the_lines_stay_within_their_budget() {
    let images: Vec<_> = (0..5000)
        .map(|n| format!("{n}.registry.example/{}\u{1b}[2J\n", "x".repeat(n % 300)))
        .collect();
    let long = "n".repeat(300);
    let usages: Vec<_> =
        images.iter().map(|image| used(&long, image, u64::MAX, i64::from(u16::MAX))).collect();
    let impact = Impact::between(None, &policy(""), usages.iter().copied(), NOW);
    for (line, total) in [(120, 4096), (120, 600), (120, 200), (80, 300)] {
        let seen = Seen { by: Some(&long), since: 0 };
        let lines = impact.lines(seen, NOW, Budget { line, total });
        let lengths: Vec<_> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(lengths.iter().all(|length| *length <= line), "{lines:#?}");
        assert!(lengths.iter().sum::<usize>() <= total, "{lines:#?}");
        let text = lines.join(" ");
        assert!(text.contains("5000 would now be refused"), "{text}");
        assert!(text.ends_with("more") == (total > 200), "{text}");
        assert!(!text.contains(['\u{1b}', '\n']), "{text}");
    }
}

#[test]
fn an_outcome_is_the_verdict_on_that_image() {
    let policies = [
        "",
        "mode: warn",
        "{requireDigest: true, mode: audit}",
        "{allowedRegistries: ['*'], templates: ignore, shortNames: dockerHub}",
        "{allowedRegistries: [gcr.io], templates: enforce, overrides: [{name: ns, namespaces: [ns], mode: warn}]}",
        "{allowedRegistries: [gcr.io], exemptions: [{name: e, images: [docker.io], namespaces: [ns], reason: r}]}",
        "{allowedRegistries: [gcr.io], exemptions: [{name: e, images: ['*'], reason: r, expires: 2020-01-01}]}",
    ];
    let images =
        ["", "nginx", "nginx:1", "docker.io/nginx:1", "docker.io/nginx:latest", "gcr.io/a", "a b"];
    for yaml in policies {
        let policy = policy(yaml);
        for image in images {
            for (workload, namespace) in [(Workload::Pod, "ns"), (Workload::Template, "other")] {
                let mut subject = pod_in(namespace);
                (subject.workload, subject.now) = (workload, NOW);
                let verdict = policy.evaluate(&subject, &[container(image)]);
                let reference = Reference::parse(image);
                let form = (ContainerKind::Regular, PullPolicy::Unset);
                let outcome =
                    policy.outcome(&subject, form, reference.as_ref().map_err(|error| *error));
                let violation = verdict.violations.first();
                assert_eq!(
                    outcome.rule(),
                    violation.map(|violation| violation.rule),
                    "{yaml} {image}"
                );
                let denied = verdict.decision == Decision::Deny;
                assert_eq!(outcome.is_denied(), denied, "{yaml} {image}");
                let exempt = matches!(outcome, Outcome::Exempt(_));
                assert_eq!(exempt, verdict.exempted_total == 1, "{yaml} {image}");
                if let Some(rule) = outcome.rule() {
                    let mode = verdict.violations[0].mode;
                    assert!(matches!(outcome, Outcome::Broken(r, m) if r == rule && m == mode));
                }
            }
        }
    }
}

/// A use out of a few namespaces, images and owners, so that many have some of them in common.
fn use_of_few() -> impl Strategy<Value = Usage<'static>> {
    let images = ["docker.io/a:1", "docker.io/a:latest", "quay.io/a:1", "gcr.io/a", "a b"];
    let owners =
        [("Pod", "p"), ("Job", ""), ("ReplicaSet", "r")].map(|(kind, name)| Owner { kind, name });
    (
        prop::sample::select(&["lax", "b", "c"][..]),
        prop::sample::select(images.to_vec()),
        prop::option::of(prop::sample::select(owners.to_vec())),
        any::<bool>(),
        1..9_u64,
        0..40_i64,
    )
        .prop_map(|(namespace, image, owner, is_template, count, hours_ago)| Usage {
            owner,
            workload: if is_template { Workload::Template } else { Workload::Pod },
            ..used(namespace, image, count, hours_ago)
        })
}

/// The hits on one image, as somebody would count them by hand.
fn counted(image: &str, uses: &[&Usage<'_>], rule: impl Fn(&Usage<'_>) -> Option<Rule>) -> Hit {
    let uses: Vec<_> = uses.iter().filter(|usage| usage.image == image).collect();
    let namespaces: BTreeSet<_> = uses.iter().map(|usage| usage.namespace.to_owned()).collect();
    let owners = uses.iter().filter_map(|usage| Some((usage.namespace, usage.owner?)));
    let owners: BTreeSet<_> = owners.collect();
    Hit {
        image: image.to_owned(),
        uses: uses.len(),
        count: uses.iter().map(|usage| usage.count).sum(),
        last_seen: uses.iter().filter_map(|usage| usage.last_seen).max(),
        namespaces: namespaces.into_iter().collect(),
        more_namespaces: 0,
        owners: owners
            .into_iter()
            .map(|(namespace, owner)| format!("{namespace}/{owner}"))
            .collect(),
        more_owners: 0,
        rule: uses.iter().filter_map(|usage| rule(usage)).min(),
    }
}

proptest! {
    #[test]
    fn what_is_hit_is_counted_as_by_hand(
        uses in prop::collection::vec(use_of_few(), 0..40),
        policies in (0..4_usize, 0..4_usize),
        most in 0..4_usize,
    ) {
        let yaml = [
            "",
            "allowedRegistries: [quay.io]",
            "{allowedRegistries: [gcr.io], overrides: [{name: lax, namespaces: [lax], mode: warn}]}",
            "{mode: audit, requireDigest: true}",
        ];
        let (old, new) = (policy(yaml[policies.0]), policy(yaml[policies.1]));
        let impact = Impact::with_most(Some(&old), &new, uses.iter().copied(), NOW, most);
        let outcome = |policy: &Policy, usage: &Usage<'_>| {
            let reference = Reference::parse(usage.image);
            let outcome = policy.outcome(&usage.subject(NOW), usage.form(), reference.as_ref().map_err(|error| *error));
            (outcome.is_denied(), outcome.rule())
        };
        for (hits, before, after) in [
            (&impact.newly_denied, false, true),
            (&impact.newly_admitted, true, false),
        ] {
            let hit = |usage: &&Usage<'_>| {
                (outcome(&old, usage).0, outcome(&new, usage).0) == (before, after)
            };
            let hit: Vec<_> = uses.iter().filter(hit).collect();
            let rule = |usage: &Usage<'_>| outcome(if after { &new } else { &old }, usage).1;
            let images: BTreeSet<_> = hit.iter().map(|usage| usage.image).collect();
            let mut expected: Vec<_> = images.iter().map(|image| counted(image, &hit, rule)).collect();
            let of_today = expected.iter().filter(|hit| hit.last_seen > Some(NOW - 24 * HOUR)).count();
            expected.sort_by_key(|hit| (Reverse(hit.count), hit.image.clone()));
            expected.truncate(most);
            prop_assert_eq!((hits.uses, hits.images), (hit.len(), images.len()));
            prop_assert_eq!(hits.images_within_a_day, of_today);
            prop_assert_eq!(&hits.most_frequent, &expected);
        }
    }
}
