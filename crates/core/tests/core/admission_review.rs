//! Which images a request brings into reach, and how it is answered.

use crate::support::policy::{default_policy, policy};
use crate::support::request::{request, spec};
use imagegate_core::admission::{ApiVersion, BadReview, Operation, Review, images_of_object};
use imagegate_core::policy::{Decision, Documents, Workload, compile};
use proptest::prelude::*;
use serde_json::{Value, json};

fn answer(body: &[u8], yaml: &str) -> Value {
    let policy = policy(yaml);
    let review = Review::parse(body).unwrap();
    serde_json::from_slice(&review.answer(&review.judge(&policy, None, 0))).unwrap()
}

#[test]
fn every_built_in_workload_is_walked() {
    let pod_spec = json!({
        "containers": [{"name": "a", "image": "a.example/a:1"}],
        "initContainers": [{"name": "i", "image": "i.example/i:1"}],
        "ephemeralContainers": [{"name": "e", "image": "e.example/e:1"}],
        "volumes": [{"name": "plain", "emptyDir": {}},
                    {"name": "v", "image": {"reference": "v.example/v:1"}}],
    });
    let template = json!({"spec": {"template": {"spec": pod_spec}}});
    let rows = [
        (("", "Pod"), json!({"spec": pod_spec}), "spec"),
        (("", "PodTemplate"), json!({"template": {"spec": pod_spec}}), "template.spec"),
        (("", "ReplicationController"), template.clone(), "spec.template.spec"),
        (("apps", "Deployment"), template.clone(), "spec.template.spec"),
        (("extensions", "Deployment"), template.clone(), "spec.template.spec"),
        (("apps", "ReplicaSet"), template.clone(), "spec.template.spec"),
        (("extensions", "ReplicaSet"), template.clone(), "spec.template.spec"),
        (("apps", "StatefulSet"), template.clone(), "spec.template.spec"),
        (("apps", "DaemonSet"), template.clone(), "spec.template.spec"),
        (("extensions", "DaemonSet"), template.clone(), "spec.template.spec"),
        (("batch", "Job"), template.clone(), "spec.template.spec"),
        (
            ("batch", "CronJob"),
            json!({"spec": {"jobTemplate": template}}),
            "spec.jobTemplate.spec.template.spec",
        ),
    ];
    for (kind, object, path) in rows {
        let body = request(kind, json!({"object": object}));
        let review = Review::parse(&body).unwrap();
        let fields: Vec<String> = review.images().iter().map(|i| i.field.to_string()).collect();
        let expected = [
            format!("{path}.containers[0].image"),
            format!("{path}.initContainers[0].image"),
            format!("{path}.ephemeralContainers[0].image"),
            format!("{path}.volumes[1].image.reference"),
        ];
        assert_eq!(fields, expected, "{kind:?}");
    }
}

#[test]
fn the_old_object_of_ephemeral_containers_is_walked() {
    let object = json!({"ephemeralContainers": [{"name": "e", "image": "evil.example/e:1"}]});
    let more = json!({"operation": "UPDATE", "subResource": "ephemeralcontainers",
                      "object": object, "oldObject": {"ephemeralContainers": null}});
    let body = request(("", "EphemeralContainers"), more);
    let review = Review::parse(&body).unwrap();
    assert_eq!(review.images()[0].field.to_string(), "ephemeralContainers[0].image");
    assert_eq!(review.judge(&default_policy(), None, 0).decision, Decision::Deny);
}

