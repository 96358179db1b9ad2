//! What a review has room for, and what becomes of the rest.

use crate::support::policy::{default_policy, policy};
use crate::support::request::{request, spec};
use imagegate_core::admission::{BadReview, Review, images_of_object};
use imagegate_core::policy::{Decision, Rule};
use serde_json::{Value, json};

#[test]
fn more_violations_than_an_answer_has_room_for_are_counted() {
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&["nginx"; 100])}}));
    let default = default_policy();
    let review = Review::parse(&body).unwrap();
    let verdict = review.judge(&default, None, 0);
    assert_eq!((verdict.violations.len(), verdict.violated.total()), (32, 100));
    assert_eq!(verdict.violated.of(Rule::MissingTag), 100);
    let answer: Value = serde_json::from_slice(&review.answer(&verdict)).unwrap();
    let status = &answer["response"]["status"];
    assert_eq!(status["details"]["causes"].as_array().unwrap().len(), 32);
    let message = status["message"].as_str().unwrap();
    let (rendered, rest) = message.rsplit_once("; and ").unwrap();
    assert_eq!(rest, format!("{} more", 100 - rendered.split("; ").count()));
    let annotation = answer["response"]["auditAnnotations"]["violations"].as_str().unwrap();
    let (rendered, rest) = annotation.rsplit_once(",and ").unwrap();
    assert_eq!(rest, format!("{} more", 100 - rendered.split(',').count()));
    let warned = policy("mode: warn");
    let answer = review.answer(&review.judge(&warned, None, 0));
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let warnings = answer["response"]["warnings"].as_array().unwrap();
    let last = warnings.last().unwrap().as_str().unwrap();
    assert_eq!(last, format!("{} more images break the policy", 101 - warnings.len()));
}

#[test]
fn warnings_fill_their_room_to_the_last_byte() {
    // 119 characters, four of which take two bytes, and three bytes for what is cut: 32 such
    // warnings, and room for one that counts, are 4,096 bytes.
    let name = |wide: usize| format!("{}{}", "é".repeat(wide), "x".repeat(200));
    for (wide, shown) in [(4, 32), (5, 31)] {
        let mut spec = spec(&["nginx"; 32]);
        for place in 0..32 {
            let wide = if place == 31 { wide } else { 4 };
            spec["containers"][place]["name"] = name(wide).into();
        }
        let body = request(("", "Pod"), json!({"object": {"spec": spec}}));
        let review = Review::parse(&body).unwrap();
        let warned = policy("mode: warn");
        let answer = review.answer(&review.judge(&warned, None, 0));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let warnings = answer["response"]["warnings"].as_array().unwrap();
        let (counting, named): (Vec<_>, Vec<_>) =
            warnings.iter().partition(|text| *text == "1 more images break the policy");
        assert_eq!((named.len(), counting.len()), (shown, 32 - shown), "{warnings:?}");
        assert_eq!(named[0].as_str().map(str::len), Some(126));
    }
}

#[test]
fn more_exempt_images_than_an_answer_has_room_for_are_counted() {
    let policy = policy("exemptions: [{name: agent, images: [evil.example], reason: r}]");
    let body = request(("", "Pod"), json!({"object": {"spec": spec(&["evil.example/a:1"; 100])}}));
    let review = Review::parse(&body).unwrap();
    let verdict = review.judge(&policy, None, 0);
    assert_eq!((verdict.exempted.len(), verdict.exempted_total), (32, 100));
    let answer: Value = serde_json::from_slice(&review.answer(&verdict)).unwrap();
    let annotation = answer["response"]["auditAnnotations"]["exemptions"].as_str().unwrap();
    assert!(annotation.ends_with(" more"), "{annotation}");
}

#[test]
fn what_a_list_holds_beyond_its_limit_is_refused_unread() {
    let good = "docker.io/library/nginx:1.27";
    let list = |count: usize| json!(vec![json!({"name": "c", "image": good}); count]);
    let volumes =
        |count: usize| json!(vec![json!({"name": "v", "image": {"reference": good}}); count]);
    let rows = [
        ("containers", list(1000), 0),
        ("containers", list(1001), 1),
        ("containers", list(1700), 700),
        ("initContainers", list(1003), 3),
        ("ephemeralContainers", list(1003), 3),
        ("volumes", volumes(1000), 0),
        ("volumes", volumes(1003), 3),
    ];
    for (name, list, beyond) in rows {
        let mut spec = spec(&[good]);
        spec[name] = list;
        // Neither an exemption nor an old object with the same list helps.
        let body = request(
            ("", "Pod"),
            json!({"operation": "UPDATE", "object": {"spec": spec},
                                               "oldObject": {"spec": spec}}),
        );
        let policy = policy("exemptions: [{name: e, images: ['*'], reason: r}]");
        let review = Review::parse(&body).unwrap();
        let verdict = review.judge(&policy, None, 0);
        assert_eq!(verdict.violated.of(Rule::InvalidReference), beyond, "{name}");
        assert_eq!(verdict.violated.total(), beyond, "{name}");
        let Some(violation) = verdict.violations.first() else { continue };
        let expected = format!("spec.{name} is too long! Only its first 1000 entries are read.");
        assert_eq!((verdict.decision, &violation.message), (Decision::Deny, &expected));
        assert!(violation.field.to_string().starts_with(&format!("spec.{name}[1000].image")));
    }
    let manifest = json!({"kind": "Pod", "spec": {"containers": list(1001)}}).to_string();
    assert_eq!(images_of_object(manifest.as_bytes()).unwrap_err(), BadReview::TooManyImages);
}

#[test]
fn the_groups_that_are_kept_are_the_first() {
    let mut groups = vec!["a".to_owned(); 4096];
    groups.push("late".to_owned());
    let user = json!({"username": "jane", "groups": groups});
    let more = json!({"userInfo": user, "object": {"spec": spec(&["quay.io/a/b:1"])}});
    let body = request(("", "Pod"), more);
    let review = Review::parse(&body).unwrap();
    assert_eq!(review.groups().len(), 4096);
    for (group, allowed) in [("a", true), ("late", false)] {
        let yaml =
            format!("exemptions: [{{name: e, images: ['*'], groups: [{group}], reason: r}}]");
        let decision = review.judge(&policy(&yaml), None, 0).decision;
        assert_eq!(decision == Decision::Allow, allowed, "{group}");
    }
}
