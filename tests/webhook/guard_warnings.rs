//! What the guard of the policy's ConfigMap says to whoever edits it, beside yes and no: who will
//! overwrite the edit, and what has no effect.

use crate::support::server::Server;
use serde_json::{Value, json};

const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const OWNED: &str =
    "the values of Helm release gate own this policy: the next upgrade or rollback puts them back";
const NO_EFFECT: &str =
    "`updates: all` has no effect: the match condition `images-changed` keeps such updates away";
const PERHAPS_NO_EFFECT: &str = "`updates: all` has no effect where a match condition `images-changed` \
     keeps such updates away";

fn config_map(annotations: &Value, data: &Value) -> Value {
    let metadata = json!({"labels": {"imagegate/policy": "true"}, "annotations": annotations});
    json!({"metadata": metadata, "data": data})
}

/// The warnings of an accepted edit.
async fn warnings(operation: &str, object: &Value, old: &Value) -> Value {
    let server = Server::with_policy("{}");
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": operation, "name": "imagegate-webhook-config",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "object": object, "oldObject": old,
        },
    });
    let (status, answer) = server.post("/validate-config", body.to_string()).await;
    assert_eq!(status, 200);
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    answer["response"]["warnings"].clone()
}

#[tokio::test]
async fn an_edit_of_a_policy_that_values_own_is_told_who_puts_it_back() {
    let owner = json!({
        "imagegate/policy-owner": "the values of Helm release gate", "imagegate/match-conditions": "none",
    });
    let (before, after) =
        (json!({"policy.yaml": "{}"}), json!({"policy.yaml": "requireDigest: true"}));
    let (old, new) = (config_map(&owner, &before), config_map(&owner, &after));
    assert_eq!(warnings("UPDATE", &new, &old).await, json!([OWNED]));
    // The owner makes it anew, and whoever leaves the policy as it is has nothing to lose.
    assert_eq!(warnings("CREATE", &new, &Value::Null).await, Value::Null);
    assert_eq!(warnings("UPDATE", &old, &old).await, Value::Null);
    let free = config_map(&json!({}), &after);
    assert_eq!(warnings("UPDATE", &free, &config_map(&json!({}), &before)).await, Value::Null);
}

#[tokio::test]
async fn an_edit_of_an_applied_policy_is_told_which_keys_are_put_back() {
    let simple = json!({"ALLOWED_REGISTRIES": "docker.io", "BLOCKED_TAGS": "latest"});
    let applied = json!({APPLIED: json!({"data": simple}).to_string()});
    let old = config_map(&applied, &simple);
    let rows = [
        (
            json!({"ALLOWED_REGISTRIES": "docker.io", "BLOCKED_TAGS": "latest,x"}),
            Some("BLOCKED_TAGS"),
        ),
        (json!({"policy.yaml": "{}"}), Some("ALLOWED_REGISTRIES, BLOCKED_TAGS")),
        // What `kubectl apply` has never written it leaves alone.
        (
            json!({"ALLOWED_REGISTRIES": "docker.io", "BLOCKED_TAGS": "latest", "candidate.yaml": "{}"}),
            None,
        ),
    ];
    for (data, keys) in rows {
        let said = warnings("UPDATE", &config_map(&applied, &data), &old).await;
        let expected =
            keys.map(|keys| format!("the next `kubectl apply` of the file puts back: {keys}"));
        let told: Vec<_> =
            said.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let told = told.iter().find(|text| text.contains("kubectl apply"));
        assert_eq!(told.copied(), expected.as_deref(), "{data}");
    }
    // `kubectl apply` itself notes what it writes.
    let tighter = json!({"ALLOWED_REGISTRIES": "docker.io", "BLOCKED_TAGS": "staging,latest,x"});
    let annotations = json!({APPLIED: json!({"data": tighter}).to_string()});
    assert_eq!(warnings("UPDATE", &config_map(&annotations, &tighter), &old).await, Value::Null);
}

#[tokio::test]
async fn a_note_that_is_not_kubectls_is_not_believed() {
    let data = json!({"policy.yaml": "requireDigest: true"});
    let old = config_map(&json!({}), &json!({"policy.yaml": "{}"}));
    for text in ["", "{", "[]", "null", "{\"data\": 1}", "{\"data\": {\"policy.yaml\": []}}"] {
        let object = config_map(&json!({APPLIED: text}), &data);
        assert_eq!(warnings("UPDATE", &object, &old).await, Value::Null, "{text}");
    }
}

#[tokio::test]
async fn updates_all_is_told_where_match_conditions_take_its_effect() {
    let everywhere = json!({"policy.yaml": "updates: all"});
    let somewhere = json!({"policy.yaml": "overrides: [{name: a, namespaces: [b], updates: all}]"});
    let nowhere = json!({"policy.yaml": "updates: changed"});
    let skipped = json!({"imagegate/match-conditions": "images-changed"});
    let judged = json!({"imagegate/match-conditions": "none"});
    let rows = [
        (&skipped, &everywhere, json!([NO_EFFECT])),
        (&skipped, &somewhere, json!([NO_EFFECT])),
        (&skipped, &nowhere, Value::Null),
        (&judged, &everywhere, Value::Null),
        (&json!({}), &everywhere, json!([PERHAPS_NO_EFFECT])),
        (&json!({}), &nowhere, Value::Null),
    ];
    for (annotations, data, expected) in rows {
        let object = config_map(annotations, data);
        assert_eq!(warnings("CREATE", &object, &Value::Null).await, expected, "{object}");
    }
}
