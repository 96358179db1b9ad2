//! Reviews that are judged by labels, by the kind of container, by what an update changes.

use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Policy};
use serde_json::{Value, json};

use crate::support::policy::policy;

const BAD: &str = "quay.io/acme/debug:1";

/// A review of a Pod with these labels, and of what it was before an update.
fn review(kind: &str, object: &Value, old: Option<&Value>) -> Vec<u8> {
    let (group, kind) = kind.split_once('/').unwrap_or(("", kind));
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
            "uid": "u", "operation": operation, "kind": {"group": group, "kind": kind},
            "namespace": "default", "object": object, "oldObject": old,
        },
    })
    .to_string()
    .into_bytes()
}

fn decision(policy: &Policy, body: &[u8]) -> Decision {
    Review::parse_with(body, policy.reading()).unwrap().judge(policy, None, 0).decision
}

fn pod(labels: &Value, image: &str) -> Value {
    json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": image}]}})
}

/// Makes an object of a kind of what a Pod has.
type Wrap = fn(Value) -> Value;

const BY_LABEL: &str = "templates: enforce
workloads:
  - {group: x.io, kind: Set, podSpec: '/spec/sets/*/template/spec'}
  - {group: x.io, kind: Bare, podSpec: /spec/podSpec}
exemptions: [{name: e, images: [quay.io], reason: r, podSelector: {matchLabels: {debug: 'yes'}}}]
";

#[test]
fn the_labels_of_a_pod_or_of_a_template_decide() {
    let policy = policy(BY_LABEL);
    let (yes, no) = (json!({"debug": "yes", "a": null}), json!({"debug": "no"}));
    let paths: [(&str, Wrap); 7] = [
        ("Pod", |pod| pod),
        ("apps/Deployment", |pod| json!({"spec": {"template": pod}})),
        ("extensions/ReplicaSet", |pod| json!({"spec": {"template": pod}})),
        ("batch/Job", |pod| json!({"spec": {"template": pod}})),
        ("batch/CronJob", |pod| json!({"spec": {"jobTemplate": {"spec": {"template": pod}}}})),
        ("PodTemplate", |pod| json!({"template": pod})),
        ("x.io/Set", |pod| json!({"spec": {"sets": [{"template": pod}]}})),
    ];
    for (kind, wrap) in paths {
        for (labels, expected) in [
            (&yes, Decision::Allow),
            (&no, Decision::Deny),
            (&json!({}), Decision::Deny),
            (&Value::Null, Decision::Deny),
        ] {
            let mut object = wrap(pod(labels, BAD));
            let body = review(kind, &object, None);
            assert_eq!(decision(&policy, &body), expected, "{kind} {labels}");
            if kind != "Pod" {
                // The labels of the workload itself are not those of its Pods.
                object["metadata"] = json!({"labels": yes});
                let body = review(kind, &object, None);
                assert_eq!(decision(&policy, &body), expected, "{kind} {labels}");
            }
        }
    }
    // A policy that goes by no label does not read them.
    let other = crate::support::policy::policy("mode: enforce");
    let odd = pod(&json!(1), "docker.io/a:1");
    assert_eq!(decision(&other, &review("Pod", &odd, None)), Decision::Allow);
    assert!(Review::parse_with(&review("Pod", &odd, None), policy.reading()).is_err());
    let twice =
        String::from_utf8(review("Pod", &pod(&json!({"debug": "yes"}), BAD), None)).unwrap();
    let twice = twice.replace("\"debug\":", "\"debug\":\"no\",\"debug\":");
    assert!(Review::parse_with(twice.as_bytes(), policy.reading()).is_err());
    // An escape in a key or a value is read by the other reader.
    let escaped = String::from_utf8(review("Pod", &pod(&yes, BAD), None)).unwrap();
    let escaped = escaped.replace("debug", "d\\u0065bug").replace("yes", "y\\u0065s");
    assert_eq!(decision(&policy, escaped.as_bytes()), Decision::Allow);
}

