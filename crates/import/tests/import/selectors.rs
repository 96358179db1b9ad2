//! What sources select by labels, and pull policies: with images, Pods and the verdicts there and here.

use super::{DIGEST, commented, compiled, imported, notes, verdicts};
use imagegate_core::policy::{ContainerImage, Labels, PodLabels, Policy, PullPolicy, Subject};
use imagegate_import::Imported;

/// Whether an image is admitted in a Pod of these labels, written as `a=b,c=d`, in a namespace.
fn admits(policy: &Policy, image: &str, pull: &str, (namespace, labels): (&str, &str)) -> bool {
    let labels = labels.split(',').filter_map(|label| label.split_once('='));
    let labels = Labels::new(labels.map(|(key, value)| (key.into(), value.into())).collect());
    let subject = Subject { namespace, labels: PodLabels::All(&labels), ..Subject::default() };
    let image = ContainerImage {
        container: "a".into(),
        image: Some(image.replace("DIGEST", DIGEST).into()),
        pull_policy: PullPolicy::of(pull),
        ..ContainerImage::default()
    };
    policy.evaluate(&subject, [&image]).violations.is_empty()
}

/// Rows of `verdict image pull-policy [namespace [labels]]`; both engines give the verdict.
fn both_say(imported: &Imported, rows: &str) {
    let policy = compiled(imported);
    for row in rows.lines().map(str::trim) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [verdict, image, pull, rest @ ..] = words.as_slice() else { panic!("{row}") };
        let namespace = rest.first().copied().unwrap_or("default");
        let labels = rest.get(1).copied().unwrap_or_default();
        let admitted = admits(&policy, image, pull, (namespace, labels));
        assert_eq!(admitted, *verdict == "+", "{row}\n{}", imported.policy);
    }
}

const LISTS: [&str; 3] = ["containers", "=(initContainers)", "=(ephemeralContainers)"];

/// A rule of Kyverno over every list of containers.
fn kyverno(matched: &str, container: &str) -> String {
    let lists = LISTS.map(|list| format!("{list}: [{{{container}}}]"));
    format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  rules:\n  \
         - name: r\n    {matched}\n    validate: {{failureAction: Enforce, pattern: {{spec: {{{}}}}}}}\n",
        lists.join(", ")
    )
}

const PODS: &str = "match: {any: [{resources: {kinds: [Pod]}}]}";

#[test]
fn images_that_have_to_be_pulled_always() {
    let rows = "- quay.io/a:1 IfNotPresent
                - quay.io/a:1 Never
                + quay.io/a:1 Always
                - quay.io/a@DIGEST IfNotPresent";
    let of_kyverno = imported(&kyverno(PODS, "imagePullPolicy: Always"), false);
    notes(&of_kyverno, &[]);
    commented(&of_kyverno);
    let denied = imported(
        "
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      failureAction: Enforce
      foreach:
      - list: request.object.spec.containers
        deny: {conditions: {any: [{key: '{{ element.imagePullPolicy }}', operator: NotEquals, value: Always}]}}
",
        false,
    );
    notes(&denied, &[]);
    let policy = |condition: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n\
             metadata: {{name: p}}\nspec:\n  validations:\n  - expression: >-\n      \
             (object.spec.containers + object.spec.?initContainers.orValue([]))\
             .all(c, {condition})\n---\n\
             apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\n\
             metadata: {{name: b}}\nspec: {{policyName: p, validationActions: [Deny]}}\n"
        )
    };
    let of_cel = imported(&policy("c.imagePullPolicy == 'Always'"), false);
    notes(&of_cel, &[]);
    let guarded = "has(c.imagePullPolicy) && c.imagePullPolicy == 'Always'";
    let guarded = imported(&policy(guarded), false);
    notes(&guarded, &[]);
    for imported in [of_kyverno, denied, of_cel, guarded] {
        both_say(&imported, rows);
    }
}

/// The rule that asks it of `latest` alone.
#[test]
fn images_of_one_tag_that_have_to_be_pulled_always() {
    let latest = kyverno(PODS, "(image): '*:latest', imagePullPolicy: Always");
    let imported = imported(&latest, false);
    notes(&imported, &["asks images that match `*:latest` to be pulled"]);
    both_say(
        &imported,
        "- quay.io/a:latest IfNotPresent
         + quay.io/a:latest Always
         + quay.io/a@DIGEST IfNotPresent
         + quay.io/a:1 Always",
    );
    // There, the condition is about nothing else.
    let policy = compiled(&imported);
    assert!(!admits(&policy, "quay.io/a:1", "IfNotPresent", ("default", "")));
}

