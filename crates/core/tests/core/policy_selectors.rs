//! Overrides and exemptions that select by labels, by the kind of container, by the kind of object.

use imagegate_core::policy::{
    ContainerImage, ContainerKind, Decision, Difference, Field, Labels, ObjectKind, PodLabels,
    Policy, Subject, Workload, compile,
};
use serde_json::{Value, json};

use crate::support::policy::{container, full_form, pod_in, policy};

const BAD: &str = "quay.io/acme/debug:1";

fn labels(written: &[(&'static str, &'static str)]) -> Labels<'static> {
    Labels::new(written.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
}

fn within(kind: ContainerKind, image: &str) -> ContainerImage<'_> {
    ContainerImage { field: Field { list: kind.list(), ..Field::default() }, ..container(image) }
}

fn problems(yaml: &str) -> String {
    compile(&full_form(yaml)).unwrap_err().to_string()
}

fn warnings(yaml: &str) -> Vec<String> {
    let warnings = compile(&full_form(yaml)).unwrap().1;
    warnings.into_iter().map(|warning| warning.0.message).collect()
}

fn is_exempt(policy: &Policy, labels: &Labels<'_>) -> bool {
    let subject = Subject { labels: PodLabels::All(labels), ..pod_in("default") };
    policy.evaluate(&subject, &[container(BAD)]).decision == Decision::Allow
}

#[test]
fn labels_select_as_in_kubernetes() {
    let none = labels(&[]);
    let web = labels(&[("app", "web"), ("tier", "")]);
    let api = labels(&[("app", "api"), ("x/team", "a")]);
    // The selector, and whether it selects Pods with these labels.
    let rows = [
        ("{matchLabels: {app: web}}", [false, true, false]),
        ("{matchLabels: {app: web, tier: \"\"}}", [false, true, false]),
        ("{matchLabels: {app: api, tier: \"\"}}", [false, false, false]),
        ("{matchLabels: {x/team: a}}", [false, false, true]),
        ("{matchExpressions: [{key: app, operator: In, values: [web, api]}]}", [false, true, true]),
        ("{matchExpressions: [{key: app, operator: In, values: [api]}]}", [false, false, true]),
        ("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", [true, false, true]),
        ("{matchExpressions: [{key: tier, operator: Exists}]}", [false, true, false]),
        ("{matchExpressions: [{key: tier, operator: DoesNotExist}]}", [true, false, true]),
        // Every condition has to hold.
        (
            "{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: DoesNotExist}]}",
            [false, false, false],
        ),
        (
            "{matchExpressions: [{key: app, operator: Exists}, {key: tier, operator: DoesNotExist}]}",
            [false, false, true],
        ),
    ];
    for (selector, expected) in rows {
        let policy = policy(&format!(
            "exemptions: [{{name: e, images: [quay.io], reason: r, podSelector: {selector}}}]"
        ));
        let got = [&none, &web, &api].map(|labels| is_exempt(&policy, labels));
        assert_eq!(got, expected, "{selector}");
        // Labels that nobody knows are not selected, whatever is asked of them.
        let verdict = policy.evaluate(&pod_in("default"), &[container(BAD)]);
        assert_eq!(verdict.decision, Decision::Deny, "{selector}");
        assert!(policy.reading().labels);
    }
    assert!(!policy("overrides: [{name: o, containers: [init]}]").reading().labels);
}

