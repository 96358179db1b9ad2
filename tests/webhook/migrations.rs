//! Policies of other engines once they are imported: the gate accepts each as an edit, puts it in force, and
//! answers Pods as the engine did.

use std::fs;

use crate::support::server::Server;
use imagegate_import::{documents, import};
use serde_json::{Value, json};

const MIGRATIONS: &str = "tests/data/migrations";
const ENGINES: [&str; 5] =
    ["gatekeeper", "kubewarden", "kyverno", "original", "validating-admission-policy"];

#[tokio::test]
async fn the_gate_accepts_what_was_imported_and_answers_as_its_engine_did() {
    let server = Server::with_policy("allowedRegistries: ['*']");
    for engine in ENGINES {
        let source = fs::read_to_string(format!("{MIGRATIONS}/{engine}.yaml")).unwrap();
        let policy = import(&documents(engine, &source).unwrap(), false).policy;
        let labels = json!({"imagegate/policy": "true"});
        let object = json!({"metadata": {"labels": labels}, "data": {"policy.yaml": policy}});
        let edit = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "1", "operation": "CREATE", "name": "policy",
                "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "object": object,
            },
        });
        let (_, answer) = server.post("/validate-config", edit.to_string()).await;
        assert_eq!(answer["response"]["allowed"], true, "{engine}: {answer}");
        server.put_in_force(&policy, None);
        let cases = fs::read_to_string(format!("{MIGRATIONS}/{engine}.cases.yaml")).unwrap();
        let cases: Value = serde_saphyr::from_str(&cases).unwrap();
        for case in cases["cases"].as_array().unwrap() {
            let container = json!({
                "name": "c", "image": case["image"], "imagePullPolicy": case["pullPolicy"],
            });
            let namespace = case["namespace"].as_str().unwrap_or("default");
            let pod = json!({
                "metadata": {"name": "a", "labels": case["labels"]},
                "spec": {"containers": [container]},
            });
            let review = json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "request": {
                    "uid": "1", "operation": "CREATE", "namespace": namespace, "name": "a",
                    "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": pod,
                },
            });
            let (_, answer) = server.post("/validate", review.to_string()).await;
            let expected = case["expect"] != "deny";
            assert_eq!(answer["response"]["allowed"], expected, "{engine}: {case}\n{answer}");
        }
    }
}
