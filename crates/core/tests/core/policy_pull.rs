//! `imagePullPolicy`: which images have to be pulled whenever a container is started.

use imagegate_core::admission::Review;
use imagegate_core::policy::{
    ContainerImage, Decision, Difference, ImageList, Policy, PullPolicy, Rule, compile,
};

use crate::support::policy::{container, full_form, pod_in, policy};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn pulled(image: &str, pull_policy: PullPolicy) -> ContainerImage<'_> {
    ContainerImage { pull_policy, ..container(image) }
}

fn broken(policy: &Policy, image: &ContainerImage<'_>) -> Option<Rule> {
    policy.evaluate(&pod_in("default"), [image]).violations.first().map(|each| each.rule)
}

#[test]
fn what_each_choice_asks_of_an_image() {
    use PullPolicy::{Always, IfNotPresent, Never, Unknown, Unset};
    let pinned = format!("docker.io/a/b:1@{DIGEST}");
    let pinned_latest = format!("docker.io/a/b:latest@{DIGEST}");
    let untagged = "docker.io/a/b";
    // The image, its pull policy, and whether `always` and `alwaysForMutableTags` refuse it.
    let rows = [
        ("docker.io/a/b:1", Always, false, false),
        ("docker.io/a/b:1", IfNotPresent, true, true),
        ("docker.io/a/b:1", Never, true, true),
        ("docker.io/a/b:1", Unknown, true, true),
        // What the API server fills in.
        ("docker.io/a/b:1", Unset, true, true),
        ("docker.io/a/b:latest", Unset, false, false),
        (untagged, Unset, false, false),
        (untagged, IfNotPresent, true, true),
        (pinned_latest.as_str(), Unset, false, false),
        (pinned.as_str(), Always, false, false),
        (pinned.as_str(), Unset, true, false),
        (pinned.as_str(), Never, true, false),
    ];
    let asking = |choice: &str| {
        policy(&format!("blockedTags: []\nrequireTag: false\nimagePullPolicy: {choice}"))
    };
    let (always, mutable, any) = (asking("always"), asking("alwaysForMutableTags"), asking("any"));
    for (image, pull_policy, by_always, by_mutable) in rows {
        let image = pulled(image, pull_policy);
        let rule = |refused: bool| refused.then_some(Rule::PullPolicy);
        assert_eq!(broken(&always, &image), rule(by_always), "{image:?}");
        assert_eq!(broken(&mutable, &image), rule(by_mutable), "{image:?}");
        assert_eq!(broken(&any, &image), None, "{image:?}");
    }
}

#[test]
fn a_pull_policy_is_read_as_kubernetes_writes_it() {
    for (written, expected) in [
        ("Always", PullPolicy::Always),
        ("IfNotPresent", PullPolicy::IfNotPresent),
        ("Never", PullPolicy::Never),
        ("", PullPolicy::Unset),
        ("always", PullPolicy::Unknown),
    ] {
        assert_eq!(PullPolicy::of(written), expected, "{written}");
    }
    for each in PullPolicy::WRITTEN {
        assert_eq!(PullPolicy::of(each.as_str()), each);
    }
    assert_eq!(PullPolicy::default(), PullPolicy::Unset);
}

#[test]
fn it_is_the_last_rule_and_has_a_text_a_reason_and_a_step() {
    let always = policy("imagePullPolicy: always");
    let image = pulled("docker.io/a/b:1", PullPolicy::IfNotPresent);
    let verdict = always.evaluate(&pod_in("default"), [&image]);
    assert_eq!(verdict.decision, Decision::Deny);
    let violation = &verdict.violations[0];
    let text = "nginx image is not always pulled! (docker.io/a/b:1). \
                Only images with the pull policy Always are allowed.";
    assert_eq!(violation.message, text);
    let advice =
        "`docker.io/a/b:1` may come from the node's cache: set its pull policy to `Always`";
    assert_eq!(violation.advice.as_deref(), Some(advice));
    let explanation = always.explain(&pod_in("default"), &image);
    let step = explanation.steps.last().unwrap();
    assert_eq!((step.rule, step.passed), (Rule::PullPolicy, false));
    assert_eq!(step.detail, "its pull policy is `IfNotPresent`");
    assert_eq!(explanation.remedies, ["the image itself, with the pull policy `Always`"]);
    assert!(explanation.suggestions.is_empty(), "{explanation:?}");

    let mutable = policy("imagePullPolicy: alwaysForMutableTags");
    let image = container("docker.io/a/b:1");
    let verdict = mutable.evaluate(&pod_in("default"), [&image]);
    let text = "nginx image is not always pulled! (docker.io/a/b:1). Only images with the pull \
                policy Always, or pinned by digest, are allowed.";
    assert_eq!(verdict.violations[0].message, text);
    let explanation = mutable.explain(&pod_in("default"), &image);
    let step = explanation.steps.last().unwrap();
    assert_eq!(step.detail, "without a pull policy, it has `IfNotPresent`");
    assert_eq!(explanation.suggestions, ["docker.io/a/b:1@sha256:<digest>"]);
    assert_eq!(explanation.remedies, ["the image itself, with the pull policy `Always`"]);
    let pinned = format!("docker.io/a/b:1@{DIGEST}");
    let step = mutable.explain(&pod_in("default"), &container(&pinned)).steps.pop().unwrap();
    assert_eq!(step.detail, "it is pinned by digest, whatever its pull policy");
    let step = policy("mode: warn").explain(&pod_in("default"), &image).steps.pop().unwrap();
    assert_eq!((step.passed, &*step.detail), (true, "no pull policy is required"));

    // Whatever else is wrong is said first.
    let all = policy("imagePullPolicy: always\nrequireDigest: true");
    assert_eq!(broken(&all, &image), Some(Rule::MissingDigest));
    let explanation = all.explain(&pod_in("default"), &image);
    assert!(explanation.suggestions.is_empty(), "{explanation:?}");
}

