//! The guards at edit time: of the policy's ConfigMap, and of a namespace's opt-out label.

use crate::support::reload::metric;
use crate::support::server::Server;
use serde_json::{Value, json};

const POLICY: &str = "\
allowedRegistries: [docker.io]
namespaceOptOut: {users: [alice], groups: [platform]}
";

fn review(operation: &str, user: &Value, object: &Value, old: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": operation, "name": "shop", "userInfo": user,
            "kind": {"group": "", "version": "v1", "kind": "Whatever"},
            "object": object, "oldObject": old,
        },
    })
    .to_string()
}

async fn edit_policy(server: &Server, labels: Value, data: Value) -> Value {
    let object = json!({"metadata": {"labels": labels}, "data": data});
    let body = review("UPDATE", &json!({"username": "bob"}), &object, &Value::Null);
    let (status, answer) = server.post("/validate-config?timeout=5s", body).await;
    assert_eq!(status, 200);
    answer["response"].clone()
}

#[tokio::test]
async fn an_invalid_edit_is_refused_with_every_place() {
    let server = Server::with_policy(POLICY);
    let data = json!({"policy.yaml": "mode: strict\nallowedRegistries: []\n"});
    let response = edit_policy(&server, json!({"imagegate/policy": "true"}), data).await;
    assert_eq!(response["allowed"], false);
    assert_eq!(
        response["status"]["message"],
        "the policy is not valid:\n\
         policy.yaml:1:7: mode: `strict` is not one of `enforce`, `warn`, `audit`\n\
         policy.yaml:2:20: allowedRegistries: the list of allowed registries is empty\n  \
         hint: write `*` to allow every registry"
    );
    let series = "imagegate_guard_decisions_total{decision=\"deny\",guard=\"policy\"}";
    assert_eq!(metric(&server.metrics.render(), series), 1);
}

#[tokio::test]
async fn what_no_api_server_would_store_is_refused_unread() {
    let server = Server::with_policy(POLICY);
    let labels = json!({"imagegate/policy": "true"});
    let comment = |bytes: usize| json!({"policy.yaml": format!("{POLICY}{}", "#".repeat(bytes))});
    let response = edit_policy(&server, labels.clone(), comment(1 << 20)).await;
    assert_eq!(response["status"]["message"], "the policy is larger than a ConfigMap can be");
    let response = edit_policy(&server, labels, comment((1 << 20) - POLICY.len())).await;
    assert_eq!(response["allowed"], true);
}

#[tokio::test]
async fn a_broken_candidate_is_refused_too() {
    let server = Server::with_policy(POLICY);
    let data = json!({"policy.yaml": POLICY, "candidate.yaml": "mod: warn"});
    let response = edit_policy(&server, json!({"imagegate/policy": "true"}), data).await;
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("the candidate policy is not valid:\ncandidate.yaml:1:1: "));
}

#[tokio::test]
async fn a_loosening_edit_is_accepted_with_a_warning_that_names_it() {
    let server = Server::with_policy(POLICY);
    let labels = json!({"imagegate/policy": "true"});
    let looser = POLICY.replace("docker.io", "docker.io, quay.io");
    let response = edit_policy(&server, labels.clone(), json!({"policy.yaml": looser})).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(
        response["warnings"],
        json!(["this loosens the policy: allowedRegistries: +quay.io"])
    );
    let stricter = format!("{POLICY}requireDigest: true\n");
    let response = edit_policy(&server, labels, json!({"policy.yaml": stricter})).await;
    assert_eq!(response, json!({"uid": "1", "allowed": true}));
}

#[tokio::test]
async fn loosening_changes_come_first_and_are_never_dropped_without_a_count() {
    let overrides = |mode: &str| {
        let each = |n| format!("- {{name: o{n}, mode: {mode}}}\n");
        format!("overrides:\n{}", (0..45).map(each).collect::<String>())
    };
    let opened = "exemptions: [{name: all, images: ['*'], reason: r}]\n\
                  namespaceOptOut: {users: ['*']}\n";
    let labels = json!({"imagegate/policy": "true"});

    let server = Server::with_policy(&overrides("warn"));
    let data = json!({"policy.yaml": format!("{}{opened}", overrides("enforce"))});
    let response = edit_policy(&server, labels.clone(), data).await;
    let expected = json!([
        "this loosens the policy: namespaceOptOut.users: +*",
        "this loosens the policy: exemptions: +all",
    ]);
    assert_eq!(response["warnings"], expected);

    let server = Server::with_policy(&overrides("enforce"));
    let yaml = format!(
        "{}{opened}allowedRegistries: [{}docker.io, gcr.io]\n",
        overrides("warn"),
        "x.io, ".repeat(18)
    );
    let response = edit_policy(&server, labels, json!({"policy.yaml": yaml})).await;
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 20);
    assert_eq!(warnings[1], "this loosens the policy: namespaceOptOut.users: +*");
    assert_eq!(warnings[2], "this loosens the policy: exemptions: +all");
    // Of 48 loosening changes 18 are shown; of the 17 doubtful places none.
    assert_eq!(warnings[18], "and 30 more loosening changes");
    assert_eq!(warnings[19], "and 17 more warnings");
}

