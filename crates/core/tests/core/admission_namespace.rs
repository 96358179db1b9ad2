//! Edits of a namespace's opt-out label, without a server.

use crate::support::policy::policy;
use imagegate_core::admission::{Guarded, NamespaceEdit, OPT_OUT_LABEL};
use serde_json::{Value, json};

const POLICY: &str = "namespaceOptOut: {users: [alice, 'bot-*'], groups: [platform]}\n";

fn review(operation: &str, user: &Value, object: &Value, old: &Value) -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": operation, "name": "shop", "userInfo": user,
            "kind": {"group": "", "version": "v1", "kind": "Namespace"},
            "object": object, "oldObject": old,
        },
    })
    .to_string()
    .into_bytes()
}

#[test]
fn only_the_named_may_change_the_label() {
    let opted = |value: &str| json!({"metadata": {"labels": {OPT_OUT_LABEL: value}}});
    let (out, other) = (opted("true"), json!({"metadata": {"labels": {"team": "shop"}}}));
    let bob = json!({"username": "bob", "groups": ["dev", "platforms"]});
    let rows = [
        ("CREATE", &bob, &out, &Value::Null, false),
        ("CREATE", &bob, &other, &Value::Null, true),
        ("UPDATE", &bob, &out, &other, false),
        ("UPDATE", &bob, &other, &out, false),
        ("UPDATE", &bob, &out, &opted("false"), false),
        // An empty value is a value.
        ("UPDATE", &bob, &opted(""), &other, false),
        ("UPDATE", &bob, &out, &out, true),
        ("UPDATE", &bob, &other, &json!({}), true),
        ("DELETE", &bob, &Value::Null, &out, true),
        ("UPDATE", &Value::Null, &out, &other, false),
        ("UPDATE", &json!({"username": "alice"}), &out, &other, true),
        ("UPDATE", &json!({"username": "bot-7"}), &out, &other, true),
        ("UPDATE", &json!({"username": "bob", "groups": ["dev", "platform"]}), &out, &other, true),
    ];
    let policy = policy(POLICY);
    for (operation, user, object, old, allowed) in rows {
        let body = review(operation, user, object, old);
        let (guarded, answer) = NamespaceEdit::parse(&body).unwrap().judge(policy.opt_out());
        assert_eq!(
            matches!(guarded, Guarded::Accepted(_)),
            allowed,
            "{operation} {user} {object} {old}"
        );
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["response"]["allowed"], allowed);
        assert_eq!(answer["response"]["uid"], "u-1");
    }
}

#[test]
fn an_edit_says_whose_and_of_what_it_is() {
    let body = review("CREATE", &json!({"username": "bob"}), &json!({}), &Value::Null);
    let edit = NamespaceEdit::parse(&body).unwrap();
    assert_eq!((edit.user(), edit.name()), ("bob", "shop"));
}

#[test]
fn without_the_field_the_cluster_s_admins_alone_are_named() {
    let opt_out = policy("mode: enforce");
    for (group, permitted) in [("system:masters", true), ("system:authenticated", false)] {
        assert_eq!(opt_out.opt_out().permits("bob", &[group.into()]), permitted, "{group}");
    }
}