#[test]
fn each_pod_spec_of_a_custom_resource_has_its_own_labels() {
    let policy = policy(BY_LABEL);
    let (yes, no) = (json!({"debug": "yes"}), json!({"debug": "no"}));
    let set = |labels: &[&Value]| {
        let sets: Vec<_> =
            labels.iter().map(|labels| json!({"template": pod(labels, BAD)})).collect();
        json!({"spec": {"sets": sets}})
    };
    for (labels, refused) in [
        (vec![&yes, &yes], vec![]),
        (vec![&yes, &no], vec!["spec.sets[1].template.spec.containers[0].image"]),
        (vec![&no, &yes], vec!["spec.sets[0].template.spec.containers[0].image"]),
    ] {
        let body = review("x.io/Set", &set(&labels), None);
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        let verdict = review.judge(&policy, None, 0);
        let fields: Vec<_> = verdict.violations.iter().map(|it| it.field.to_string()).collect();
        assert_eq!(fields, refused, "{labels:?}");
        assert_eq!(review.judged(&policy, None).count(), 2);
    }
    // Labels behind the pod spec count as well; those that are none are not known.
    let behind = format!(
        r#"{{"spec":{{"sets":[{{"template":{{"spec":{{"containers":[{{"image":"{BAD}"}}]}},
            "metadata":{{"labels":LABELS}}}}}}]}}}}"#
    );
    for (labels, expected) in
        [(r#"{"debug":"yes"}"#, Decision::Allow), (r#"{"debug":["yes"]}"#, Decision::Deny)]
    {
        let body = String::from_utf8(review("x.io/Set", &json!("OBJECT"), None)).unwrap();
        let body = body.replace("\"OBJECT\"", &behind.replace("LABELS", labels));
        assert_eq!(decision(&policy, body.as_bytes()), expected, "{labels}");
    }
    // The labels of a template without a pod spec are nobody else's.
    let both = crate::support::policy::policy(&BY_LABEL.replace(
        "  - {group: x.io, kind: Bare",
        "  - {group: x.io, kind: Bare, podSpec: /spec/template/spec}\n  - {group: x.io, kind: Bare",
    ));
    let mut object = json!({"spec": {
        "template": {"metadata": {"labels": yes}, "spec": null},
        "podSpec": {"containers": [{"name": "a", "image": BAD}]},
    }});
    for _ in 0..2 {
        assert_eq!(decision(&both, &review("x.io/Bare", &object, None)), Decision::Deny);
        object["spec"]["template"]["spec"] = json!({"containers": []});
    }
    // A pod spec that stands in no template has none.
    let bare = json!({"metadata": {"labels": yes}, "spec": {
        "podSpec": {"containers": [{"name": "a", "image": BAD}]},
    }});
    assert_eq!(decision(&policy, &review("x.io/Bare", &bare, None)), Decision::Deny);
}

#[test]
fn a_change_of_labels_is_no_way_around() {
    let policy = policy(BY_LABEL);
    let (yes, no, other) =
        (json!({"debug": "yes"}), json!({"debug": "no"}), json!({"debug": "yes", "a": "b"}));
    for (old, new, expected) in [
        // It was exempt by a label that goes.
        (&yes, &no, Decision::Deny),
        (&yes, &Value::Null, Decision::Deny),
        (&no, &yes, Decision::Allow),
        // What does not matter may change, as before.
        (&yes, &other, Decision::Allow),
        (&no, &json!({"debug": "never"}), Decision::Allow),
        (&no, &no, Decision::Allow),
    ] {
        let body = review("Pod", &pod(new, BAD), Some(&pod(old, BAD)));
        assert_eq!(decision(&policy, &body), expected, "{old} {new}");
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        let judged = review.judged(&policy, None).count();
        assert_eq!(
            judged == 1,
            *old == yes && expected == Decision::Deny || *old == no && *new == yes
        );
    }
}

#[test]
fn a_reference_that_moves_to_another_kind_of_container_is_judged() {
    let by_kind =
        policy("exemptions: [{name: e, images: [quay.io], reason: r, containers: [ephemeral]}]");
    let spec = |regular: &str, ephemeral: Value| {
        json!({"metadata": {}, "spec": {
            "containers": [{"name": "a", "image": regular}], "ephemeralContainers": ephemeral,
        }})
    };
    let debug = json!([{"name": "d", "image": BAD}]);
    let before = spec("docker.io/a:1", Value::Null);
    let debugged = spec("docker.io/a:1", debug.clone());
    assert_eq!(decision(&by_kind, &review("Pod", &debugged, Some(&before))), Decision::Allow);
    // The image of a debug container is no image for the Pod.
    let moved = spec(BAD, debug);
    assert_eq!(decision(&by_kind, &review("Pod", &moved, Some(&debugged))), Decision::Deny);
    // Where nobody asks, only new references are judged.
    let plain = policy("updates: changed");
    assert_eq!(decision(&plain, &review("Pod", &moved, Some(&debugged))), Decision::Allow);

    // The same holds for a pull that is no longer forced.
    let pulled = policy("imagePullPolicy: always");
    let pod = |pull: &str| {
        json!({"metadata": {}, "spec": {"containers": [
            {"name": "a", "image": "docker.io/a:1", "imagePullPolicy": pull},
        ]}})
    };
    for (old, new, expected) in [
        ("Always", "Never", Decision::Deny),
        ("Never", "Never", Decision::Allow),
        ("Never", "Always", Decision::Allow),
        ("Never", "IfNotPresent", Decision::Deny),
    ] {
        let body = review("Pod", &pod(new), Some(&pod(old)));
        assert_eq!(decision(&pulled, &body), expected, "{old} {new}");
        assert_eq!(decision(&plain, &body), Decision::Allow, "{old} {new}");
    }
}

#[test]
fn more_labels_than_are_read_are_refused() {
    let policy = policy(BY_LABEL);
    let many = |count: usize| {
        let mut labels: serde_json::Map<_, _> =
            (1..count).map(|n| (format!("l{n}"), json!("a"))).collect();
        labels.insert("debug".to_owned(), json!("yes"));
        Value::Object(labels)
    };
    assert_eq!(decision(&policy, &review("Pod", &pod(&many(1_000), BAD), None)), Decision::Allow);
    let body = review("Pod", &pod(&many(1_001), "docker.io/a:1"), None);
    let parsed = Review::parse_with(&body, policy.reading()).unwrap();
    let verdict = parsed.judge(&policy, None, 0);
    assert_eq!(verdict.decision, Decision::Deny);
    let message = "metadata.labels has too many labels! They are not read.";
    assert_eq!(verdict.violations[0].message, message);
    // Of a custom resource, those of all its Pods together.
    let template = json!({"template": pod(&many(600), BAD)});
    let once = json!({"spec": {"sets": [template]}});
    assert_eq!(decision(&policy, &review("x.io/Set", &once, None)), Decision::Allow);
    let twice = json!({"spec": {"sets": [template, template]}});
    assert_eq!(decision(&policy, &review("x.io/Set", &twice, None)), Decision::Deny);
}

#[test]
fn a_debug_container_by_the_old_subresource_is_that_of_a_pod_without_known_labels() {
    let body = review(
        "EphemeralContainers",
        &json!({"metadata": {"labels": {"debug": "yes"}},
            "ephemeralContainers": [{"name": "d", "image": BAD}]}),
        None,
    );
    assert_eq!(decision(&policy(BY_LABEL), &body), Decision::Deny);
    let by_kind = policy(
        "exemptions: [{name: e, images: [quay.io], reason: r, containers: [ephemeral], kinds: [Pod]}]",
    );
    assert_eq!(decision(&by_kind, &body), Decision::Allow);
}