#[tokio::test]
async fn what_is_not_the_policy_is_accepted_unseen() {
    let server = Server::with_policy(POLICY);
    for labels in [json!({}), json!({"imagegate/policy": "false"}), Value::Null] {
        let response = edit_policy(&server, labels, json!({"game.properties": "lives=3"})).await;
        assert_eq!(response["allowed"], true);
    }
    let body = review("DELETE", &Value::Null, &Value::Null, &Value::Null);
    assert_eq!(server.post("/validate-config", body).await.1["response"]["allowed"], true);
}

#[tokio::test]
async fn an_edit_that_takes_the_label_away_is_judged_once_more() {
    let server = Server::with_policy(POLICY);
    let old = json!({"metadata": {"labels": {"imagegate/policy": "true"}}});
    let object = json!({"metadata": {}, "data": {"policy.yaml": "mode: strict"}});
    let body = review("UPDATE", &Value::Null, &object, &old);
    let (_, answer) = server.post("/validate-config", body).await;
    assert_eq!(answer["response"]["allowed"], false);
}

#[tokio::test]
async fn the_policy_can_be_mended_while_there_is_none() {
    let server = Server::without_policy();
    let labels = json!({"imagegate/policy": "true"});
    let response = edit_policy(&server, labels, json!({"policy.yaml": POLICY})).await;
    assert_eq!(response["allowed"], true);
}

#[tokio::test]
async fn only_the_named_may_touch_the_opt_out_label() {
    let server = Server::with_policy(POLICY);
    let with =
        |value: &str| json!({"metadata": {"labels": {"imagegate/disable-filtering": value}}});
    let without = json!({"metadata": {"labels": {"team": "shop"}}});
    let (alice, bob) = (json!({"username": "alice"}), json!({"username": "bob"}));
    let platform = json!({"username": "carol", "groups": ["dev", "platform"]});
    let rows = [
        ("CREATE", &bob, &with("true"), &Value::Null, false),
        ("UPDATE", &bob, &with("true"), &without, false),
        ("UPDATE", &bob, &with("true"), &with("false"), false),
        ("UPDATE", &bob, &without, &with("true"), false),
        ("UPDATE", &bob, &with("true"), &with("true"), true),
        ("UPDATE", &bob, &without, &without, true),
        ("CREATE", &bob, &json!({"metadata": {}}), &Value::Null, true),
        ("DELETE", &bob, &Value::Null, &with("true"), true),
        ("UPDATE", &alice, &with("true"), &without, true),
        ("UPDATE", &platform, &with("true"), &without, true),
    ];
    for (operation, user, object, old, allowed) in rows {
        let body = review(operation, user, object, old);
        let (status, answer) = server.post("/validate-namespace", &body).await;
        assert_eq!((status, &answer["response"]["allowed"]), (200, &allowed.into()), "{body}");
    }
    let series = "imagegate_guard_decisions_total{decision=\"deny\",guard=\"namespace\"}";
    assert_eq!(metric(&server.metrics.render(), series), 4);
}

