//! Edits of the policy judged by the images that a replica has seen, without a server.

use std::collections::BTreeMap;

use crate::support::policy::policy;
use imagegate_core::admission::{
    Before, CONFIRM_ANNOTATION, Guarded, Judging, POLICY_LABEL, PolicyEdit, SeenHere,
};
use imagegate_core::usage::Usage;
use serde_json::json;

const DAY: i64 = 24 * 60 * 60;
const NOW: i64 = 1_800_000_000;
/// In force: two images may be hit, a third is too many.
const IN_FORCE: &str = "allowedRegistries: [docker.io, quay.io]\nrefuseEditsThatDeny: 2\n";
/// What removes a registry.
const STRICTER: &str = "allowedRegistries: [docker.io]\nrefuseEditsThatDeny: 2\n";

/// What becomes of an edit to `new`, where these images were seen so many seconds ago.
fn judged(new: &str, confirmed: Option<&str>, seen: &[(&str, i64)]) -> Guarded {
    judged_in_part(new, confirmed, seen, seen.len())
}

/// The same, where there was no time for more of the `total` uses.
fn judged_in_part(
    new: &str,
    confirmed: Option<&str>,
    seen: &[(&str, i64)],
    total: usize,
) -> Guarded {
    judged_by(new, confirmed, Some(seen), total)
}

/// The same, where the memory does not answer unless there is one.
fn judged_by(
    new: &str,
    confirmed: Option<&str>,
    seen: Option<&[(&str, i64)]>,
    total: usize,
) -> Guarded {
    let mut metadata = json!({"labels": {POLICY_LABEL: "true"}});
    if let Some(hash) = confirmed {
        metadata["annotations"] = json!({CONFIRM_ANNOTATION: hash});
    }
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u", "operation": "CREATE",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "object": {"metadata": metadata, "data": {"policy.yaml": new}},
        },
    });
    let mut edit = PolicyEdit::parse(body.to_string().as_bytes()).unwrap();
    let Judging::Compile(edit) = edit.judge() else { panic!("it is the policy") };
    let in_force = policy(IN_FORCE);
    let before = Before { policy: Some(&in_force), candidate: None };
    let usages = seen.map(|seen| {
        seen.iter().map(|(image, ago)| Usage {
            first_seen: Some(NOW - ago),
            last_seen: Some(NOW - ago),
            ..Usage::of_pod("ci", image)
        })
    });
    let here = SeenHere { usages, total, replica: "a", since: NOW - 9 * DAY, now: NOW };
    edit.judge(&BTreeMap::new(), before, &here).guarded
}

#[test]
fn an_edit_that_denies_more_than_the_limit_in_force_has_to_be_confirmed() {
    let seen =
        [("quay.io/a:1", 60), ("quay.io/b:1", 60), ("quay.io/c:1", 60), ("docker.io/d:1", 1)];
    let hash = policy(STRICTER).hash().to_owned();
    let without_limit = "allowedRegistries: [docker.io]\n";
    let long_ago = [seen[0], seen[1], ("quay.io/c:1", DAY + 1)];
    let rows = [
        (STRICTER, None, &seen[..], false),
        (STRICTER, Some(hash.as_str()), &seen[..], true),
        (STRICTER, Some("0"), &seen[..], false),
        (STRICTER, Some(""), &seen[..], false),
        // As many as the limit, and one more that nobody has asked for within a day.
        (STRICTER, None, &seen[..2], true),
        (STRICTER, None, &long_ago[..], true),
        // The limit is that of the policy in force, and not of the edit.
        (without_limit, None, &seen[..], false),
        (IN_FORCE, None, &seen[..], true),
    ];
    for (new, confirmed, seen, accepted) in rows {
        let guarded = judged(new, confirmed, seen);
        assert_eq!(
            matches!(guarded, Guarded::Accepted(_)),
            accepted,
            "{new} {confirmed:?} {seen:?}: {guarded:?}"
        );
    }
    let Guarded::Refused(why) = judged(STRICTER, None, &seen) else { panic!("accepted") };
    for part in ["3", "quay.io/a:1", CONFIRM_ANNOTATION, &hash] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn what_depends_on_labels_that_nobody_knows_does_not_pass_either() {
    let by_label = "allowedRegistries: [docker.io, quay.io]\n\
         overrides: [{name: o, podSelector: {matchLabels: {team: a}}, allowedRegistries: [docker.io]}]\n";
    let seen = [("quay.io/a:1", 60), ("quay.io/b:1", 60), ("quay.io/c:1", 60)];
    let Guarded::Accepted(warnings) = judged(by_label, None, &seen[..2]) else {
        panic!("it is within the limit");
    };
    let said = warnings.join(" ");
    assert!(
        said.contains("2 would perhaps be refused, by labels that are not remembered"),
        "{said}"
    );
    let Guarded::Refused(why) = judged(by_label, None, &seen) else { panic!("accepted") };
    let expected = "this would refuse 0 images seen within the last day, and perhaps 3 more by their labels, and";
    assert!(why.starts_with(expected), "{why}");
}

#[test]
fn what_there_was_no_time_for_is_said() {
    let seen = [("quay.io/a:1", 60), ("docker.io/b:1", 60)];
    let hash = policy(STRICTER).hash().to_owned();
    let said = "there was time for 2 of 7 uses";
    let Guarded::Accepted(warnings) = judged_in_part(STRICTER, None, &seen, 2) else {
        panic!("all that was seen was judged");
    };
    assert!(!warnings.concat().contains("there was time"), "{warnings:?}");
    // What was not judged may be beyond the limit.
    let Guarded::Refused(why) = judged_in_part(STRICTER, None, &seen, 7) else {
        panic!("nobody knows of the rest");
    };
    assert!(why.starts_with("this would refuse at least 1 image seen"), "{why}");
    assert!(why.contains(said) && why.contains(&hash), "{why}");
    let Guarded::Accepted(warnings) = judged_in_part(STRICTER, Some(&hash), &seen, 7) else {
        panic!("it is confirmed");
    };
    assert!(warnings.iter().any(|line| line == said), "{warnings:?}");
    // What is known to be hit is enough to refuse.
    let seen = ["quay.io/a:1", "quay.io/b:1", "quay.io/c:1"].map(|image| (image, 60));
    let refused = judged_in_part(STRICTER, None, &seen, 9);
    assert!(matches!(refused, Guarded::Refused(why) if why.contains("for 3 of 9 uses")));
}

#[test]
fn an_edit_does_not_pass_because_the_memory_is_silent() {
    let hash = policy(STRICTER).hash().to_owned();
    let said = "the memory of images does not answer: whom this edit hits is not known";
    let Guarded::Refused(why) = judged_by(STRICTER, None, None, 0) else {
        panic!("nobody knows whom it hits");
    };
    assert!(why.starts_with(&format!("{said}, and the policy in force lets an edit refuse 2")));
    assert!(why.contains(&hash), "{why}");
    let Guarded::Accepted(warnings) = judged_by(STRICTER, Some(&hash), None, 0) else {
        panic!("it is confirmed");
    };
    assert!(warnings.iter().any(|line| line == said), "{warnings:?}");
    // An edit that changes nothing hits nobody.
    let Guarded::Accepted(warnings) = judged_by(IN_FORCE, None, None, 0) else {
        panic!("it means the same");
    };
    assert!(!warnings.iter().any(|line| line == said), "{warnings:?}");
}
