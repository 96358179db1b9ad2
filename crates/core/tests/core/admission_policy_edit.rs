//! Edits of the ConfigMap that holds the policy, without a server.

use std::collections::BTreeMap;

use crate::support::policy::policy;
use imagegate_core::admission::{
    BadReview, Before, Guarded, Judging, POLICY_LABEL, PolicyEdit, SeenHere,
};
use serde_json::{Map, Value, json};

/// Bytes of a ConfigMap's values that an API server stores.
const LARGEST: usize = 1 << 20;
const TOO_LARGE: &str = "the policy is larger than a ConfigMap can be";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn review(operation: &str, object: &Value, old: &Value, dry_run: bool) -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": operation, "userInfo": {"username": "bob"},
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "object": object, "oldObject": old, "dryRun": dry_run,
        },
    })
    .to_string()
    .into_bytes()
}

fn edit(operation: &str, object: &Value, old: &Value) -> PolicyEdit {
    PolicyEdit::parse(&review(operation, object, old, false)).unwrap()
}

/// A ConfigMap whose label has that value.
fn labelled(value: &str, data: &Value) -> Value {
    json!({"metadata": {"labels": {POLICY_LABEL: value}}, "data": data})
}

/// What becomes of an edit, where `in_force` judges requests.
fn judged(mut edit: PolicyEdit, in_force: Option<&str>) -> Guarded {
    match edit.judge() {
        Judging::AtOnce(guarded) => guarded,
        Judging::Compile(new) => {
            let in_force = in_force.map(policy);
            let before = Before { policy: in_force.as_ref(), candidate: None };
            new.judge(&BTreeMap::new(), before, &SeenHere::nothing()).guarded
        }
    }
}

fn warnings(edit: PolicyEdit, in_force: Option<&str>) -> Vec<String> {
    match judged(edit, in_force) {
        Guarded::Accepted(warnings) => warnings,
        Guarded::Refused(why) => panic!("{why}"),
    }
}

#[test]
fn the_label_says_what_is_the_policy_now_or_was_before() {
    let data = json!({"policy.yaml": "mode: enforce"});
    let (policy, other) = (labelled("true", &data), labelled("false", &data));
    let none = Value::Null;
    // Whether it is compiled, whether the policy is there afterwards, and whether it goes away.
    let (unseen, stored, deleted) =
        ((false, false, false), (true, true, false), (false, false, true));
    let rows = [
        ("CREATE", &policy, &none, stored),
        ("CREATE", &other, &none, unseen),
        ("CREATE", &json!({}), &none, unseen),
        ("UPDATE", &policy, &policy, stored),
        ("UPDATE", &policy, &other, stored),
        ("UPDATE", &other, &policy, stored),
        ("UPDATE", &other, &other, unseen),
        ("DELETE", &none, &policy, deleted),
        ("DELETE", &none, &other, unseen),
        ("CONNECT", &none, &policy, unseen),
    ];
    for (operation, object, old, (compiled, stores, deletes)) in rows {
        for dry_run in [false, true] {
            let body = review(operation, object, old, dry_run);
            let mut edit = PolicyEdit::parse(&body).unwrap();
            assert_eq!(edit.user(), "bob");
            let is_compiled = matches!(edit.judge(), Judging::Compile(_));
            let row = format!("{operation} {object} {old} {dry_run}");
            assert_eq!(is_compiled, compiled, "{row}");
            let accepted = Guarded::Accepted(Vec::new());
            assert_eq!(edit.stores_a_policy(&accepted), stores && !dry_run, "{row}");
            assert!(!edit.stores_a_policy(&Guarded::Refused(String::new())), "{row}");
            assert_eq!(edit.deletes_the_policy(), deletes && !dry_run, "{row}");
        }
    }
    for operation in ["CREATE", "UPDATE"] {
        let error = PolicyEdit::parse(&review(operation, &none, &policy, false)).unwrap_err();
        assert_eq!(error, BadReview::NoObject);
    }
}