#[test]
fn what_cannot_change_an_image_is_allowed() {
    let bad = json!({"spec": spec(&["evil.example/a:1"])});
    let rows = [
        (("", "Pod"), json!({"operation": "DELETE", "object": null, "oldObject": bad})),
        (("", "PodExecOptions"), json!({"operation": "CONNECT", "object": {"command": "sh"}})),
        (("", "Pod"), json!({"operation": "UPDATE", "subResource": "status", "object": bad})),
        (("", "Pod"), json!({"operation": "UPDATE", "subResource": "resize", "object": bad})),
        (("", "Binding"), json!({"subResource": "binding", "object": {"target": {}}})),
        (("policy", "Eviction"), json!({"subResource": "eviction", "object": {}})),
        (("autoscaling", "Scale"), json!({"subResource": "scale", "object": {"spec": {}}})),
        (("", "ConfigMap"), json!({"object": {"data": {"spec": "x"}}})),
        (
            ("example.com", "Pod"),
            json!({"resource": {"group": "example.com", "resource": "pods"},
                                       "object": {"spec": "not a pod spec"}}),
        ),
        (
            ("example.com", "Deployment"),
            json!({"resource": {"group": "example.com",
                                                            "resource": "deployments"},
                                              "object": bad}),
        ),
        (
            ("autoscaling", "Scale"),
            json!({"subResource": "scale", "object": {"spec": {"replicas": 3}},
                                         "resource": {"group": "apps", "resource": "deployments"}}),
        ),
        (
            ("", "Binding"),
            json!({"subResource": "binding", "object": {"target": {}},
                                "resource": {"group": "", "resource": "pods"}}),
        ),
    ];
    for (kind, more) in rows {
        let body = request(kind, more);
        let review = Review::parse(&body).unwrap();
        let policy = default_policy();
        let verdict = review.judge(&policy, None, 0);
        assert_eq!(verdict.decision, Decision::Allow, "{kind:?}");
    }
}

#[test]
fn what_cannot_be_classified_and_may_name_images_is_refused() {
    let containers = json!({"containers": [{"name": "c", "image": "gcr.io/a:1"}]});
    let objects = [
        json!({"spec": containers}),
        json!({"spec": {"initContainers": containers["containers"]}}),
        json!({"spec": {"ephemeralContainers": containers["containers"]}}),
        json!({"spec": {"volumes": [{"image": {"reference": "gcr.io/a:1"}}]}}),
        json!({"spec": {"template": {"spec": containers}}}),
        json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": containers}}}}}),
        json!({"template": {"spec": containers}}),
        json!({"ephemeralContainers": containers["containers"]}),
        json!({"spec": {"containers": vec![json!({}); 1001]}}),
    ];
    let parse = |kind, more| Review::parse(&request(kind, more)).map(|_| ());
    for object in &objects {
        let scale = json!({"object": object, "subResource": "scale",
                           "resource": {"group": "apps", "resource": "deployments"}});
        for more in [json!({"object": object}), json!({"object": object, "resource": null}), scale]
        {
            let result = parse(("example.com", "Unknown"), more);
            assert_eq!(result, Err(BadReview::UnknownKind), "{object}");
        }
        for kind in [json!(null), json!({}), json!({"group": "", "kind": ""})] {
            let result = parse(("", "Pod"), json!({"object": object, "kind": kind}));
            assert_eq!(result, Err(BadReview::NoKind), "{object}");
        }
    }
    // An object in which the fields have other types may name images all the same.
    let result = parse(("example.com", "Unknown"), json!({"object": {"spec": "containers"}}));
    assert!(matches!(result, Err(BadReview::Malformed { .. })), "{result:?}");
    // The resource is that of a workload, and so is the object, whatever it holds.
    for (group, resource) in [
        ("", "pods"),
        ("", "podtemplates"),
        ("", "replicationcontrollers"),
        ("apps", "deployments"),
        ("extensions", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("apps", "daemonsets"),
        ("batch", "jobs"),
        ("batch", "cronjobs"),
    ] {
        let more = json!({"resource": {"group": group, "resource": resource}, "object": {}});
        assert_eq!(parse(("", "ConfigMap"), more), Err(BadReview::UnknownKind), "{resource}");
    }
}

#[test]
fn a_denial_names_what_is_refused_and_warns_of_the_rest() {
    let yaml = "allowedRegistries: [docker.io, {registry: gcr.io, mode: warn}, {registry: quay.io, mode: audit}]";
    let images = ["gcr.io/a:latest", "docker.io/b:latest", "quay.io/c:latest"];
    let pod = |images: &[&str]| request(("", "Pod"), json!({"object": {"spec": spec(images)}}));
    let denied = answer(&pod(&images), yaml);
    let response = &denied["response"];
    assert_eq!(response["allowed"], false);
    let message = "c image has a non-allowed tag! (docker.io/b:latest). \
                   These tags \"staging,latest\" are prohibited.";
    assert_eq!(response["status"]["message"], message);
    assert_eq!(response["status"]["details"]["causes"].as_array().unwrap().len(), 1);
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].as_str().unwrap().starts_with("the tag `latest` is prohibited"));
    assert!(warnings[1].as_str().unwrap().contains("gcr.io/a:latest"));
    let annotation = response["auditAnnotations"]["violations"].as_str().unwrap();
    assert_eq!(annotation.matches("=blocked-tag").count(), 3, "{annotation}");
    let warned = answer(&pod(&images[..1]), yaml);
    assert_eq!(warned["response"]["allowed"], true);
    assert_eq!(warned["response"]["warnings"].as_array().unwrap().len(), 1);
    let audited = answer(&pod(&images[2..]), yaml);
    assert_eq!(audited["response"]["allowed"], true);
    assert!(audited["response"].get("warnings").is_none());
}

