//! What is found in an object, by its kind and by its shape.

use imagegate_core::admission::images_of_object;
use imagegate_core::manifest::{Discovered, Node, discover, discover_candidates};
use proptest::prelude::*;
use serde_json::{Value, json};

/// `PATH container=image`, with `?` for an image that is left out.
fn images(found: &Discovered<'_>) -> Vec<String> {
    let line = |image: &imagegate_core::manifest::FoundImage<'_>| {
        format!("{} {}={}", image.path(), image.container, image.image.unwrap_or("?"))
    };
    sorted(found.images.iter().map(line).collect())
}

/// The webhook has an order of its own, a text that of its lines.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn images_in(object: &Value) -> Vec<String> {
    images(&discover(&Node::from(object)).unwrap())
}

/// What the webhook finds in the same object; `None` where it refuses to read it.
fn images_of_webhook(object: &Value) -> Option<Vec<String>> {
    let json = object.to_string();
    let object = images_of_object(json.as_bytes()).ok()?;
    let line = |image: &imagegate_core::policy::ContainerImage<'_>| {
        let written = image.image.as_deref().unwrap_or("?");
        format!("{} {}={written}", image.field, image.container)
    };
    Some(sorted(object.images.iter().map(line).collect()))
}

#[test]
fn in_built_in_kinds_it_is_what_the_webhook_finds() {
    let reviews = "../../tests/data/admission-reviews";
    let mut count = 0;
    for entry in std::fs::read_dir(reviews).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let review: Value = serde_json::from_str(&text).unwrap();
        for object in [&review["request"]["object"], &review["request"]["oldObject"]] {
            if object["kind"].is_string() {
                let found = discover(&Node::from(object)).is_some_and(|found| {
                    count += found.images.len();
                    Some(images(&found)) == images_of_webhook(object)
                });
                assert!(found, "{object}");
            }
        }
    }
    assert!(count > 20, "{count} images in the recorded reviews");
}

fn container() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => Just(json!({"name": "a", "image": "quay.io/a:1"})),
        2 => Just(json!({"name": "b"})),
        2 => Just(json!({"image": "b"})),
        1 => Just(json!({"name": "c", "image": null})),
        1 => Just(json!({"name": "d", "image": 1.27})),
        1 => Just(json!({"name": 5, "image": "x"})),
        1 => Just(json!("text")),
        1 => Just(json!({"name": "e", "image": ""})),
    ]
}

fn volume() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"name": "v", "image": {"reference": "quay.io/v:1"}})),
        Just(json!({"name": "v", "image": {}})),
        Just(json!({"name": "v", "emptyDir": {}})),
    ]
}

fn pod_spec() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(container(), 0..3);
    (list(), list(), list(), prop::collection::vec(volume(), 0..3)).prop_map(
        |(containers, init, ephemeral, volumes)| {
            json!({
                "containers": containers, "initContainers": init,
                "ephemeralContainers": ephemeral, "volumes": volumes,
            })
        },
    )
}