#[test]
fn as_much_is_compiled_as_an_api_server_stores_and_no_more() {
    let keys = |count: usize| -> Value {
        let keys = (0..count).map(|number| (format!("key{number}"), json!("")));
        Value::Object(keys.collect::<Map<_, _>>())
    };
    let bytes = |count: usize| "#".repeat(count);
    let rows = [
        (json!({"a": bytes(LARGEST)}), json!({}), true),
        (json!({"a": bytes(LARGEST + 1)}), json!({}), false),
        // Nothing is too much when there is no room.
        (json!({"a": bytes(LARGEST), "b": ""}), json!({}), true),
        (json!({"a": bytes(LARGEST), "b": "#"}), json!({}), false),
        (json!({"a": bytes(LARGEST + 1), "b": "#"}), json!({}), false),
        // Both together.
        (json!({"a": bytes(LARGEST - 1)}), json!({"b": "#"}), true),
        (json!({"a": bytes(LARGEST)}), json!({"b": "#"}), false),
        (json!({"a": "#"}), json!({"b": bytes(LARGEST)}), false),
        (keys(1_000), json!({}), true),
        (keys(1_001), json!({}), false),
        (json!({}), keys(1_000), true),
        (json!({}), keys(1_001), false),
    ];
    for (number, (data, binary, fits)) in rows.into_iter().enumerate() {
        let mut object = labelled("true", &data);
        object["binaryData"] = binary;
        match edit("UPDATE", &object, &Value::Null).judge() {
            Judging::Compile(_) => assert!(fits, "row {number}"),
            Judging::AtOnce(guarded) => {
                assert_eq!(guarded, Guarded::Refused(TOO_LARGE.to_owned()));
                assert!(!fits, "row {number}");
            }
        }
    }
}

