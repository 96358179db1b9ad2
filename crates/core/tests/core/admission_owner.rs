//! Whom the images of a request are put down to.

use imagegate_core::admission::Review;
use serde_json::{Value, json};

fn owner(kind: &str, group: &str, metadata: &Value) -> (String, String) {
    let pod = json!({"containers": [{"name": "a", "image": "docker.io/a:1"}]});
    let spec = if kind == "Pod" { pod } else { json!({"template": {"spec": pod}}) };
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u", "operation": "CREATE", "name": "web",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "object": {"kind": kind, "metadata": metadata, "spec": spec},
        },
    })
    .to_string();
    let review = Review::parse(body.as_bytes()).unwrap();
    let owner = review.owner();
    (owner.kind.to_owned(), owner.name.to_owned())
}

#[test]
fn images_are_put_down_to_the_controller_or_else_to_the_object() {
    let job = json!({"kind": "Job", "name": "nightly"});
    let set = json!({"kind": "ReplicaSet", "name": "web-7d", "controller": true});
    let rows = [
        ("Pod", "", json!({"name": "web"}), ("Pod", "web")),
        ("Pod", "", json!({"name": "web", "ownerReferences": []}), ("Pod", "web")),
        ("Pod", "", json!({"name": "web", "ownerReferences": [set]}), ("ReplicaSet", "web-7d")),
        ("Pod", "", json!({"name": "web", "ownerReferences": [job]}), ("Job", "nightly")),
        (
            "Pod",
            "",
            json!({"name": "web", "ownerReferences": [job, set]}),
            ("ReplicaSet", "web-7d"),
        ),
        ("Deployment", "apps", json!({"name": "web"}), ("Deployment", "web")),
        (
            "ReplicaSet",
            "apps",
            json!({"name": "web", "ownerReferences": [job]}),
            ("Job", "nightly"),
        ),
    ];
    for (kind, group, metadata, (owner_kind, name)) in rows {
        let expected = (owner_kind.to_owned(), name.to_owned());
        assert_eq!(owner(kind, group, &metadata), expected, "{kind} {metadata}");
    }
}
