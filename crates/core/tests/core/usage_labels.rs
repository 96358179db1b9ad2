//! Whom a change of policy hits, where policies go by what a Pod is: its labels, of which not all may be
//! known, its containers, its kind, and how its images are pulled.

use std::borrow::Cow;

use proptest::prelude::*;

use crate::support::policy::policy;
use imagegate_core::image::Reference;
use imagegate_core::policy::{
    ContainerKind, KnownLabels, Labels, ObjectKind, PodLabels, Policy, PullPolicy, Subject,
    Workload,
};
use imagegate_core::usage::{Budget, Impact, Seen, Usage};

const OLD: &str = "allowedRegistries: [quay.io]";

fn used<'a>() -> Usage<'a> {
    Usage::of_pod("web", "quay.io/a:1")
}

fn labels(known: &[(&'static str, Option<&'static str>)]) -> KnownLabels<'static> {
    let cow = |text: &'static str| Cow::Borrowed(text);
    KnownLabels::new(known.iter().map(|(key, value)| (cow(key), value.map(cow))).collect())
}

/// How many uses are surely refused, warned about and admitted; then, how many perhaps are refused, or
/// decided otherwise.
fn counts(impact: &Impact) -> [usize; 5] {
    let Impact { newly_denied, newly_warned, newly_admitted, .. } = impact;
    let perhaps = [&impact.perhaps_denied, &impact.perhaps_changed];
    let [denied, warned, admitted] = [newly_denied, newly_warned, newly_admitted].map(|it| it.uses);
    [denied, warned, admitted, perhaps[0].uses, perhaps[1].uses]
}

#[test]
fn a_use_is_judged_as_what_it_is() {
    let init = Usage { container: ContainerKind::Init, ..used() };
    let cached = Usage { pull_policy: PullPolicy::IfNotPresent, ..used() };
    let of_template = Usage { workload: Workload::Template, ..used() };
    let deployment = ObjectKind { group: "apps", kind: "Deployment" };
    let of_deployment = Usage { kind: deployment, ..of_template };
    let of_job = Usage { kind: ObjectKind { group: "batch", kind: "Job" }, ..of_template };
    let unknown = Usage { kind: ObjectKind { group: "", kind: "" }, ..of_template };
    let for_init = "overrides: [{name: o, containers: [init], allowedRegistries: [docker.io]}]";
    let for_deployments = "templates: enforce\n\
        overrides: [{name: o, kinds: [Deployment], allowedRegistries: [docker.io]}]";
    for (usage, new, denied) in [
        (used(), "imagePullPolicy: always", 0),
        (cached, "imagePullPolicy: always", 1),
        (Usage { pull_policy: PullPolicy::Unset, ..used() }, "imagePullPolicy: always", 1),
        (Usage { pull_policy: PullPolicy::Never, ..used() }, "imagePullPolicy: always", 1),
        (used(), for_init, 0),
        (init, for_init, 1),
        (used(), for_deployments, 0),
        (of_deployment, for_deployments, 1),
        (of_job, for_deployments, 0),
        (unknown, for_deployments, 0),
    ] {
        let (old, new) = (policy(OLD), policy(&format!("{OLD}\n{new}")));
        let impact = Impact::between(Some(&old), &new, [usage], 0);
        assert_eq!(counts(&impact), [denied, 0, 0, 0, 0], "{usage:?}");
    }
}

