//! The webhook's paths: what is served, and what every other request gets.

use crate::support::reload::metric;
use crate::support::server::Server;
use imagegate_core::policy::Rule;
use serde_json::{Value, json};

const POLICY: &str = "\
overrides:
- {name: lenient, namespaces: [lab], allowedRegistries: ['*']}
";

fn review(image: &str) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": "shop",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {"spec": {"containers": [{"name": "app", "image": image}]}},
        },
    })
    .to_string()
}

#[tokio::test]
async fn reviews_are_judged_at_three_paths() {
    let server = Server::with_policy(POLICY);
    for (path, allowed) in [
        ("/", false),
        ("/validate", false),
        ("/validate?timeout=5s", false),
        ("/validate/", false),
        ("/validate/lenient", true),
        ("/validate/lenient/", true),
        ("/validate/lenient?timeout=5s", true),
    ] {
        let (status, answer) = server.post(path, review("quay.io/app:1")).await;
        assert_eq!(
            (status, &answer["response"]["allowed"]),
            (200, &Value::Bool(allowed)),
            "{path}"
        );
        assert_eq!(answer["response"]["uid"], "1");
    }
}

#[tokio::test]
async fn an_unknown_override_is_never_an_admission() {
    let server = Server::with_policy(POLICY);
    let (status, answer) = server.post("/validate/nobody", review("docker.io/app:1")).await;
    let error = "the policy has no override named `nobody`";
    assert_eq!((status, &answer["error"]), (404, &error.into()));
    // The API server shows its user the message of a `metav1.Status`.
    assert_eq!((&answer["kind"], &answer["message"]), (&"Status".into(), &error.into()));
    let series = "imagegate_admission_errors_total{reason=\"unknown-override\"}";
    assert_eq!(metric(&server.metrics.render(), series), 1);
}

#[tokio::test]
async fn everything_else_is_an_error_in_json() {
    let server = Server::with_policy(POLICY);
    let json = Some("application/json");
    let rows = [
        ("GET", "/validate", json, None, 405),
        ("PUT", "/", json, None, 405),
        ("POST", "/metrics", json, None, 404),
        ("POST", "/validate/a/b", json, None, 404),
        ("POST", "//", json, None, 404),
        ("POST", "//validate", json, None, 404),
        ("POST", "/validate//", json, None, 404),
        ("POST", "/Validate", json, None, 404),
        ("POST", "/validated", json, None, 404),
        ("POST", "/validate-config/a", json, None, 404),
        ("GET", "/validate-namespace/", json, None, 405),
        ("POST", "/", None, None, 415),
        ("POST", "/", Some("text/plain"), None, 415),
        ("POST", "/", Some("application/json; charset=utf-8"), None, 200),
        ("POST", "/", json, Some("gzip"), 415),
        ("POST", "/", json, Some("identity"), 200),
    ];
    for (method, path, media_type, encoding, status) in rows {
        let mut request = warp::test::request().method(method).path(path);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let response = request.body(review("docker.io/app:1")).reply(&server.routes).await;
        assert_eq!(response.status(), status, "{method} {path} {media_type:?} {encoding:?}");
        assert_eq!(response.headers()["content-type"], "application/json");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"].is_string(), status != 200, "{method} {path}");
    }
}

#[tokio::test]
async fn a_media_type_that_is_no_text_is_not_json() {
    let server = Server::with_policy(POLICY);
    let request = warp::test::request().method("POST").path("/validate");
    let request = request.header("content-type", &b"application/json\xff"[..]);
    let response = request.body(review("docker.io/app:1")).reply(&server.routes).await;
    assert_eq!(response.status(), 415);
    let series = "imagegate_admission_errors_total{reason=\"not-served\"}";
    assert_eq!(metric(&server.metrics.render(), series), 1);
}

#[tokio::test]
async fn without_a_policy_every_review_is_refused() {
    let server = Server::without_policy();
    let request = warp::test::request().method("POST").path("/validate");
    let request = request.header("content-type", "application/json").body(review("x"));
    let response = request.reply(&server.routes).await;
    assert_eq!(response.status(), 503);
    assert!(!response.headers().contains_key("retry-after"), "nothing is gained by asking again");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::with_policy(POLICY);
    let (status, _) = server.post("/", vec![b' '; 8 * 1024 * 1024 + 1]).await;
    assert_eq!(status, 413);
    let (status, _) = server.post("/", vec![b' '; 8 * 1024 * 1024]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_candidate_is_counted_and_never_answers() {
    let server = Server::with_policy("mode: enforce\n");
    server.put_in_force("mode: enforce\n", Some("allowedRegistries: [quay.io]\n"));
    let (_, answer) = server.post("/", review("docker.io/app:1")).await;
    assert_eq!(answer["response"]["allowed"], true);
    let (_, answer) = server.post("/", review("quay.io/app:1")).await;
    assert_eq!(answer["response"]["allowed"], false);
    server.post("/", review("ghcr.io/app:1")).await;
    let metrics = server.metrics.render();
    assert_eq!(metric(&metrics, "imagegate_candidate_flips_total{to=\"deny\"}"), 1);
    assert_eq!(metric(&metrics, "imagegate_candidate_flips_total{to=\"allow\"}"), 1);
    let candidate = server.live.load().as_ref().unwrap().candidate.clone().unwrap();
    assert_eq!(candidate.evaluated(), 3);
    assert_eq!(candidate.flips_by_rule(), [(Rule::UntrustedRegistry, 2)]);
}
