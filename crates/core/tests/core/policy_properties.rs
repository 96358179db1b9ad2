//! Laws of evaluation that hold for every policy and every image.

use crate::support::policy::{container, pod_in, policy};
use imagegate_core::policy::{ContainerImage, Decision, Mode, Policy, Rule};
use proptest::prelude::*;

/// References around the edges of the policies below, and a few that are none.
fn image() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just(String::new()),
        "(docker|gcr|evil)\\.(io|example)/".prop_map(String::from),
        "[a-z.:]{0,8}/",
    ];
    let tail =
        prop_oneof![Just(String::new()), ":(latest|staging|1\\.[0-9]|x-rc1)", "@[a-z0-9:]{0,8}"];
    (host, "(acme/)?[a-z ]{0,6}", tail).prop_map(|(host, path, tail)| format!("{host}{path}{tail}"))
}

fn rules() -> impl Strategy<Value = String> {
    let lists = prop_oneof![
        Just(""),
        Just("allowedRegistries: ['*']\n"),
        Just("allowedRegistries: [gcr.io/acme, '/evil[.].*/']\n"),
    ];
    let tags =
        prop_oneof![Just(""), Just("blockedTags: ['*-rc*']\n"), Just("allowedTags: ['1.*']\n")];
    (lists, tags, any::<bool>(), any::<bool>()).prop_map(|(lists, tags, tag, digest)| {
        format!("{lists}{tags}requireTag: {tag}\nrequireDigest: {digest}\n")
    })
}

fn images(texts: &[String]) -> Vec<ContainerImage<'_>> {
    texts.iter().map(|text| container(text)).collect()
}

fn decision(policy: &Policy, texts: &[String]) -> Decision {
    policy.evaluate(&pod_in("ns"), &images(texts)).decision
}

proptest! {
    #[test]
    fn an_override_that_names_no_field_changes_nothing(
        rules in rules(),
        texts in proptest::collection::vec(image(), 0..4),
    ) {
        let plain = policy(&rules);
        let overridden = policy(&format!("{rules}overrides: [{{name: o, namespaces: ['*']}}]\n"));
        let images = images(&texts);
        let (plain, overridden) =
            (plain.evaluate(&pod_in("ns"), &images), overridden.evaluate(&pod_in("ns"), &images));
        prop_assert_eq!(plain.violations, overridden.violations);
        prop_assert_eq!(plain.decision, overridden.decision);
        prop_assert_eq!(overridden.override_name, Some("o"));
    }

    #[test]
    fn an_exemption_never_turns_an_allow_into_a_deny(
        rules in rules(),
        texts in proptest::collection::vec(image(), 0..4),
        exempt in prop_oneof![Just("'*'"), Just("docker.io"), Just("gcr.io/acme")],
    ) {
        let plain = policy(&rules);
        let exemption = format!("exemptions: [{{name: e, images: [{exempt}], reason: r}}]\n");
        let exempting = policy(&format!("{rules}{exemption}"));
        if decision(&plain, &texts) == Decision::Allow {
            prop_assert_eq!(decision(&exempting, &texts), Decision::Allow);
        }
    }

    #[test]
    fn an_image_is_admitted_exactly_if_each_rule_that_it_breaks_is_lifted(
        rules in rules(),
        text in image(),
        lifted in proptest::sample::subsequence(&Rule::ALL[1..], 1..4),
        split in 1_usize..4,
    ) {
        // In one exemption or in two, which lift together what each lifts.
        let (one, other) = lifted.split_at(split.min(lifted.len()));
        let exemptions = [("a", one), ("b", other)].into_iter().filter(|(_, it)| !it.is_empty());
        let exemptions: Vec<_> = exemptions
            .map(|(name, rules)| {
                let rules: Vec<_> = rules.iter().map(|rule| rule.as_str()).collect();
                let rules = rules.join(", ");
                format!("{{name: {name}, images: ['*', docker.io], rules: [{rules}], reason: r}}")
            })
            .collect();
        let policy = policy(&format!("{rules}exemptions: [{}]\n", exemptions.join(", ")));
        let steps = policy.explain(&pod_in("ns"), &container(&text)).steps;
        let left = steps.iter().find(|step| !step.passed && !lifted.contains(&step.rule));
        let verdict = policy.evaluate(&pod_in("ns"), &[container(&text)]);
        let violated = verdict.violations.first().map(|violation| violation.rule);
        prop_assert_eq!(violated, left.map(|step| step.rule));
        let is_exempt = left.is_none() && steps.iter().any(|step| !step.passed);
        prop_assert_eq!(verdict.exempted_total, usize::from(is_exempt));
    }

    #[test]
    fn the_mode_never_changes_which_violations_are_found(
        rules in rules(),
        texts in proptest::collection::vec(image(), 0..4),
    ) {
        let images = images(&texts);
        let policies = ["enforce", "warn", "audit"].map(|m| policy(&format!("{rules}mode: {m}\n")));
        let [enforce, warn, audit] = policies.each_ref().map(|policy| {
            let mut violations = policy.evaluate(&pod_in("ns"), &images).violations;
            for violation in &mut violations {
                violation.mode = Mode::Enforce;
                // What to do about a denial is said of a denial alone.
                violation.advice = None;
            }
            violations
        });
        prop_assert_eq!(&enforce, &warn);
        prop_assert_eq!(&enforce, &audit);
    }

    #[test]
    fn adding_a_container_never_turns_a_deny_into_an_allow(
        rules in rules(),
        mut texts in proptest::collection::vec(image(), 0..4),
        added in image(),
        at in any::<prop::sample::Index>(),
    ) {
        let policy = policy(&rules);
        let before = decision(&policy, &texts);
        texts.insert(at.index(texts.len() + 1), added);
        if before == Decision::Deny {
            prop_assert_eq!(decision(&policy, &texts), Decision::Deny);
        }
    }
}