#[test]
fn an_override_an_entry_and_an_exemption_can_change_it() {
    let policy = policy(
        "imagePullPolicy: always
allowedRegistries:
  - docker.io
  - {registry: gcr.io/acme, imagePullPolicy: alwaysForMutableTags}
overrides:
  - {name: dev, namespaces: [dev], imagePullPolicy: any}
exemptions:
  - {name: agent, images: [docker.io/acme/agent], rules: [pull-policy], reason: r}
messages:
  pull-policy: \"{image} must be pulled\"
",
    );
    let pinned = format!("gcr.io/acme/a@{DIGEST}");
    for (namespace, image, expected) in [
        ("default", "docker.io/a/b:1", Some("docker.io/a/b:1 must be pulled")),
        ("dev", "docker.io/a/b:1", None),
        ("default", "gcr.io/acme/a:1", Some("gcr.io/acme/a:1 must be pulled")),
        ("default", &pinned, None),
        // An entry still counts before the override.
        ("dev", "gcr.io/acme/a:1", Some("gcr.io/acme/a:1 must be pulled")),
        ("default", "docker.io/acme/agent:1", None),
    ] {
        let verdict = policy.evaluate(&pod_in(namespace), &[container(image)]);
        let message = verdict.violations.first().map(|violation| violation.message.as_str());
        assert_eq!(message, expected, "{image} in {namespace}");
    }
}

#[test]
fn a_policy_without_it_keeps_its_hash_and_a_change_is_told_by_how_strict_it_is() {
    assert_eq!(policy("imagePullPolicy: any").hash(), policy("mode: enforce").hash());
    assert_ne!(policy("imagePullPolicy: always").hash(), policy("mode: enforce").hash());
    for (old, new, text, loosens) in [
        ("mode: enforce", "imagePullPolicy: always", "imagePullPolicy: none → always", false),
        (
            "mode: enforce",
            "imagePullPolicy: alwaysForMutableTags",
            "imagePullPolicy: none → alwaysForMutableTags",
            false,
        ),
        ("imagePullPolicy: always", "mode: enforce", "imagePullPolicy: always → none", true),
        (
            "imagePullPolicy: alwaysForMutableTags",
            "imagePullPolicy: always",
            "imagePullPolicy: alwaysForMutableTags → always",
            false,
        ),
        (
            "imagePullPolicy: always",
            "imagePullPolicy: alwaysForMutableTags",
            "imagePullPolicy: always → alwaysForMutableTags",
            true,
        ),
        (
            "overrides: [{name: o, namespaces: [a]}]",
            "overrides: [{name: o, namespaces: [a], imagePullPolicy: alwaysForMutableTags}]",
            "overrides[o].imagePullPolicy: none → alwaysForMutableTags",
            false,
        ),
        (
            "imagePullPolicy: always\noverrides: [{name: o, namespaces: [a]}]",
            "imagePullPolicy: always\noverrides: [{name: o, namespaces: [a], imagePullPolicy: any}]",
            "overrides[o].imagePullPolicy: always → any",
            true,
        ),
    ] {
        let difference = Difference::between(&policy(old), &policy(new));
        assert_eq!(difference.to_string(), text);
        assert_eq!(difference.loosens, loosens, "{text}");
    }
}

#[test]
fn a_misspelt_choice_is_a_problem() {
    let problems = compile(&full_form("imagePullPolicy: Always")).unwrap_err().to_string();
    assert!(problems.contains("did you mean `always`?"), "{problems}");
}

#[test]
fn an_image_volume_and_an_ephemeral_container_are_judged_too() {
    use PullPolicy::{Always, IfNotPresent, Never, Unset};
    let body = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
        "uid":"u","operation":"CREATE","kind":{"group":"","kind":"Pod"},"object":{"spec":{
        "containers":[{"name":"a","image":"docker.io/a:1","imagePullPolicy":"Always"},
            {"name":"b","image":"docker.io/a:1","imagePullPolicy":null}],
        "ephemeralContainers":[{"name":"c","image":"docker.io/a:1","imagePullPolicy":"Never"}],
        "volumes":[{"name":"d","image":{"reference":"docker.io/a:1","pullPolicy":"IfNotPresent"}},
            {"name":"e","image":{"reference":"docker.io/a:1","pullPolicy":"Always"}}]}}}}"#;
    let review = Review::parse(body.as_bytes()).unwrap();
    let policies: Vec<_> = review.images().iter().map(|each| each.pull_policy).collect();
    assert_eq!(policies, [Always, Unset, Never, IfNotPresent, Always]);
    assert_eq!(review.images()[2].field.list, ImageList::EphemeralContainers);
    let policy = policy("imagePullPolicy: always");
    let verdict = review.judge(&policy, None, 0);
    let refused: Vec<_> = verdict.violations.iter().map(|each| each.container.as_str()).collect();
    assert_eq!(refused, ["b", "c", "d"]);
    // The policy of another type is no review that an API server writes.
    let bad = body.replace("\"Never\"", "1");
    assert!(Review::parse(bad.as_bytes()).is_err());
}
