//! Reviews of the creation of an object, built from JSON.
#![allow(dead_code, reason = "each test file uses a part of this")]

use serde_json::{Value, json};

/// A review of an object of that group and kind, with further fields of the request.
#[expect(clippy::needless_pass_by_value, reason = "calls with `json!` read better")]
pub(crate) fn request(kind: (&str, &str), more: Value) -> Vec<u8> {
    let mut review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u-1",
            "kind": {"group": kind.0, "version": "v1", "kind": kind.1},
            "operation": "CREATE",
            "namespace": "default",
            "name": "web",
            "userInfo": {"username": "jane", "groups": ["a", "b"]},
        },
    });
    let request = review["request"].as_object_mut().unwrap();
    request.extend(more.as_object().unwrap().clone());
    serde_json::to_vec(&review).unwrap()
}

/// A pod spec with these images.
pub(crate) fn spec(images: &[&str]) -> Value {
    let containers: Vec<Value> =
        images.iter().map(|image| json!({"name": "c", "image": image})).collect();
    json!({"containers": containers})
}
