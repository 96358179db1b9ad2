//! Custom resources that the policy names: judged as templates, also by a candidate.

use crate::support::reload::metric;
use crate::support::server::Server;
use serde_json::{Value, json};

const NAMED: &str = "\
templates: enforce
workloads: [{group: argoproj.io, kind: Rollout, podSpec: /spec/template/spec}]
";

fn rollout(image: &str) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": "shop", "name": "web",
            "kind": {"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout"},
            "resource": {"group": "argoproj.io", "version": "v1alpha1", "resource": "rollouts"},
            "object": {"spec": {"template": {"spec": {
                "containers": [{"name": "app", "image": image}],
            }}}},
        },
    })
    .to_string()
}

#[tokio::test]
async fn a_named_kind_is_denied_with_its_field_and_another_is_not_judged() {
    let server = Server::with_policy(NAMED);
    let (status, answer) = server.post("/validate", rollout("quay.io/app:1")).await;
    let response = &answer["response"];
    assert_eq!((status, &response["allowed"]), (200, &Value::Bool(false)), "{answer}");
    assert_eq!(
        response["status"]["message"],
        "app image comes from an untrusted registry! (quay.io/app:1). \
         Only images from docker.io,gcr.io are allowed."
    );
    let field = &response["status"]["details"]["causes"][0]["field"];
    assert_eq!(field, "spec.template.spec.containers[0].image");
    let (_, answer) = server.post("/validate", rollout("docker.io/app:1")).await;
    assert_eq!(answer["response"]["allowed"], true);
    let other = rollout("quay.io/app:1").replace("Rollout", "Experiment");
    let (_, answer) = server.post("/validate", other).await;
    assert_eq!(answer["response"]["allowed"], true);
}

#[tokio::test]
async fn what_is_no_pod_spec_is_an_answer_and_not_an_error() {
    let server = Server::with_policy(NAMED);
    let body = rollout("x").replace(r#"[{"image":"x","name":"app"}]"#, r#""x""#);
    let (status, answer) = server.post("/validate", body).await;
    assert_eq!((status, &answer["response"]["allowed"]), (200, &Value::Bool(false)), "{answer}");
    assert_eq!(
        answer["response"]["status"]["message"],
        "spec.template.spec is not a pod spec! Its images cannot be read."
    );
    let cause = &answer["response"]["status"]["details"]["causes"][0];
    assert_eq!(cause["field"], "spec.template.spec", "{cause}");
}

#[tokio::test]
async fn a_candidate_goes_by_its_own_workloads() {
    for (policy, candidate, allowed, to) in [
        ("mode: enforce\n", NAMED, true, Some("deny")),
        (NAMED, "mode: enforce\n", false, Some("allow")),
        (NAMED, NAMED, false, None),
    ] {
        let server = Server::without_policy();
        server.put_in_force(policy, Some(candidate));
        let (_, answer) = server.post("/validate", rollout("quay.io/app:1")).await;
        assert_eq!(answer["response"]["allowed"], allowed, "{policy} {candidate}");
        for each in ["allow", "deny"] {
            let series = format!("imagegate_candidate_flips_total{{to=\"{each}\"}}");
            let expected = i64::from(to == Some(each));
            assert_eq!(metric(&server.metrics.render(), &series), expected, "{policy} {each}");
        }
    }
}