#[test]
fn what_is_matched_or_excluded_by_labels() {
    let image = "image: 'registry.example.com/*'";
    let of = |selector: &str| format!("{{resources: {{kinds: [Pod], selector: {selector}}}}}");
    let team = of("{matchLabels: {team: a}}");
    let tier = of("{matchExpressions: [{key: tier, operator: In, values: [x, y]}]}");
    let matched = imported(&kyverno(&format!("match: {{any: [{team}]}}"), image), false);
    notes(&matched, &[]);
    commented(&matched);
    both_say(
        &matched,
        "- quay.io/a:1 Always default team=a
         + registry.example.com/a:1 Always default team=a
         + quay.io/a:1 Always default team=b
         + quay.io/a:1 Always default",
    );
    let both = format!("match: {{all: [{PODS_ALL}, {team}]}}\n    exclude: {{any: [{tier}]}}");
    let both = imported(&kyverno(&both, image), false);
    notes(&both, &[]);
    both_say(
        &both,
        "- quay.io/a:1 Always default team=a
         + quay.io/a:1 Always default team=a,tier=x
         - quay.io/a:1 Always default team=a,tier=z
         + quay.io/a:1 Always default tier=z",
    );
    // Beside a namespace that is excluded, too.
    let beside = format!(
        "{PODS}\n    exclude: {{any: [{team}, {{resources: {{namespaces: [kube-system]}}}}]}}"
    );
    let beside = imported(&kyverno(&beside, image), false);
    notes(&beside, &[]);
    both_say(
        &beside,
        "- quay.io/a:1 Always default
         + quay.io/a:1 Always default team=a
         + quay.io/a:1 Always kube-system
         + registry.example.com/a:1 Always default",
    );
    // What no selector says here.
    for (unsaid, note) in [
        (
            format!("match: {{any: [{}]}}", of("{matchLabels: {team: 'a-*'}}")),
            "`selector` selects by",
        ),
        (format!("match: {{any: [{team}, {tier}]}}"), "`selector` selects by"),
        (
            format!("{PODS}\n    exclude: {{all: [{team}, {tier}]}}"),
            "`selector` excludes by what is not looked at",
        ),
    ] {
        let imported = imported(&kyverno(&unsaid, image), false);
        notes(&imported, &[note]);
        both_say(&imported, "- quay.io/a:1 Always default team=c");
    }
}

const PODS_ALL: &str = "{resources: {kinds: [Pod]}}";

#[test]
fn several_selectors_hold_together() {
    let constraint = |kind: &str, parameters: &str, matched: &str| {
        format!(
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: {kind}\nmetadata: {{name: {}}}\n\
             spec: {{match: {{{matched}}}, parameters: {{{parameters}}}}}\n---\n",
            kind.to_lowercase()
        )
    };
    let team = "labelSelector: {matchLabels: {team: a}}";
    let tier =
        "namespaces: [prod], labelSelector: {matchExpressions: [{key: tier, operator: Exists}]}";
    let imported = imported(
        &[
            constraint("K8sAllowedRepos", "repos: [quay.io/]", team),
            constraint("K8sImageDigests", "", tier),
        ]
        .concat(),
        false,
    );
    notes(&imported, &[]);
    both_say(
        &imported,
        "+ gcr.io/a:1 Always prod
         - gcr.io/a:1 Always prod team=a
         + quay.io/a:1 Always prod team=a
         - quay.io/a:1 Always prod tier=x
         + gcr.io/a@DIGEST Always prod tier=x
         - gcr.io/a@DIGEST Always prod tier=x,team=a
         - quay.io/a:1 Always prod tier=x,team=a
         + quay.io/a@DIGEST Always prod tier=x,team=a
         + quay.io/a:1 Always default tier=x,team=a
         - gcr.io/a:1 Always default tier=x,team=a",
    );
}

#[test]
fn selectors_of_other_engines() {
    let cel = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  matchConstraints:
    objectSelector: {matchExpressions: [{key: app, operator: NotIn, values: [x]}]}
  validations:
  - expression: (object.spec.containers + object.spec.?initContainers.orValue([])).all(c, c.image.startsWith('quay.io/'))
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: b}
spec: {policyName: p, validationActions: [Deny]}
";
    let kubewarden = "
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata: {name: p}
spec:
  module: ghcr.io/kubewarden/policies/trusted-repos:v1
  objectSelector: {matchExpressions: [{key: app, operator: NotIn, values: [x]}]}
  settings: {registries: {allow: [quay.io]}}
";
    for text in [cel, kubewarden] {
        let imported = imported(text, false);
        notes(&imported, &[]);
        both_say(
            &imported,
            "- gcr.io/a:1 Always default
             - gcr.io/a:1 Always default app=y
             + gcr.io/a:1 Always default app=x
             + quay.io/a:1 Always default",
        );
    }
}

/// More selectors than can be told apart hold for all, which is stricter.
#[test]
fn selectors_beyond_those_that_are_told_apart_are_noted() {
    let rules: Vec<_> = (0..4)
        .map(|at| {
            format!(
                "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sDisallowedRepos\n\
                 metadata: {{name: r{at}}}\nspec:\n  match: {{labelSelector: {{matchLabels: {{l{at}: x}}}}}}\n  \
                 parameters: {{repos: [r{at}.example/]}}\n---\n"
            )
        })
        .collect();
    let imported = imported(&rules.concat(), false);
    notes(&imported, &["r3: selects by labels, beyond 3 other selectors"]);
    both_say(
        &imported,
        "- r0.example/a:1 Always default l0=x
         + r0.example/a:1 Always default l1=x
         - r1.example/a:1 Always default l1=x,l2=x
         - r3.example/a:1 Always default l3=x",
    );
    verdicts(&imported, "+ - r3.example/a:1");
}