#[test]
fn a_pod_without_an_image_is_denied() {
    let rows = [
        json!({}),
        json!({"spec": null}),
        json!({"spec": {}}),
        json!({"spec": {"containers": []}}),
        json!({"spec": {"containers": null}}),
        json!({"spec": {"containers": [{"name": "c"}]}}),
        json!({"spec": {"containers": [{"name": "c", "image": null}]}}),
        json!({"spec": {"containers": [{"name": "c", "image": ""}]}}),
    ];
    for object in rows {
        let body = request(("", "Pod"), json!({"object": object}));
        let answer = answer(&body, "exemptions: [{name: e, images: ['*'], reason: r}]");
        assert_eq!(answer["response"]["allowed"], json!(false), "{object}");
        let cause = &answer["response"]["status"]["details"]["causes"][0];
        assert_eq!(cause["reason"], "invalid-reference", "{object}");
    }
}

#[test]
fn a_pod_without_a_container_is_named_by_its_name() {
    for (name, expected) in [(json!("web"), "web"), (json!(""), "pod"), (Value::Null, "pod")] {
        let body = request(("", "Pod"), json!({"object": {}, "name": name}));
        let review = Review::parse(&body).unwrap();
        let violations = review.judge(&default_policy(), None, 0).violations;
        assert_eq!(violations[0].container, expected, "{name}");
    }
}

#[test]
fn an_update_is_judged_by_the_references_that_are_new() {
    let cases = [
        (vec!["evil.example/a:1"], vec!["evil.example/a:1"], true),
        (vec!["evil.example/a:1"], vec!["evil.example/a:2"], false),
        (vec!["evil.example/a:1", "gcr.io/b:1"], vec!["gcr.io/b:1", "evil.example/a:1"], true),
        (vec!["gcr.io/b:1"], vec!["gcr.io/b:1", "nginx"], false),
        (vec!["gcr.io/b:1", "nginx"], vec!["gcr.io/b:1"], true),
        // Compared as written: another spelling is another reference.
        (vec!["evil.example/a:1"], vec!["EVIL.example/a:1"], false),
        (vec![], vec!["evil.example/a:1"], false),
    ];
    for (old, new, allowed) in cases {
        let more = json!({"operation": "UPDATE", "object": {"spec": spec(&new)},
                          "oldObject": {"spec": spec(&old)}});
        let body = request(("", "Pod"), more);
        assert_eq!(answer(&body, "updates: changed")["response"]["allowed"], allowed, "{new:?}");
    }
    let same = json!({"operation": "UPDATE", "object": {"spec": spec(&["nginx"])},
                      "oldObject": {"spec": spec(&["nginx"])}});
    let body = request(("", "Pod"), same);
    assert_eq!(answer(&body, "updates: all")["response"]["allowed"], json!(false));
    let without = json!({"operation": "UPDATE", "object": {"spec": spec(&["nginx"])}});
    let body = request(("", "Pod"), without);
    assert_eq!(answer(&body, "updates: changed")["response"]["allowed"], json!(false));
}

