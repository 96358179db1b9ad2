//! Custom resources that a policy names: where their images are, and what is refused unread.

use crate::support::policy::policy;
use crate::support::request::{request, spec};
use imagegate_core::admission::{BadReview, Review};
use imagegate_core::manifest::{Node, Object, discover_as};
use imagegate_core::policy::{Decision, Policy, Workload};
use serde_json::{Value, json};

const ROLLOUT: (&str, &str) = ("argoproj.io", "Rollout");

/// A policy that names `Rollout` with these paths, and judges templates as Pods.
fn naming(paths: &[&str]) -> Policy {
    let entry =
        |path: &&str| format!("  - {{group: argoproj.io, kind: Rollout, podSpec: '{path}'}}\n");
    let entries: String = paths.iter().map(entry).collect();
    policy(&format!("templates: enforce\nworkloads:\n{entries}"))
}

fn template(pod_spec: &Value) -> Value {
    json!({"spec": {"template": {"spec": pod_spec}}})
}

/// `PATH container=image`
fn images(policy: &Policy, object: &Value) -> Vec<String> {
    let body = request(ROLLOUT, json!({"object": object}));
    let review = Review::parse_with(&body, policy.reading()).unwrap();
    let line = |each: &imagegate_core::policy::ContainerImage<'_>| {
        format!("{} {}={}", each.field, each.container, each.image.as_deref().unwrap_or("?"))
    };
    review.images().iter().map(line).collect()
}

/// What is said of a request; nothing where it is fine.
fn messages(policy: &Policy, more: Value) -> Vec<String> {
    let body = request(ROLLOUT, more);
    let review = Review::parse_with(&body, policy.reading()).unwrap();
    let verdict = review.judge(policy, None, 0);
    assert_eq!(verdict.decision == Decision::Deny, !verdict.violations.is_empty());
    verdict.violations.into_iter().map(|each| format!("{}: {}", each.field, each.message)).collect()
}

#[test]
fn a_pod_spec_is_read_where_the_policy_says() {
    let all = json!({
        "containers": [{"name": "a", "image": "a.example/a:1"}],
        "initContainers": [{"name": "i", "image": "i.example/i:1"}],
        "volumes": [{"name": "p"}, {"name": "v", "image": {"reference": "v.example/v:1"}}],
    });
    let one = spec(&["a.example/a:1"]);
    let rows: [(&[&str], Value, &[&str]); 8] = [
        (
            &["/spec/template/spec"],
            template(&all),
            &[
                "spec.template.spec.containers[0].image a=a.example/a:1",
                "spec.template.spec.initContainers[0].image i=i.example/i:1",
                "spec.template.spec.volumes[1].image.reference v=v.example/v:1",
            ],
        ),
        (
            &["/spec/jobs/*/template"],
            json!({"spec": {"jobs": [{"template": one}, {}, {"template": one}]}}),
            &[
                "spec.jobs[0].template.containers[0].image c=a.example/a:1",
                "spec.jobs[2].template.containers[0].image c=a.example/a:1",
            ],
        ),
        (
            &["/spec/roles/*/template"],
            json!({"spec": {"roles": {"a": {"template": one}, "b.c": {"template": one}}}}),
            &[
                "spec.roles.a.template.containers[0].image c=a.example/a:1",
                "spec.roles['b.c'].template.containers[0].image c=a.example/a:1",
            ],
        ),
        (
            &["/spec/head", "/spec/workers/*"],
            json!({"spec": {"head": one, "workers": [one]}}),
            &[
                "spec.head.containers[0].image c=a.example/a:1",
                "spec.workers[0].containers[0].image c=a.example/a:1",
            ],
        ),
        (&["/a~1b~0c"], json!({"a/b~c": one}), &["a/b~c.containers[0].image c=a.example/a:1"]),
        (&["/*"], json!({"spec": one}), &["spec.containers[0].image c=a.example/a:1"]),
        // What is left out is none of the gate's business: the operator fills it in.
        (&["/spec/template/spec"], template(&json!({"containers": [{"name": "a"}]})), &[]),
        (&["/spec/template/spec"], json!({"spec": {"template": null}}), &[]),
    ];
    for (paths, object, expected) in rows {
        assert_eq!(images(&naming(paths), &object), expected, "{paths:?} {object}");
    }
}