#[test]
fn containers_select_each_kind_and_no_other() {
    for kind in ContainerKind::ALL {
        let name = kind.as_str();
        assert_eq!(ContainerKind::named(name), Some(kind));
        let exempting = policy(&format!(
            "exemptions: [{{name: e, images: [quay.io], reason: r, containers: [{name}]}}]"
        ));
        let overriding = policy(&format!(
            "overrides: [{{name: o, containers: [{name}], allowedRegistries: [quay.io]}}]"
        ));
        for other in ContainerKind::ALL {
            let image = within(other, BAD);
            let expected = if other == kind { Decision::Allow } else { Decision::Deny };
            for policy in [&exempting, &overriding] {
                let verdict = policy.evaluate(&pod_in("default"), [&image]);
                assert_eq!(verdict.decision, expected, "{name} {other:?}");
            }
            let explanation = overriding.explain(&pod_in("default"), &image);
            assert_eq!(explanation.override_name.is_some(), other == kind, "{name} {other:?}");
            let notes = exempting.explain(&pod_in("default"), &image).exemptions;
            let note = if other == kind {
                "`e` covers it: r"
            } else {
                "`e` names the image, but other Pods, containers or kinds"
            };
            assert_eq!(notes, [note], "{name} {other:?}");
        }
    }
}

#[test]
fn kinds_select_by_group_and_kind() {
    let named = "workloads:
  - {group: batch.volcano.sh, kind: Job, podSpec: /spec/template/spec}
  - {group: argoproj.io, kind: Rollout, podSpec: /spec/template/spec}
templates: enforce
";
    let kinds = [
        ("", "Pod"),
        ("batch", "Job"),
        ("batch.volcano.sh", "Job"),
        ("argoproj.io", "Rollout"),
        ("apps", "Deployment"),
        ("extensions", "Deployment"),
    ];
    for (written, expected) in [
        ("[Pod]", [true, false, false, false, false, false]),
        // What is built in comes before a custom resource.
        ("[Job]", [false, true, false, false, false, false]),
        ("[batch.volcano.sh/Job]", [false, false, true, false, false, false]),
        ("[Rollout, Pod]", [true, false, false, true, false, false]),
        ("[Deployment]", [false, false, false, false, true, true]),
        ("[apps/Deployment]", [false, false, false, false, true, false]),
    ] {
        let policy = policy(&format!(
            "{named}overrides: [{{name: o, kinds: {written}, allowedRegistries: [quay.io]}}]"
        ));
        let got = kinds.map(|(group, kind)| {
            let workload = if kind == "Pod" { Workload::Pod } else { Workload::Template };
            let kind = ObjectKind { group, kind };
            let subject = Subject { kind, workload, ..pod_in("default") };
            policy.evaluate(&subject, &[container(BAD)]).decision == Decision::Allow
        });
        assert_eq!(got, expected, "{written}");
    }
}

#[test]
fn the_first_override_that_matches_applies_to_each_container() {
    use ContainerKind::{Ephemeral, Init, Regular};
    let policy = policy(
        "overrides:
  - {name: by-path, allowedRegistries: [path.example.com]}
  - {name: debug, namespaces: [prod], containers: [ephemeral], allowedRegistries: [debug.example.com]}
  - {name: prod, namespaces: [prod, 'prod-*'], allowedRegistries: [prod.example.com]}
  - {name: late, containers: [init], allowedRegistries: [init.example.com], denialHint: ask init}
",
    );
    let name = |subject: &Subject<'_>, kind| {
        policy.explain(subject, &within(kind, "a.example.com/a:1")).override_name
    };
    let by_path = Subject { pinned: Some("by-path"), ..pod_in("prod") };
    let pinned = Subject { pinned: Some("debug"), ..pod_in("prod-eu") };
    for (subject, kind, expected) in [
        (pod_in("prod"), Ephemeral, Some("debug")),
        (pod_in("prod"), Regular, Some("prod")),
        (pod_in("prod"), Init, Some("prod")),
        (pod_in("prod-eu"), Ephemeral, Some("prod")),
        (pod_in("dev"), Init, Some("late")),
        (pod_in("dev"), Ephemeral, None),
        (by_path, Ephemeral, Some("by-path")),
        // A path stands in for the namespaces, and not for the selector.
        (pinned, Ephemeral, Some("debug")),
        (pinned, Regular, Some("prod")),
    ] {
        assert_eq!(name(&subject, kind).as_deref(), expected, "{subject:?} {kind:?}");
    }
    // The verdict names the override, and has the hint, of the image that decides.
    let images = [within(Regular, "docker.io/a:1"), within(Init, "docker.io/a:1")];
    let verdict = policy.evaluate(&pod_in("dev"), &images);
    assert_eq!((verdict.override_name, verdict.denial_hint), (Some("late"), Some("ask init")));
    let [regular, _] = &images;
    assert_eq!(policy.evaluate(&pod_in("dev"), [regular]).override_name, None);
}