#[test]
fn a_denial_is_rendered_whole() {
    let object = json!({"spec": spec(&["nginx", "gcr.io/a:latest"])});
    let body = request(("", "Pod"), json!({"object": object}));
    let yaml = "denialHint: 'ask #platform'";
    let policy = policy(yaml);
    let hash = policy.hash();
    let first = "c image has no tag! (nginx). Only images with tags are allowed.";
    let second = "c image has a non-allowed tag! (gcr.io/a:latest). \
                  These tags \"staging,latest\" are prohibited.";
    let expected = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": "u-1",
            "allowed": false,
            "warnings": [
                "`nginx` names neither a registry nor a tag; \
                 did you mean `docker.io/library/nginx:<tag>`?",
                "the tag `latest` is prohibited; `gcr.io/a:<tag>` with another tag is accepted",
                "ask #platform",
            ],
            "status": {
                "status": "Failure",
                "message": format!("{first}; {second}"),
                "details": {"causes": [
                    {"reason": "missing-tag", "message": first,
                     "field": "spec.containers[0].image"},
                    {"reason": "blocked-tag", "message": second,
                     "field": "spec.containers[1].image"},
                ]},
                "code": 403,
            },
            "auditAnnotations": {
                "policy-hash": hash,
                "verdict": "deny",
                "violations":
                    "spec.containers[0].image=missing-tag,spec.containers[1].image=blocked-tag",
            },
        },
    });
    assert_eq!(answer(&body, yaml), expected);
    let mut silent = answer(&body, &format!("{yaml}\ndenialWarnings: false"));
    silent["response"]["auditAnnotations"]["policy-hash"] = hash.into();
    let mut without = expected;
    without["response"].as_object_mut().unwrap().remove("warnings");
    assert_eq!(silent, without);
}

#[test]
fn the_simple_form_says_nothing_beside_a_denial() {
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&["nginx"])}}));
    let review = Review::parse(&body).unwrap();
    for documents in [
        Documents::default(),
        crate::support::policy::volume([("ALLOWED_REGISTRIES", "docker.io")]),
        crate::support::policy::variables([("BLOCKED_TAGS", "latest")]),
    ] {
        let (policy, _) = compile(&documents).unwrap();
        let answer = review.answer(&review.judge(&policy, None, 0));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"].get("warnings"), None);
    }
}

#[test]
fn advice_is_short_and_follows_the_mode_and_the_override() {
    let yaml = "denialHint: base
overrides:
  - {name: team, denialHint: team}
  - {name: quiet, denialWarnings: false}
  - {name: lenient, mode: warn}
  - {name: watched, mode: audit}";
    let images = ["a:1", "b:1", "a:1", "c:1", "d:1", "not valid"];
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&images)}}));
    let review = Review::parse(&body).unwrap();
    let policy = policy(yaml);
    let warnings = |pinned: Option<&str>| {
        let answer = review.answer(&review.judge(&policy, pinned, 0));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let warnings = answer["response"]["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let line = |image: &str| {
        format!("`{image}` names no registry; did you mean `docker.io/library/{image}`?")
    };
    assert_eq!(warnings(None), [line("a:1"), line("b:1"), line("c:1"), "base".to_owned()]);
    assert_eq!(warnings(Some("team"))[3], "team");
    assert_eq!(warnings(Some("quiet")), [""; 0]);
    // There the messages are the warnings.
    assert!(warnings(Some("lenient"))[0].starts_with("c image comes from an untrusted registry!"));
    assert_eq!(warnings(Some("lenient")).len(), images.len());
    assert_eq!(warnings(Some("watched")), [""; 0]);
    // What is no reference has its reason in the message; the hint stands alone.
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&["not valid"])}}));
    assert_eq!(answer(&body, "denialHint: base")["response"]["warnings"], json!(["base"]));
}

#[test]
fn a_container_without_a_name_is_named_by_its_place() {
    let object = json!({"spec": {
        "containers": [{"image": "nginx"}, {"name": "", "image": "quay.io/a/b:1"}, {}],
        "volumes": [{"name": "v"}, {"image": {"reference": "a b"}}],
    }});
    let body = request(("", "Pod"), json!({"object": object}));
    let review = Review::parse(&body).unwrap();
    let policy = default_policy();
    let verdict = review.judge(&policy, None, 0);
    let places =
        ["spec.containers[0]", "spec.containers[1]", "spec.containers[2]", "spec.volumes[1]"];
    assert_eq!(verdict.violations.len(), places.len());
    for (violation, place) in verdict.violations.iter().zip(places) {
        assert_eq!(violation.container, place);
        assert!(violation.message.starts_with(&format!("{place} image ")), "{}", violation.message);
    }
}

#[test]
fn the_version_that_asks_is_the_version_that_answers() {
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&["gcr.io/a:1"])}}));
    let text = String::from_utf8(body).unwrap();
    let body = text.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let answer = answer(body.as_bytes(), "mode: enforce");
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1beta1");
    assert_eq!(answer["response"]["allowed"], json!(true));
    assert_eq!(answer["response"].get("status"), None);
}