#[test]
fn check_finds_the_same_as_the_webhook() {
    let one = spec(&["a.example/a:1", "b.example/b:1"]);
    let policy = naming(&["/spec/pods/*/spec", "/spec/main"]);
    let objects = [
        json!({"spec": {"pods": [{"spec": one}, {"spec": {}}], "main": one}}),
        json!({"spec": {"pods": {"x": {"spec": one}}, "main": {"containers": []}}}),
        json!({"spec": {"pods": [{"spec": {"containers": "x"}}]}}),
        json!({"spec": {"main": {"containers": {}}}}),
        json!({"spec": {"main": {"volumes": "x"}}}),
        json!({"spec": {"main": {"containers": ["x"]}}}),
        json!({"spec": {"main": 7}}),
        json!({"spec": {"pods": [7]}}),
        json!({"spec": {"pods": "x"}}),
        json!({"spec": "x"}),
        json!({"spec": []}),
        json!({"spec": null}),
    ];
    for object in objects {
        let node = Node::from(&object);
        let identity = Object {
            api_version: "argoproj.io/v1",
            kind: "Rollout",
            name: "",
            namespace: "",
            controller: None,
        };
        let found = discover_as(&node, identity, policy.workloads());
        let line = |each: &imagegate_core::manifest::FoundImage<'_>| {
            format!("{} {}={}", each.path(), each.container, each.image.unwrap_or("?"))
        };
        let mut by_check: Vec<_> = found.images.iter().map(line).collect();
        let mut by_webhook = images(&policy, &object);
        by_check.sort();
        by_webhook.sort();
        assert_eq!(by_check, by_webhook, "{object}");
        let body = request(ROLLOUT, json!({"object": object}));
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        let unread = review.judge(&policy, None, 0).violations;
        let unread = unread.iter().filter(|each| each.message.contains("is not a pod spec"));
        assert_eq!(found.misfits.is_empty(), unread.count() == 0, "{object}: {:?}", found.misfits);
    }
}

