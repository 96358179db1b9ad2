//! Bodies that are no request are errors, and never an admission.

use crate::support::policy::default_policy;
use imagegate_core::admission::{BadReview, Review, images_of_object};
use imagegate_core::policy::Decision;
use proptest::prelude::*;

/// A review around the given fields of the request.
fn review(request: &str) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{{request}}}}}"#
    )
}

const POD: &str =
    r#""uid":"u","operation":"CREATE","kind":{"group":"","version":"v1","kind":"Pod"}"#;

/// A review of a Pod with the given spec.
fn pod(spec: &str) -> String {
    review(&format!(r#"{POD},"object":{{"spec":{spec}}}"#))
}

#[test]
fn each_thing_that_is_missing_or_wrong_is_named() {
    let rows = [
        (r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, BadReview::NoRequest),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}"#,
            BadReview::NoRequest,
        ),
        (r#"{"kind":"Pod","apiVersion":"v1"}"#, BadReview::WrongKind),
        ("{}", BadReview::WrongKind),
        (r#"{"kind":"AdmissionReview"}"#, BadReview::WrongVersion),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2"}"#,
            BadReview::WrongVersion,
        ),
        (&review(""), BadReview::NoUid),
        (&review(r#""uid":"""#), BadReview::NoUid),
        (&review(r#""uid":null"#), BadReview::NoUid),
        (&review(r#""uid":"u""#), BadReview::WrongOperation),
        (&review(r#""uid":"u","operation":"PATCH""#), BadReview::WrongOperation),
        (&review(POD), BadReview::NoObject),
        (&review(&format!(r#"{POD},"object":null"#)), BadReview::NoObject),
    ];
    for (body, expected) in rows {
        assert_eq!(Review::parse(body.as_bytes()).unwrap_err(), expected, "{body}");
    }
}

#[test]
fn what_is_not_json_of_the_right_shape_is_malformed() {
    let image = r#"{"containers":[{"name":"a","image":"b"}]}"#;
    let whole = pod(image);
    let bodies = [
        String::new(),
        " ".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole[..whole.len() / 2].to_owned(),
        format!("{whole}x"),
        format!("{whole}{whole}"),
        format!("\u{feff}{whole}"),
        whole.replace(r#""kind":"AdmissionReview""#, r#""kind":"AdmissionReview","kind":"x""#),
        whole.replace(r#""uid":"u""#, r#""uid":"u","uid":"v""#),
        whole.replace(r#""uid":"u""#, r#""uid":7"#),
        whole.replace(r#""operation":"CREATE""#, r#""operation":["CREATE"]"#),
        whole.replace(r#""request":{"#, r#""request":{},"request":{"#),
        whole.replace(r#""object":{"#, r#""object":{},"object":{"#),
        whole.replace(r#""spec":{"#, r#""spec":{},"spec":{"#),
        pod(r#"{"containers":[],"containers":[{"name":"a","image":"b"}]}"#),
        pod(r#"{"containers":[{"image":"docker.io/a:1","image":"evil.example/a:1"}]}"#),
        pod(r#"{"containers":[{"name":"a","image":["b"]}]}"#),
        pod(r#"{"containers":[{"name":"a","image":7}]}"#),
        pod(r#"{"containers":[["a","b"]]}"#),
        pod(r#"{"containers":{"name":"a","image":"b"}}"#),
        pod(r#"{"containers":["a"]}"#),
        pod(r#"[[{"name":"a","image":"b"}]]"#),
        pod("7"),
        review(&format!(r#"{POD},"object":[{image}]"#)),
        format!(r#"["AdmissionReview","admission.k8s.io/v1",{{{POD}}}]"#),
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":["u"]}"#
            .to_owned(),
    ];
    for body in bodies {
        let result = Review::parse(body.as_bytes());
        assert!(matches!(result, Err(BadReview::Malformed { .. })), "{body}: {result:?}");
    }
    assert!(Review::parse(whole.as_bytes()).is_ok());
}

/// So deep that a reader with recursion would end the process.
fn nested() -> String {
    format!("{}{}", "[".repeat(4_000_000), "]".repeat(4_000_000))
}

#[test]
fn a_skipped_field_may_be_nested_as_deep_as_it_likes() {
    let nested = nested();
    let spec = r#"{"containers":[{"name":"a","image":"b"}]}"#;
    for body in [
        review(&format!(r#"{POD},"options":{nested},"object":{{"spec":{spec}}}"#)),
        review(&format!(
            r#"{POD},"object":{{"metadata":{{"annotations":{nested}}},"spec":{spec}}}"#
        )),
        pod(&format!(r#"{{"affinity":{nested},"containers":[{{"env":{nested},"image":"b"}}]}}"#)),
    ] {
        let review = Review::parse(body.as_bytes()).unwrap();
        assert_eq!(review.images()[0].image.as_deref(), Some("b"));
    }
    // Skipped too, since nothing of a Scale is judged.
    let scale = r#""kind":{"group":"autoscaling","version":"v1","kind":"Scale"},
        "resource":{"group":"apps","version":"v1","resource":"deployments"},"subResource":"scale""#;
    let request = format!(r#""uid":"u","operation":"UPDATE",{scale},"object":{{"a":{nested}}}"#);
    assert!(Review::parse(review(&request).as_bytes()).unwrap().images().is_empty());
}

#[test]
fn a_field_that_is_read_cannot_be_nested() {
    let nested = nested();
    let templates = r#"{"template":{"spec":"#.repeat(1_000_000) + "{}" + &"}}".repeat(1_000_000);
    let bodies = [
        nested.clone(),
        review(&format!(r#""uid":{nested}"#)),
        review(&format!(r#"{POD},"object":{nested}"#)),
        pod(&nested),
        pod(&format!(r#"{{"containers":{nested}}}"#)),
        pod(&format!(r#"{{"containers":[{{"image":{nested}}}]}}"#)),
        pod(&format!(r#"{{"template":{nested}}}"#)),
    ];
    for body in bodies {
        let result = Review::parse(body.as_bytes());
        assert!(matches!(result, Err(BadReview::Malformed { .. })), "{result:?}");
    }
    // What is read ends at the deepest template of a workload; here that is a Pod without an image.
    let body = pod(&templates);
    let review = Review::parse(body.as_bytes()).unwrap();
    assert_eq!(review.judge(&default_policy(), None, 0).decision, Decision::Deny);
}

#[test]
fn a_manifest_is_skipped_and_read_likewise() {
    let nested = nested();
    let skipped = format!(
        r#"{{"kind":"Pod","metadata":{{"a":{nested}}},"spec":{{"containers":[{{"image":"b","env":{nested}}}]}}}}"#
    );
    assert_eq!(images_of_object(skipped.as_bytes()).unwrap().images.len(), 1);
    for object in [
        format!(r#"{{"kind":"Pod","spec":{nested}}}"#),
        format!(r#"{{"kind":"Pod","metadata":{nested}}}"#),
        format!(r#"{{"kind":{nested}}}"#),
        nested.clone(),
    ] {
        let result = images_of_object(object.as_bytes());
        assert!(matches!(result, Err(BadReview::Malformed { .. })), "{result:?}");
    }
}

#[test]
fn bytes_that_are_not_text_are_malformed() {
    let mut body = pod(r#"{"containers":[{"name":"a","image":"b?c"}]}"#).into_bytes();
    let place = body.iter().position(|byte| *byte == b'?').unwrap();
    body[place] = 0xff;
    assert!(matches!(Review::parse(&body), Err(BadReview::Malformed { .. })));
}

#[test]
fn what_a_list_must_be_is_said() {
    for list in ["containers", "initContainers", "ephemeralContainers", "volumes"] {
        let error = Review::parse(pod(&format!(r#"{{"{list}":{{}}}}"#)).as_bytes()).unwrap_err();
        let BadReview::Malformed { reason, .. } = error else { panic!("{error:?}") };
        assert_eq!(reason, "invalid type: map, expected a sequence", "{list}");
    }
}

#[test]
fn a_message_never_quotes_the_body() {
    let body = pod(r#"{"containers":[{"name":"a","image":{"secret":"hunter2"}}]}"#);
    let message = Review::parse(body.as_bytes()).unwrap_err().to_string();
    assert!(!message.contains("hunter2"), "{message}");
    let body = review(r#""uid":"u","operation":"CREATE","dryRun":"hunter2""#);
    let message = Review::parse(body.as_bytes()).unwrap_err().to_string();
    assert!(!message.contains("hunter2") && message.contains(" line 1 column "), "{message}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = Review::parse(&bytes);
    }

    #[test]
    fn a_spoilt_body_is_an_error_or_still_finds_every_image(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let whole = include_bytes!("../../../../tests/data/admission-reviews/create-pods.json");
        let expected = Review::parse(whole).unwrap().images().len();
        let mut body = whole.to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(review) = Review::parse(&body) {
            // A key that is spoilt hides what stands under it; nothing is ever added.
            prop_assert!(review.images().len() <= expected);
        }
    }
}