#[test]
fn an_exemption_is_annotated() {
    let yaml = "exemptions: [{name: agent, images: [evil.example], reason: r}]";
    let object = json!({"spec": spec(&["evil.example/a:1"])});
    let answer = answer(&request(("", "Pod"), json!({"object": object})), yaml);
    assert_eq!(answer["response"]["allowed"], json!(true));
    let annotations = &answer["response"]["auditAnnotations"];
    assert_eq!(annotations["exemptions"], "spec.containers[0].image=agent");
}

#[test]
fn texts_with_escapes_are_read_and_written() {
    let image = "evil.example/\"a\"\\:1\u{7}é\u{202e}\u{2028}";
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&[image])}}));
    let body = String::from_utf8(body).unwrap().replace("u-1", "u\\u002d\\\"1");
    let answer = answer(body.as_bytes(), "mode: enforce");
    assert_eq!(answer["response"]["uid"], "u-\"1");
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains(r#"evil.example/"a"\:1\u{7}é\u{202e}\u{2028}"#), "{message}");
}

#[test]
fn who_asks_is_known() {
    let body = request(("", "Pod"), json!({"dryRun": true, "object": {"spec": spec(&["a"])}}));
    let review = Review::parse(&body).unwrap();
    assert_eq!((review.user(), review.groups().len()), ("jane", 2));
    assert_eq!((review.namespace(), review.name(), review.kind()), ("default", "web", "Pod"));
    assert!(review.is_dry_run());
    let object = json!({"spec": spec(&["a"])});
    for real in [json!({"dryRun": false, "object": object}), json!({"object": object})] {
        let body = request(("", "Pod"), real);
        assert!(!Review::parse(&body).unwrap().is_dry_run());
    }
    assert_eq!((review.uid(), review.version()), ("u-1", ApiVersion::V1));
    assert_eq!(review.operation(), Operation::Create);
}

#[test]
fn a_bare_object_gives_its_images() {
    let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "prod"},
        "spec": {"template": {"spec": spec(&["nginx"])}}});
    let json = manifest.to_string();
    let object = images_of_object(json.as_bytes()).unwrap();
    assert_eq!((&*object.kind, &*object.name, &*object.namespace), ("Deployment", "web", "prod"));
    assert_eq!(object.workload, Workload::Template);
    assert_eq!(object.images.len(), 1);
    let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": []}}).to_string();
    assert!(images_of_object(service.as_bytes()).unwrap().images.is_empty());
    assert!(images_of_object(b"[]").is_err());
}

proptest! {
    #[test]
    fn answers_keep_to_the_limits_of_the_api_server(
        images in proptest::collection::vec("[a-zé\"\\\\\n ]{0,300}", 1..80),
        mode in prop_oneof![Just("enforce"), Just("warn"), Just("audit")],
    ) {
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        let body = request(("", "Pod"), json!({"object": {"spec": spec(&images)}}));
        let answer = answer(&body, &format!("mode: {mode}"));
        let response = &answer["response"];
        prop_assert_eq!(&response["uid"], "u-1");
        prop_assert_eq!(response["allowed"].as_bool().unwrap(), mode != "enforce");
        if let Some(message) = response["status"]["message"].as_str() {
            prop_assert!(message.len() <= 1024, "{}", message.len());
            prop_assert!(!message.contains('\n'));
        }
        if let Some(causes) = response["status"]["details"]["causes"].as_array() {
            prop_assert!(causes.len() <= 32);
        }
        let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
        prop_assert!(!warnings.is_empty() || mode != "warn");
        prop_assert!(warnings.is_empty() || mode != "audit");
        let texts: Vec<&str> = warnings.iter().map(|warning| warning.as_str().unwrap()).collect();
        prop_assert!(texts.iter().all(|text| text.chars().count() <= 120));
        prop_assert!(texts.iter().all(|text| !text.chars().any(char::is_control)));
        prop_assert!(texts.iter().map(|text| text.len()).sum::<usize>() <= 4096);
        let annotations = response["auditAnnotations"].as_object().unwrap();
        prop_assert!(annotations.values().all(|text| text.as_str().unwrap().len() <= 1024));
    }
}