#[tokio::test]
async fn bad_reviews_are_errors_at_the_guards_too() {
    let server = Server::with_policy(POLICY);
    for path in ["/validate-config", "/validate-namespace"] {
        for body in ["{", "{}", &review("CREATE", &Value::Null, &Value::Null, &Value::Null)] {
            assert_eq!(server.post(path, body).await.0, 400, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn what_is_mounted_from_binary_data_is_judged_too() {
    let server = Server::with_policy(POLICY);
    let labels = json!({"imagegate/policy": "true"});
    for (key, said) in [("policy.yaml", "policy.yaml: "), ("policy.yml", "policy.yml: ")] {
        // The content would be valid as `data`.
        let object =
            json!({"metadata": {"labels": labels}, "binaryData": {key: "bW9kZTogd2Fybgo="}});
        let body = review("UPDATE", &json!({"username": "bob"}), &object, &Value::Null);
        let (_, answer) = server.post("/validate-config", body).await;
        assert_eq!(answer["response"]["allowed"], false, "{key}");
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[tokio::test]
async fn more_than_a_config_map_can_hold_is_refused_unread() {
    let server = Server::with_policy(POLICY);
    let labels = json!({"imagegate/policy": "true"});
    let many: serde_json::Map<_, _> =
        (0..=1_000).map(|number| (format!("key{number}"), json!(""))).collect();
    let large = "#".repeat(1 << 20);
    for data in [Value::Object(many), json!({"policy.yaml": large, "candidate.yaml": "#"})] {
        let response = edit_policy(&server, labels.clone(), data).await;
        assert_eq!(response["allowed"], false);
        let message = &response["status"]["message"];
        assert_eq!(message, "the policy is larger than a ConfigMap can be");
    }
    let full = format!("{POLICY}{}", "#".repeat((1 << 20) - POLICY.len()));
    let response = edit_policy(&server, labels, json!({"policy.yaml": full})).await;
    assert_eq!(response["allowed"], true, "{response}");
}

#[tokio::test]
async fn a_key_or_label_that_is_given_twice_is_no_edit() {
    let server = Server::with_policy(POLICY);
    let rows = [
        (
            "/validate-config",
            r#""labels": {"imagegate/policy": "false", "imagegate/policy": "true"}"#,
        ),
        (
            "/validate-namespace",
            r#""labels": {"imagegate/disable-filtering": "true", "imagegate/disable-filtering": "false"}"#,
        ),
    ];
    for (path, labels) in rows {
        let body = review("CREATE", &Value::Null, &json!("OBJECT"), &Value::Null)
            .replace("\"OBJECT\"", &format!("{{\"metadata\": {{{labels}}}}}"));
        assert_eq!(server.post(path, body).await.0, 400, "{path}");
    }
    let twice = r#"{"metadata": {"labels": {"imagegate/policy": "true"}},
        "data": {"policy.yaml": "mode: warn", "policy.yaml": "mode: audit"}}"#;
    let body =
        review("CREATE", &Value::Null, &json!("OBJECT"), &Value::Null).replace("\"OBJECT\"", twice);
    assert_eq!(server.post("/validate-config", body).await.0, 400);
}

#[tokio::test]
async fn a_deletion_of_the_policy_is_let_through_with_a_warning() {
    let server = Server::with_policy(POLICY);
    let labelled = |value: &str| json!({"metadata": {"labels": {"imagegate/policy": value}}});
    let user = json!({"username": "bob"});
    let body = review("DELETE", &user, &Value::Null, &labelled("true"));
    let (_, answer) = server.post("/validate-config", &body).await;
    let response = &answer["response"];
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    let warning = warnings[0].as_str().unwrap();
    assert!(warning.starts_with("this deletes the image policy: "), "{warning}");
    assert!(warning.chars().count() <= 120 && !warning.contains('…'), "{warning}");
    let deletions = || metric(&server.metrics.render(), "imagegate_policy_deletions_total");
    assert_eq!(deletions(), 1);
    assert!(server.live.policy_deleted_at().is_some());
    // A dry run deletes nothing, and stores nothing either.
    let dry = |body: String| body.replace("\"uid\":", "\"dryRun\":true,\"uid\":");
    assert_eq!(server.post("/validate-config", dry(body)).await.0, 200);
    assert_eq!(deletions(), 1);
    let mut object = labelled("true");
    object["data"] = json!({"policy.yaml": POLICY});
    let created = review("CREATE", &user, &object, &Value::Null);
    assert_eq!(server.post("/validate-config", dry(created.clone())).await.0, 200);
    assert!(server.live.policy_deleted_at().is_some());
    assert_eq!(server.post("/validate-config", created).await.0, 200);
    assert!(server.live.policy_deleted_at().is_none(), "there is a policy again");
    let body = review("DELETE", &user, &Value::Null, &labelled("false"));
    let (_, answer) = server.post("/validate-config", body).await;
    assert_eq!(answer["response"], json!({"uid": "1", "allowed": true}));
}