#[test]
fn what_depends_on_labels_that_are_not_known_is_told_apart() {
    let nothing = labels(&[]);
    let [a, b, none] = [Some("a"), Some("b"), None].map(|team| labels(&[("team", team)]));
    let strict = "overrides: [{name: o, podSelector: {matchLabels: {team: a}}, allowedRegistries: [docker.io]}]";
    let lax = "overrides: [{name: o, podSelector: {matchLabels: {team: a}}, mode: warn}]";
    let both = "overrides: [\
        {name: o, podSelector: {matchLabels: {team: a, tier: x}}, allowedRegistries: [docker.io]}]";
    let not_b = "overrides: [{name: o, allowedRegistries: [docker.io], podSelector: \
        {matchExpressions: [{key: team, operator: NotIn, values: [b]}]}}]";
    let exempt = "exemptions: [{name: e, images: [quay.io], reason: r, podSelector: {matchLabels: {team: a}}}]";
    let denying = "allowedRegistries: [docker.io]";
    let (of_all, exempting) = (OLD, format!("{denying}\n{exempt}"));
    let strict = format!("{OLD}\n{strict}");
    for (old, new, known, expected) in [
        (of_all, strict.clone(), &nothing, [0, 0, 0, 1, 0]),
        (of_all, strict.clone(), &a, [1, 0, 0, 0, 0]),
        (of_all, strict.clone(), &b, [0, 0, 0, 0, 0]),
        (of_all, strict.clone(), &none, [0, 0, 0, 0, 0]),
        (&strict, of_all.to_owned(), &nothing, [0, 0, 0, 0, 1]),
        (&strict, of_all.to_owned(), &a, [0, 0, 1, 0, 0]),
        // The same selector before and after: nothing turns, whatever the labels are.
        (&strict, format!("{strict}\nblockedTags: [x]"), &nothing, [0, 0, 0, 0, 0]),
        (denying, format!("{denying}\n{lax}"), &nothing, [0, 0, 0, 0, 1]),
        // One of two conditions is known not to hold.
        (of_all, format!("{OLD}\n{both}"), &b, [0, 0, 0, 0, 0]),
        (of_all, format!("{OLD}\n{both}"), &a, [0, 0, 0, 1, 0]),
        (of_all, format!("{OLD}\n{not_b}"), &none, [1, 0, 0, 0, 0]),
        (of_all, format!("{OLD}\n{not_b}"), &b, [0, 0, 0, 0, 0]),
        (of_all, format!("{OLD}\n{not_b}"), &nothing, [0, 0, 0, 1, 0]),
        (of_all, exempting.clone(), &nothing, [0, 0, 0, 1, 0]),
        (of_all, exempting.clone(), &a, [0, 0, 0, 0, 0]),
        (of_all, exempting.clone(), &none, [1, 0, 0, 0, 0]),
        (&exempting, denying.to_owned(), &nothing, [0, 0, 0, 1, 0]),
        (&exempting, format!("{exempting}\nblockedTags: [x]"), &nothing, [0, 0, 0, 0, 0]),
    ] {
        let usage = Usage { labels: known, ..used() };
        let impact = Impact::between(Some(&policy(old)), &policy(&new), [usage], 0);
        assert_eq!(counts(&impact), expected, "{old}\n→\n{new}\n{known:?}");
        assert_eq!(impact.is_empty(), expected == [0; 5]);
    }
}

#[test]
fn the_lines_say_what_is_not_known() {
    let new = policy(
        "allowedRegistries: [quay.io]\n\
         overrides: [{name: o, podSelector: {matchLabels: {team: a}}, allowedRegistries: [docker.io]}]",
    );
    let impact = Impact::between(Some(&policy(OLD)), &new, [used()], 0);
    let seen = Seen { by: None, since: 0 };
    assert_eq!(
        impact.lines(seen, 0, Budget::WARNINGS),
        [
            "of 1 image seen here since Thursday 00:00 UTC, none would now be refused;",
            "1 would perhaps be refused, by labels that are not remembered: quay.io/a:1 (web, once)",
        ]
    );
}

/// More overrides that may select a Pod than are looked at.
#[test]
fn where_too_much_is_unknown_nothing_is_claimed() {
    let overrides: Vec<_> = (0..12)
        .map(|at| {
            format!("{{name: o{at}, podSelector: {{matchLabels: {{l{at}: x}}}}, mode: warn}}")
        })
        .collect();
    let new = format!("{OLD}\noverrides: [{}]", overrides.join(", "));
    let impact = Impact::between(Some(&policy(OLD)), &policy(&new), [used()], 0);
    assert_eq!(counts(&impact), [0, 0, 0, 1, 0]);
}

/// Rules that an override may have, and selectors that it may have.
const RULES: [&str; 4] =
    ["mode: warn", "allowedRegistries: [docker.io]", "mode: audit", "blockedTags: ['1']"];