#[test]
fn what_can_never_be_meant_is_a_problem() {
    for (selector, expected) in [
        ("podSelector: {}", "the selector is empty"),
        ("podSelector: []", "expected a mapping, found a list"),
        ("podSelector: {matchLabels: {}}", "there is no label"),
        ("podSelector: {matchExpressions: []}", "there is no condition"),
        ("podSelector: {labels: {a: b}}", "the field `labels` is not known"),
        ("podSelector: {matchLabels: {-a: b}}", "`-a` is not the key of a label"),
        ("podSelector: {matchLabels: {a/b/c: b}}", "`a/b/c` is not the key of a label"),
        ("podSelector: {matchLabels: {A.io/b: b}}", "`A.io/b` is not the key of a label"),
        ("podSelector: {matchLabels: {a.io/: b}}", "`a.io/` is not the key of a label"),
        ("podSelector: {matchLabels: {a: b*}}", "`b*` is not the value of a label"),
        ("podSelector: {matchLabels: {a: b-}}", "`b-` is not the value of a label"),
        ("podSelector: {matchExpressions: [{operator: Exists}]}", "the condition has no `key`"),
        ("podSelector: {matchExpressions: [{key: a}]}", "the condition has no `operator`"),
        ("podSelector: {matchExpressions: [{key: a, operator: in}]}", "did you mean `In`?"),
        ("podSelector: {matchExpressions: [{key: a, operator: In}]}", "`In` needs values"),
        (
            "podSelector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}",
            "`NotIn` needs values",
        ),
        (
            "podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}",
            "`Exists` takes no values",
        ),
        (
            "podSelector: {matchExpressions: [{key: a, operator: In, values: [\"b c\"]}]}",
            "`b c` is not the value of a label",
        ),
        ("containers: []", "the list of containers is empty"),
        ("containers: [sidecar]", "write one of `regular`, `init`, `ephemeral`, `image-volume`"),
        ("containers: [ephemral]", "did you mean `ephemeral`?"),
        ("kinds: []", "the list of kinds is empty"),
        ("kinds: [Deploment]", "did you mean `Deployment`?"),
        ("kinds: [Rollout]", "name a custom resource in the policy's `workloads` first"),
        ("kinds: [foo/Pod]", "name a custom resource in the policy's `workloads` first"),
        ("podSelecter: {}", "did you mean `podSelector`?"),
    ] {
        for yaml in [
            format!("overrides: [{{name: o, namespaces: [a], {selector}}}]"),
            format!("exemptions: [{{name: e, images: [quay.io], reason: r, {selector}}}]"),
        ] {
            let problems = problems(&yaml);
            assert!(problems.contains(expected), "{selector}: {problems}");
        }
    }
    let longest = "a".repeat(63);
    let key = |name: &str| {
        format!(
            "overrides: [{{name: o, namespaces: [a], podSelector: {{matchLabels: {{{name}: {name}}}}}}}]"
        )
    };
    assert!(compile(&full_form(&key(&longest))).is_ok());
    assert!(problems(&key(&format!("{longest}a"))).contains("is not the key of a label"));
    let many = vec!["{key: a, operator: Exists}"; 33].join(", ");
    let many = format!(
        "overrides: [{{name: o, namespaces: [a], podSelector: {{matchExpressions: [{many}]}}}}]"
    );
    assert!(problems(&many).contains("33 conditions are more than the limit of 32"));
    let overrides = |count: usize| {
        let each = |n| format!("{{name: o{n}, containers: [init]}}");
        format!("overrides: [{}]", (0..count).map(each).collect::<Vec<_>>().join(", "))
    };
    assert!(compile(&full_form(&overrides(1_000))).is_ok());
    let too_many = problems(&overrides(1_001));
    assert!(too_many.contains("more than 1000 overrides have a selector"), "{too_many}");
}