#[test]
fn what_the_fields_must_be_is_said() {
    let rows = [
        (json!({"data": []}), "expected a map of keys"),
        (json!({"metadata": {"labels": []}}), "expected a map of labels"),
    ];
    for (object, expected) in rows {
        let error = PolicyEdit::parse(&review("CREATE", &object, &Value::Null, false)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_loosening_edit_and_a_doubtful_one_are_accepted_with_warnings() {
    let object = |yaml: &str| labelled("true", &json!({"policy.yaml": yaml}));
    let edit = |yaml: &str| edit("CREATE", &object(yaml), &Value::Null);
    let in_force = Some("allowedRegistries: [docker.io]");
    assert_eq!(
        warnings(edit("allowedRegistries: [docker.io, quay.io]"), in_force),
        ["this loosens the policy: allowedRegistries: +quay.io"]
    );
    assert!(warnings(edit("allowedRegistries: [docker.io]"), in_force).is_empty());
    assert!(warnings(edit("allowedRegistries: [docker.io, quay.io]"), None).is_empty());
    // One line, without the hint that a doubtful place has elsewhere.
    let doubtful = warnings(edit("{requireTag: false, blockedTags: [latest]}"), None);
    assert!(doubtful.len() == 1 && doubtful[0].contains("requireTag"), "{doubtful:?}");
    assert!(!doubtful[0].contains("hint") && !doubtful[0].contains('\n'), "{doubtful:?}");
    let refused = judged(edit("mode: strict"), in_force);
    let Guarded::Refused(why) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("the policy is not valid:\npolicy.yaml:1:7: mode: "), "{why}");
    let unseen = labelled("false", &json!({"policy.yaml": "mode: strict"}));
    let unseen = self::edit("CREATE", &unseen, &Value::Null);
    assert_eq!(judged(unseen, in_force), Guarded::Accepted(Vec::new()));
}

#[test]
fn warnings_are_cut_to_what_kubectl_prints_and_the_others_counted() {
    let overrides = |count: usize, mode: &str| {
        let each = |n: usize| format!("- {{name: o{n}, namespaces: [n{n}], mode: {mode}}}\n");
        format!("overrides:\n{}", (0..count).map(each).collect::<String>())
    };
    let doubtful =
        |count: usize| format!("allowedRegistries: [{}quay.io]\n", "quay.io, ".repeat(count));
    // Of 40 changes the text is kept, and the others are only counted.
    for (loosening, last) in [
        (18, None),
        (19, None),
        (20, Some("and 2 more loosening changes")),
        (40, Some("and 22 more loosening changes")),
        (41, Some("and 23 more loosening changes")),
        (45, Some("and 27 more loosening changes")),
    ] {
        let new = labelled("true", &json!({"policy.yaml": overrides(loosening, "warn")}));
        let in_force = overrides(loosening, "enforce");
        let said = warnings(edit("CREATE", &new, &Value::Null), Some(&in_force));
        assert_eq!(said.len(), loosening.min(19), "{loosening}: {said:?}");
        let counted = said.last().map(String::as_str).filter(|line| line.starts_with("and "));
        assert_eq!(counted, last, "{loosening}");
    }
    for (count, said_at_last) in [(19, None), (20, None), (21, Some("and 2 more warnings"))] {
        let new = labelled("true", &json!({"policy.yaml": doubtful(count)}));
        let said = warnings(edit("CREATE", &new, &Value::Null), None);
        assert_eq!(said.len(), count.min(20), "{said:?}");
        let counted = said.last().map(String::as_str).filter(|line| line.starts_with("and "));
        assert_eq!(counted, said_at_last);
    }
}

#[test]
fn an_author_is_told_who_overwrites_the_edit() {
    const OWNED: &str = "the chart own this policy: the next upgrade or rollback puts them back";
    const PUT_BACK: &str = "the next `kubectl apply` of the file puts back: policy.yaml";
    let object = |annotations: &Value, yaml: &str| {
        let labels = json!({POLICY_LABEL: "true"});
        let metadata = json!({"labels": labels, "annotations": annotations});
        json!({"metadata": metadata, "data": {"policy.yaml": yaml}})
    };
    let (before, after) = ("mode: enforce", "requireDigest: true");
    let applied = |yaml: &str| json!({"data": {"policy.yaml": yaml}}).to_string();
    // The API server stores 256 KiB of annotations.
    let padded = |length: usize| {
        let text = applied(before);
        let spaces = " ".repeat(length - text.len());
        text + &spaces
    };
    let rows = [
        (json!({}), after, vec![]),
        (json!({"imagegate/policy-owner": "the chart"}), after, vec![OWNED]),
        (json!({"imagegate/policy-owner": "the chart"}), before, vec![]),
        (json!({APPLIED: applied(before)}), after, vec![PUT_BACK]),
        (json!({APPLIED: applied(before)}), before, vec![]),
        (json!({APPLIED: applied(after)}), after, vec![]),
        (json!({APPLIED: padded(256 << 10)}), after, vec![PUT_BACK]),
        (json!({APPLIED: padded((256 << 10) + 1)}), after, vec![]),
        (
            json!({"imagegate/policy-owner": "the chart", APPLIED: applied(before)}),
            after,
            vec![OWNED, PUT_BACK],
        ),
    ];
    for (annotations, yaml, expected) in rows {
        let (old, new) = (object(&annotations, before), object(&annotations, yaml));
        assert_eq!(warnings(edit("UPDATE", &new, &old), None), expected, "{annotations}");
        assert!(warnings(edit("CREATE", &new, &Value::Null), None).is_empty());
    }
    let everywhere = "updates: all";
    for (conditions, said) in [
        (json!({}), Some("`updates: all` has no effect where ")),
        (json!({"imagegate/match-conditions": "none"}), None),
        (
            json!({"imagegate/match-conditions": "images-changed"}),
            Some("`updates: all` has no effect: "),
        ),
    ] {
        let found = warnings(edit("CREATE", &object(&conditions, everywhere), &Value::Null), None);
        assert_eq!(found.len(), usize::from(said.is_some()), "{found:?}");
        assert!(found.iter().all(|line| line.starts_with(said.unwrap_or_default())), "{found:?}");
    }
}

#[test]
fn an_answer_holds_what_its_author_is_told_and_no_more_than_fits() {
    let edit = edit("CREATE", &json!({}), &Value::Null);
    let answer = |guarded: &Guarded| -> Value {
        let answer: Value = serde_json::from_slice(&edit.answer(guarded)).unwrap();
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["kind"], "AdmissionReview");
        answer["response"].clone()
    };
    assert_eq!(answer(&Guarded::Accepted(Vec::new())), json!({"uid": "u-1", "allowed": true}));
    let line = |count: usize| "é".repeat(count);
    for (said, shown) in [
        ("a\nb\u{202e}c".to_owned(), "a b c".to_owned()),
        (line(119), line(119)),
        (line(120), line(120)),
        (line(121), line(119) + "…"),
        (line(1_000), line(119) + "…"),
    ] {
        let response = answer(&Guarded::Accepted(vec![said]));
        assert_eq!(response, json!({"uid": "u-1", "allowed": true, "warnings": [shown]}));
    }
    let response = answer(&Guarded::Accepted(vec![line(1); 21]));
    assert_eq!(response["warnings"].as_array().unwrap().len(), 20);
    for (said, shown) in [("x".to_owned(), 1), (line(1_024), 1_024), (line(1_025), 1_024)] {
        let response = answer(&Guarded::Refused(said));
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-1"), &json!(false)));
        let status = &response["status"];
        assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")));
        assert_eq!(status["message"].as_str().unwrap().chars().count(), shown);
    }
}