const SELECTORS: [&str; 6] = [
    "",
    ", podSelector: {matchLabels: {team: a}}",
    ", podSelector: {matchLabels: {team: a, tier: x}}",
    ", podSelector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}",
    ", podSelector: {matchExpressions: [{key: tier, operator: Exists}]}",
    ", containers: [regular]",
];

fn of_few() -> impl Strategy<Value = Policy> {
    let override_of = (0..RULES.len(), 0..SELECTORS.len());
    let exemption_of = (0..SELECTORS.len(), any::<bool>());
    (
        any::<bool>(),
        prop::collection::vec(override_of, 0..4),
        prop::collection::vec(exemption_of, 0..3),
    )
        .prop_map(|(allows, overrides, exemptions)| {
            let registry = if allows { "quay.io" } else { "gcr.io" };
            let overrides = overrides.iter().enumerate().map(|(at, (rules, selector))| {
                let (rules, selector) = (RULES[*rules], SELECTORS[*selector]);
                let selector = if selector.is_empty() { ", namespaces: [web]" } else { selector };
                format!("{{name: o{at}, {rules}{selector}}}")
            });
            let exemptions =
                exemptions.iter().enumerate().map(|(at, (selector, is_about_tags))| {
                    let rules = if *is_about_tags { "blocked-tag" } else { "untrusted-registry" };
                    let selector = SELECTORS[*selector];
                    format!(
                        "{{name: e{at}, images: [quay.io], reason: r, rules: [{rules}]{selector}}}"
                    )
                });
            let (overrides, exemptions): (Vec<_>, Vec<_>) =
                (overrides.collect(), exemptions.collect());
            policy(&format!(
                "allowedRegistries: [{registry}]\noverrides: [{}]\nexemptions: [{}]",
                overrides.join(", "),
                exemptions.join(", ")
            ))
        })
}

/// How a use turns whose labels are all known: refused anew, warned about anew, admitted anew.
fn turned(old: &Policy, new: &Policy, labels: &Labels<'_>) -> [usize; 3] {
    let subject =
        Subject { namespace: "web", labels: PodLabels::All(labels), ..Subject::default() };
    let reference = Reference::parse("quay.io/a:1").unwrap();
    let [before, after] =
        [old, new].map(|policy| policy.outcome(&subject, used().form(), Ok(&reference)));
    let denied = !before.is_denied() && after.is_denied();
    let warned = !before.is_denied() && !before.is_warned() && after.is_warned();
    [denied, warned, before.is_denied() && !after.is_denied()].map(usize::from)
}

proptest! {
    /// Whatever the labels are that are not known, what is said for sure is so; and what is said to depend on
    /// them is nothing that all of them agree on where all are known.
    #[test]
    fn nothing_is_claimed_that_is_not_known(
        old in of_few(),
        new in of_few(),
        known in prop::option::of(prop::option::of(Just("a"))),
        also in prop::option::of(prop::option::of(Just("x"))),
    ) {
        let of = |key: &'static str, value: Option<Option<&'static str>>| value.map(|it| (key, it));
        let listed: Vec<_> = of("team", known).into_iter().chain(of("tier", also)).collect();
        let all_known = listed.len() == 2;
        let usage = Usage { labels: &labels(&listed), ..used() };
        let impact = Impact::between(Some(&old), &new, [usage], 0);
        let [denied, warned, admitted, perhaps_denied, perhaps_changed] = counts(&impact);
        let claimed = [denied, warned, admitted];
        let is_open = perhaps_denied + perhaps_changed > 0;
        prop_assert!(!(all_known && is_open), "{listed:?}");
        for team in known.map_or(vec![None, Some("a"), Some("b")], |team| vec![team]) {
            for tier in also.map_or(vec![None, Some("x"), Some("y")], |tier| vec![tier]) {
                let own = [("team", team), ("tier", tier)];
                let own = own.into_iter().filter_map(|(key, value)| Some((key.into(), value?.into())));
                let actual = turned(&old, &new, &Labels::new(own.collect()));
                if is_open {
                    prop_assert!(perhaps_denied == 1 || actual[0] == 0, "{team:?} {tier:?}");
                } else {
                    prop_assert_eq!(claimed, actual, "{:?} {:?}", team, tier);
                }
            }
        }
    }
}