fn object() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        ("v1", "Pod"),
        ("v1", "PodTemplate"),
        ("v1", "ReplicationController"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    ]);
    (kind, pod_spec(), 0..4_usize).prop_map(|((version, kind), spec, place)| match place {
        0 => json!({"apiVersion": version, "kind": kind, "spec": spec}),
        1 => json!({"apiVersion": version, "kind": kind, "template": {"spec": spec}}),
        2 => json!({"apiVersion": version, "kind": kind, "spec": {"template": {"spec": spec}}}),
        _ => json!({"apiVersion": version, "kind": kind,
            "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}),
    })
}

proptest! {
    /// Both find the same images, and what the webhook cannot read is told here: unless it stands
    /// where the kind has no pod spec, of which nothing is judged.
    #[test]
    fn the_two_readers_of_workloads_agree(object in object()) {
        let node = Node::from(&object);
        let found = discover(&node).unwrap();
        let is_empty_pod = object["kind"] == "Pod" && found.images.is_empty();
        match images_of_webhook(&object) {
            Some(expected) => {
                prop_assert_eq!(images(&found), expected);
                prop_assert!(found.misfits.is_empty() || is_empty_pod, "{:?}", found.misfits);
            }
            None => prop_assert!(
                !found.misfits.is_empty() || found.images.is_empty(), "{}", object
            ),
        }
    }
}

#[test]
fn a_pod_spec_is_known_by_its_shape() {
    let containers = json!([{"name": "a", "image": "quay.io/a:1"}]);
    let rows = [
        (
            json!({"spec": {"template": {"spec": {"containers": containers}}}}),
            vec!["spec.template.spec.containers[0].image a=quay.io/a:1"],
        ),
        (
            json!({"spec": {"podTemplate": {"initContainers": containers}}}),
            vec!["spec.podTemplate.initContainers[0].image a=quay.io/a:1"],
        ),
        // Knative leaves the name out.
        (
            json!({"spec": {"containers": [{"image": "b:1"}]}}),
            vec!["spec.containers[0].image =b:1"],
        ),
        // An operator fills in what is missing, here as in the metrics of a Pod.
        (
            json!({"spec": {"containers": [{"name": "a"}, {"name": "b", "image": "c:1"}]}}),
            vec!["spec.containers[1].image b=c:1"],
        ),
        (
            json!({"spec": {"containers": containers,
            "volumes": [{"name": "v", "image": {"reference": "v:1"}}]}}),
            vec!["spec.containers[0].image a=quay.io/a:1", "spec.volumes[0].image.reference v=v:1"],
        ),
        // Neither names, nor a schema, nor a list of something else are containers.
        (json!({"spec": {"containers": ["a", "b"]}}), vec![]),
        (
            json!({"spec": {"containers": {"type": "array", "items": {"image": {"type": "string"}}}}}),
            vec![],
        ),
        (json!({"spec": {"containers": [{"size": 3}]}}), vec![]),
        // A list of another group's project is no list of containers here.
        (json!({"spec": {"steps": [{"name": "a", "image": "a:1"}]}}), vec![]),
    ];
    for (mut object, expected) in rows {
        object["apiVersion"] = "example.com/v1".into();
        object["kind"] = "Thing".into();
        assert_eq!(images_in(&object), expected, "{object}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_path() {
    let rows = [
        (
            json!({"kind": "Pod", "spec": {"containers": 7}}),
            "`spec.containers` is a number and not a list",
        ),
        (
            json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": 1.27}]}}),
            "`spec.containers[0].image` is a number and not a text",
        ),
        (
            json!({"kind": "Pod", "spec": {"containers": ["a"]}}),
            "`spec.containers[0]` is a text and not a mapping",
        ),
        (json!({"kind": "Pod", "spec": []}), "`spec` is a list and not a mapping"),
        (json!({"kind": "Pod", "spec": {}}), "the Pod names no image"),
        (
            json!({"kind": "Job", "apiVersion": "batch/v1", "spec": {"template": true}}),
            "`spec.template` is a Boolean and not a mapping",
        ),
        (
            json!({"kind": "Thing", "spec": {"containers": [{"name": "a", "image": true}]}}),
            "`spec.containers[0].image` is a Boolean and not a text",
        ),
    ];
    for (object, expected) in rows {
        let node = Node::from(&object);
        let found = discover(&node).unwrap();
        assert_eq!(found.misfits.first().unwrap().message, expected, "{object}");
    }
    let many: Vec<_> = (0..1_001).map(|_| json!({"name": "a", "image": "a:1"})).collect();
    let object = json!({"kind": "Pod", "spec": {"containers": many}});
    let node = Node::from(&object);
    let found = discover(&node).unwrap();
    assert_eq!(found.misfits[0].message, "`spec.containers` has more than 1000 entries");
    assert_eq!(found.images.len(), 1_001);
}

#[test]
fn what_looks_like_an_image_is_counted_where_nobody_knows() {
    let values = json!({
        "image": {"registry": "quay.io", "repository": "acme/web", "tag": "1.4"},
        "sidecar": {"image": "docker.io/acme/side:1"},
        "proxyImage": "quay.io/acme/proxy:2",
        "agent.image": "quay.io/acme/agent:2",
        "imagePullPolicy": "Always",
        "images": ["a:1"],
        "logo": {"image": "logo.png"},
        "baseImage": "a word",
        "env": [{"name": "RELATED_IMAGE_AGENT", "value": "quay.io/acme/agent:3"},
            {"name": "HOME", "value": "/root:x"}],
    });
    let node = Node::from(&values);
    let found: Vec<_> = discover_candidates(&node)
        .into_iter()
        .map(|candidate| format!("{} {}", candidate.path, candidate.image))
        .collect();
    let mut expected = vec![
        "image quay.io/acme/web:1.4",
        "sidecar.image docker.io/acme/side:1",
        "proxyImage quay.io/acme/proxy:2",
        "['agent.image'] quay.io/acme/agent:2",
        "env[0].value quay.io/acme/agent:3",
    ];
    expected.sort_unstable();
    let mut found: Vec<_> = found.iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    // An operator's own field is none of its Pods'.
    let operand = json!({"kind": "Prometheus", "apiVersion": "monitoring.coreos.com/v1",
        "spec": {"image": "quay.io/prometheus/prometheus:v3", "containers": [
            {"name": "side", "image": "quay.io/a:1"}]}});
    let node = Node::from(&operand);
    let found = discover(&node).unwrap();
    assert_eq!(images(&found), ["spec.containers[0].image side=quay.io/a:1"]);
    assert_eq!(found.candidates[0].path, "spec.image");
    // Nor is what a built-in workload holds in another place than its pod spec.
    let deployment = json!({"kind": "Deployment", "apiVersion": "apps/v1",
        "spec": {"containers": [{"name": "a", "image": "a:1"}]}});
    let node = Node::from(&deployment);
    let found = discover(&node).unwrap();
    assert_eq!((found.images.len(), found.candidates.len()), (0, 1));
}