#[test]
fn what_is_no_pod_spec_is_refused_in_its_place_alone() {
    let policy = naming(&["/spec/jobs/*/spec"]);
    let fine = spec(&["docker.io/library/nginx:1.27"]);
    let rows = [
        (json!([{"spec": fine}, {"spec": "text"}]), &["spec.jobs[1].spec"][..]),
        (json!([{"spec": {"containers": {}}}, {"spec": fine}]), &["spec.jobs[0].spec"]),
        (json!([{"spec": {"containers": [{"name": 7}]}}]), &["spec.jobs[0].spec"]),
        (json!(["text", {"spec": fine}, 7]), &["spec.jobs[0]", "spec.jobs[2]"]),
        (json!([[{"spec": fine}]]), &["spec.jobs[0]"]),
        (json!("text"), &["spec.jobs"]),
        (json!({"a'\u{202e}": 7}), &["spec.jobs['a'\\u{202e}']"]),
        (json!([{"spec": fine}, {}, null, {"spec": null}]), &[]),
    ];
    for (jobs, places) in rows {
        let expected: Vec<_> = places
            .iter()
            .map(|place| format!("{place}: {place} is not a pod spec! Its images cannot be read."))
            .collect();
        let object = json!({"spec": {"jobs": jobs}});
        assert_eq!(messages(&policy, json!({"object": object})), expected, "{jobs}");
        // What was there before must not keep labels and finalizers from changing.
        let update = json!({"operation": "UPDATE", "object": object, "oldObject": object});
        assert_eq!(messages(&policy, update.clone()), Vec::<String>::new(), "{jobs}");
        let strict = naming(&["/spec/jobs/*/spec"]).to_json().replace("changed", "all");
        let strict = crate::support::policy::policy(&strict);
        assert_eq!(messages(&strict, update), expected, "{jobs}");
    }
    let object = json!({"spec": "text"});
    assert_eq!(messages(&policy, json!({"object": object})).len(), 1);
    let object = json!({"object": ["text"]});
    let said = messages(&policy, object);
    assert_eq!(said, ["object: object is not a pod spec! Its images cannot be read."]);
    let body = request(ROLLOUT, json!({}));
    let missing = Review::parse_with(&body, policy.reading());
    assert_eq!(missing.unwrap_err(), BadReview::NoObject);
    // A key that is there twice could hide an image from one of two readers.
    let object = r#"{"spec":{},"spec":{"jobs":[]}}"#;
    let body = String::from_utf8(request(ROLLOUT, json!({"object": "here"}))).unwrap();
    let body = body.replace(r#""here""#, object);
    let review = Review::parse_with(body.as_bytes(), policy.reading()).unwrap();
    assert_eq!(review.judge(&policy, None, 0).decision, Decision::Deny);
}

#[test]
fn an_update_is_judged_by_what_it_changes() {
    let policy = naming(&["/spec/template/spec"]);
    let (old, new) = (template(&spec(&["bad.example/a:1"])), template(&spec(&["bad.example/b:1"])));
    let update = |object: &Value, old: &Value| {
        messages(&policy, json!({"operation": "UPDATE", "object": object, "oldObject": old})).len()
    };
    assert_eq!(messages(&policy, json!({"object": old})).len(), 1);
    assert_eq!(update(&old, &old), 0);
    assert_eq!(update(&new, &old), 1);
    assert_eq!(update(&new, &json!({})), 1, "what the old object did not have is new");
    assert_eq!(messages(&policy, json!({"operation": "DELETE", "oldObject": old})).len(), 0);
}

#[test]
fn what_was_no_pod_spec_before_is_let_be_only_while_it_stays_the_same() {
    let policy = naming(&["/spec/jobs/*"]);
    let jobs = |jobs: Vec<Value>| json!({"spec": {"jobs": jobs}});
    let update = |object: &Value, old: &Value| {
        messages(&policy, json!({"operation": "UPDATE", "object": object, "oldObject": old})).len()
    };
    let text = jobs(vec![json!("x")]);
    let other = jobs(vec![json!({"containers": [{"name": 7, "image": "bad.example/x"}]})]);
    assert_eq!((update(&text, &text), update(&other, &text)), (0, 1));
    // Beyond the places that are told apart, nothing is as it was.
    let mut many = vec![json!("x"); 33];
    let texts = jobs(many.clone());
    many[32] = spec(&vec!["docker.io/library/nginx:1.27"; 1_001]);
    assert_eq!(update(&jobs(many), &texts), 1);
}

#[test]
fn only_the_named_kind_is_judged_and_as_a_template() {
    let bad = template(&spec(&["bad.example/a:1"]));
    let parse = |policy: &Policy, kind, more: Value| {
        let mut fields =
            json!({"object": bad, "resource": {"group": "argoproj.io", "resource": "x"}});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = request(kind, fields);
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        (review.images().len(), review.workload(), review.is_custom())
    };
    let named = naming(&["/spec/template/spec"]);
    let none = json!({});
    assert_eq!(parse(&named, ROLLOUT, none.clone()), (1, Workload::Template, true));
    assert_eq!(parse(&named, ("argoproj.io", "Workflow"), none.clone()).0, 0);
    assert_eq!(parse(&named, ("other.io", "Rollout"), none.clone()).0, 0);
    assert_eq!(parse(&policy("mode: enforce"), ROLLOUT, none.clone()), (0, Workload::Pod, true));
    assert_eq!(parse(&named, ROLLOUT, json!({"subResource": "status"})).0, 0);
    assert_eq!(parse(&named, ("autoscaling", "Scale"), json!({"subResource": "scale"})).0, 0);
    assert_eq!(parse(&named, ("apps", "Deployment"), none), (1, Workload::Template, false));
    for (templates, expected) in [("warn", Decision::Allow), ("enforce", Decision::Deny)] {
        let yaml = format!("templates: {templates}\n");
        let policy = policy(&format!(
            "{yaml}workloads: [{{group: argoproj.io, kind: Rollout, podSpec: /spec/template/spec}}]"
        ));
        let body = request(ROLLOUT, json!({"object": bad}));
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        let verdict = review.judge(&policy, None, 0);
        assert_eq!((verdict.decision, verdict.violations.len()), (expected, 1), "{templates}");
    }
}

#[test]
fn fields_of_other_types_than_a_built_in_kind_has_are_no_fault() {
    let policy = naming(&["/spec/pod"]);
    let object = json!({
        "metadata": {"ownerReferences": "odd"}, "template": "text",
        "spec": {"containers": 7, "template": "text", "pod": spec(&["bad.example/a:1"])},
    });
    assert_eq!(images(&policy, &object).len(), 1);
}

#[test]
fn no_more_images_are_read_than_of_one_list() {
    let policy = naming(&["/spec/jobs/*"]);
    let jobs: Vec<_> = (0..1_100).map(|_| spec(&["docker.io/library/nginx:1.27"])).collect();
    let body = request(ROLLOUT, json!({"object": {"spec": {"jobs": jobs}}}));
    let review = Review::parse_with(&body, policy.reading()).unwrap();
    assert_eq!(review.images().len(), 1_000);
    let verdict = review.judge(&policy, None, 0);
    assert_eq!((verdict.decision, verdict.violated.total()), (Decision::Deny, 100));
    let said = &verdict.violations[0];
    assert_eq!(
        said.message,
        "spec.jobs[1000].containers[0] is not read, nor is what follows! The object has too many images."
    );
    // Nor is more said of what is no pod spec than a verdict describes.
    let body = request(ROLLOUT, json!({"object": {"spec": {"jobs": vec![7; 500]}}}));
    let review = Review::parse_with(&body, policy.reading()).unwrap();
    let verdict = review.judge(&policy, None, 0);
    assert_eq!((verdict.violations.len(), verdict.violated.total()), (32, 500));
    // Nor are more values gone through than any object has.
    for nothing in [json!({}), Value::Null] {
        let body = request(ROLLOUT, json!({"object": {"spec": {"jobs": vec![nothing; 20_000]}}}));
        let review = Review::parse_with(&body, policy.reading()).unwrap();
        let verdict = review.judge(&policy, None, 0);
        assert_eq!((verdict.violations.len(), verdict.violated.total()), (1, 20_000 - 16_382));
    }
}