#[test]
fn a_choice_that_is_everybodys_own_is_warned_about() {
    let own_exemption = "whoever creates a Pod chooses its labels, and so whether it is exempt";
    let own_override =
        "whoever creates a Pod chooses its labels, and so whether this override applies";
    let pods = "the Pods that these objects make are not exempt";
    let exemption =
        |more: &str| format!("exemptions: [{{name: e, images: [quay.io], reason: r, {more}}}]");
    let by_label = "podSelector: {matchLabels: {a: b}}";
    for (yaml, expected) in [
        (exemption(by_label), vec![own_exemption]),
        (exemption(&format!("{by_label}, namespaces: [a]")), vec![]),
        (exemption(&format!("{by_label}, users: [a]")), vec![]),
        (exemption(&format!("{by_label}, groups: [a]")), vec![]),
        (exemption(&format!("{by_label}, serviceAccounts: [a/b]")), vec![]),
        (exemption("containers: [ephemeral]"), vec![]),
        (exemption("kinds: [Deployment]"), vec![pods]),
        (exemption("kinds: [Deployment, Pod]"), vec![]),
        (format!("overrides: [{{name: o, {by_label}}}]"), vec![own_override]),
        (format!("overrides: [{{name: o, namespaces: [a], {by_label}}}]"), vec![]),
        ("overrides: [{name: o, kinds: [Deployment]}]".to_owned(), vec![]),
    ] {
        assert_eq!(warnings(&yaml), expected, "{yaml}");
    }
}

#[test]
fn the_normal_form_has_a_selector_as_it_was_written_and_a_change_of_it_may_loosen() {
    let written = "overrides:
  - name: o
    podSelector:
      matchLabels: {b: c, a: ''}
      matchExpressions: [{key: x, operator: In, values: [q, p]}, {key: y, operator: Exists}]
    containers: [ephemeral, init]
    kinds: [Pod]
";
    let policy_of = policy(written);
    let form: Value = serde_json::from_str(&policy_of.to_json()).unwrap();
    let expected = json!({
        "name": "o",
        "podSelector": {
            "matchLabels": {"a": "", "b": "c"},
            "matchExpressions": [
                {"key": "x", "operator": "In", "values": ["p", "q"]},
                {"key": "y", "operator": "Exists"},
            ],
        },
        "containers": ["ephemeral", "init"],
        "kinds": ["Pod"],
    });
    assert_eq!(form["overrides"][0], expected);
    // It can be written again.
    assert_eq!(policy(&policy_of.to_json()).hash(), policy_of.hash());

    for (old, new, text) in [
        (
            "containers: [init]",
            "containers: [ephemeral]",
            "containers: [\"init\"] → [\"ephemeral\"]",
        ),
        ("kinds: [Pod]", "kinds: [Job]", "kinds: [\"Pod\"] → [\"Job\"]"),
        ("containers: [init]", "namespaces: [a]", "containers: [\"init\"] → none"),
        (
            "podSelector: {matchLabels: {a: b}}",
            "podSelector: {matchExpressions: [{key: a, operator: Exists}]}",
            "podSelector: {\"matchLabels\":{\"a\":\"b\"}} → \
             {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}",
        ),
    ] {
        let with = |more| policy(&format!("overrides: [{{name: o, mode: warn, {more}}}]"));
        let difference = Difference::between(&with(old), &with(new));
        let change = difference.changes.iter().find(|change| change.text.ends_with(text));
        assert!(change.is_some_and(|change| change.loosens), "{text}: {difference}");
        let with = |more| {
            policy(&format!("exemptions: [{{name: e, images: [quay.io], reason: r, {more}}}]"))
        };
        let difference = Difference::between(&with(old), &with(new));
        let change = difference.changes.iter().find(|change| change.text.ends_with(text));
        assert!(change.is_some_and(|change| change.loosens), "{text}: {difference}");
    }
}
