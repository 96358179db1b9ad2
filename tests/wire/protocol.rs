//! Group A over real sockets: what the webhook answers, on HTTP/1.1 and HTTP/2.

use std::fs;

use crate::support::authority::Authority;
use crate::support::client::{
    Answer, Body, Client, Connection, PROTOCOLS, chunked, pod, pod_review, review_of, whole,
};
use crate::support::process::{Gate, Start};
use crate::support::volume::Volume;
use http::{Method, Request, StatusCode};
use imagegate::settings::Protocol;
use serde_json::{Value, json};
use tempfile::TempDir;

const DEFAULT: &str = "mode: enforce\n";
const GOOD: &str = "docker.io/library/nginx:1.27";
const BAD: &str = "evil.example/nginx:1.27";
const UID: &str = "9d441dc0-4cb7-42ac-bf0f-700f61090b6b";

/// A connection of each protocol.
async fn connections(client: &Client) -> Vec<Connection> {
    let mut connections = Vec::new();
    for protocol in PROTOCOLS {
        connections.push(client.connect(protocol).await.unwrap());
    }
    connections
}

/// Holds an answer to be an error in JSON, and the process to go on judging.
fn assert_refused(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    let body = answer.json();
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{what}: {body}");
    assert_eq!((&body["code"], &body["response"]), (&json!(status), &Value::Null), "{what}");
}

#[tokio::test]
async fn a1_a_review_is_answered_in_its_version_with_its_uid_and_without_a_patch() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let hash = gate.process.policy().await["hash"].clone();
    for mut connection in connections(&gate.client).await {
        let answer = connection.review(&pod_review(&[GOOD])).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(
            answer.json(),
            json!({
                "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                "response": {
                    "uid": UID, "allowed": true,
                    "auditAnnotations": {"policy-hash": hash, "verdict": "allow"},
                },
            })
        );
    }
}

#[tokio::test]
async fn a2_a_v1beta1_review_is_answered_in_v1beta1() {
    let gate = Gate::start(DEFAULT, &[]).await;
    for mut connection in connections(&gate.client).await {
        for (image, allowed) in [(GOOD, true), (BAD, false)] {
            let mut review = review_of("CREATE", &pod(&[image]), &Value::Null);
            review["apiVersion"] = "admission.k8s.io/v1beta1".into();
            let answer = connection.review(review.to_string().as_bytes()).await.unwrap();
            assert_eq!(answer.allowed(), allowed);
            assert_eq!(answer.json()["apiVersion"], "admission.k8s.io/v1beta1");
        }
    }
}

#[tokio::test]
async fn a3_what_is_no_review_is_refused_and_the_connection_serves_on() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let good = review_of("CREATE", &pod(&[GOOD]), &Value::Null);
    let with = |path: &str, value: Value| {
        let mut review = good.clone();
        *review.pointer_mut(path).unwrap() = value;
        review.to_string()
    };
    let text = good.to_string();
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    let rows = [
        ("another version", with("/apiVersion", "admission.k8s.io/v2".into())),
        ("another kind", with("/kind", "Pod".into())),
        ("no request", with("/request", Value::Null)),
        ("no uid", with("/request/uid", Value::Null)),
        ("an empty uid", with("/request/uid", "".into())),
        ("a numeric uid", with("/request/uid", 7.into())),
        ("no object", with("/request/object", Value::Null)),
        ("an unknown operation", with("/request/operation", "PATCH".into())),
        ("truncated", text[..text.len() - 2].to_owned()),
        ("something after it", format!("{text}{text}")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("an object key twice", text.replace(r#""uid":"#, r#""uid":"first","uid":"#)),
        ("the request twice", text.replace(r#""request":"#, r#""request":{},"request":"#)),
        ("nested too deep", with("/request/object/metadata", "DEEP".into())),
        ("empty", String::new()),
        ("a number beyond all", with("/request/object/spec", "HUGE".into())),
    ]
    .map(|(what, body)| (what, body.replace("\"DEEP\"", &deep).replace("\"HUGE\"", "1e999")));
    for mut connection in connections(&gate.client).await {
        for (what, body) in &rows {
            let answer = connection.review(body.as_bytes()).await.unwrap();
            assert_refused(&answer, 400, what);
        }
        let answer = connection.review(b"{\"kind\":\"\xff\"}").await.unwrap();
        assert_refused(&answer, 400, "not UTF-8");
        assert!(connection.review(text.as_bytes()).await.unwrap().allowed());
    }
    let malformed = "imagegate_admission_errors_total{reason=\"malformed-review\"}";
    let refused = PROTOCOLS.len() * (rows.len() + 1);
    assert_eq!(gate.process.metric(malformed).await, refused);
}

#[tokio::test]
async fn a4_a_denial_is_forbidden_and_names_every_container_that_offends() {
    let gate = Gate::start(DEFAULT, &[]).await;
    for mut connection in connections(&gate.client).await {
        let body = pod_review(&["nginx", GOOD, BAD, "docker.io/nginx:latest"]);
        let answer = connection.review(&body).await.unwrap();
        assert!(!answer.allowed());
        let status = answer.json()["response"]["status"].clone();
        assert_eq!(status["code"], 403);
        // kubectl would show a reason in its line, which is not the known text.
        assert_eq!(status["reason"], Value::Null);
        assert_eq!(
            status["message"],
            "c0 image has no tag! (nginx). Only images with tags are allowed.; c2 image comes \
             from an untrusted registry! (evil.example/nginx:1.27). Only images from \
             docker.io,gcr.io are allowed.; c3 image has a non-allowed tag! \
             (docker.io/nginx:latest). These tags \"staging,latest\" are prohibited."
        );
        let fields: Vec<&str> = status["details"]["causes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cause| cause["field"].as_str().unwrap())
            .collect();
        let expected = [0, 2, 3].map(|index| format!("spec.containers[{index}].image"));
        assert_eq!(fields, expected);
    }
}

#[tokio::test]
async fn a5_many_violations_stay_within_what_the_api_server_takes() {
    let long = format!("evil.example/{}:1", "x".repeat(10_000));
    let images: Vec<&str> = std::iter::repeat_n(BAD, 499).chain([long.as_str()]).collect();
    let reversed: Vec<&str> = images.iter().rev().copied().collect();
    let enforcing = Gate::start(DEFAULT, &[]).await;
    let warning = Gate::start("mode: warn\n", &[]).await;
    for images in [images, reversed] {
        let body = pod_review(&images);
        let denied = enforcing.client.review(Protocol::Http1, &body).await.unwrap();
        let (message, length) = (denied.message(), denied.body.len());
        assert!(message.len() <= 1024 && message.contains("; and "), "{message}");
        assert!(length <= 64 << 10, "{length}");

        let warned = warning.client.review(Protocol::Http1, &body).await.unwrap();
        assert!(warned.allowed());
        let warnings = warned.json()["response"]["warnings"].clone();
        let warnings: Vec<&str> =
            warnings.as_array().unwrap().iter().map(|each| each.as_str().unwrap()).collect();
        assert!(warnings.iter().all(|each| each.chars().count() <= 120), "{warnings:?}");
        assert!(warnings.iter().map(|each| each.len()).sum::<usize>() < 4096);
        assert!(warnings.last().unwrap().ends_with("more images break the policy"));
    }
}

#[tokio::test]
async fn a6_audit_annotations_have_qualified_names_and_the_hash_of_the_policy() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let answer = gate.client.review(Protocol::Http1, &pod_review(&[BAD])).await.unwrap();
    let annotations = answer.json()["response"]["auditAnnotations"].clone();
    let qualified = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let outer = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        bytes.len() <= 63
            && bytes.iter().all(|byte| inner(*byte))
            && outer(bytes.first())
            && outer(bytes.last())
    };
    assert!(annotations.as_object().unwrap().keys().all(|name| qualified(name)), "{annotations}");
    assert_eq!(annotations["policy-hash"], gate.process.policy().await["hash"]);
    assert_eq!(annotations["violations"], "spec.containers[0].image=untrusted-registry");
}

#[tokio::test]
async fn a7_a_dry_run_is_decided_as_any_other_request() {
    let gate = Gate::start(DEFAULT, &[]).await;
    for image in [GOOD, BAD] {
        let wet = review_of("CREATE", &pod(&[image]), &Value::Null);
        let mut dry = wet.clone();
        dry["request"]["dryRun"] = true.into();
        let mut answers = Vec::new();
        for review in [wet, dry] {
            let body = review.to_string();
            answers.push(gate.client.review(Protocol::Http1, body.as_bytes()).await.unwrap().body);
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn a8_only_json_by_post_to_the_right_path_is_judged() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let good = pod_review(&[GOOD]);
    for mut connection in connections(&gate.client).await {
        for path in ["/", "/validate", "/validate?timeout=3s", "/validate/", "/?timeout=3s"] {
            let request = connection.request(Method::POST, path, whole(&good));
            assert!(connection.send(request).await.unwrap().allowed(), "{path}");
        }
        for path in ["/metrics", "/healthz", "/policy", "/validate/none", "/validate//x", "/a/b/c"]
        {
            let request = connection.request(Method::POST, path, whole(&good));
            assert_refused(&connection.send(request).await.unwrap(), 404, path);
        }
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let request = connection.request(method.clone(), "/validate", whole(b""));
            assert_refused(&connection.send(request).await.unwrap(), 405, method.as_str());
        }
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("content-type", "text/plain"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-type", ""),
        ] {
            let request = with_header(
                connection.request(Method::POST, "/validate", whole(&good)),
                name,
                value,
            );
            assert_refused(&connection.send(request).await.unwrap(), 415, value);
        }
        for value in ["application/json; charset=utf-8", "Application/JSON"] {
            let request = connection.request(Method::POST, "/validate", whole(&good));
            let request = with_header(request, "content-type", value);
            assert!(connection.send(request).await.unwrap().allowed(), "{value}");
        }
    }
}

#[tokio::test]
async fn a9_every_body_of_a_real_api_server_gets_a_verdict() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let mut bodies: Vec<Vec<u8>> = fs::read_dir("tests/data/admission-reviews")
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let mut connect = review_of("CONNECT", &json!({"kind": "PodExecOptions"}), &Value::Null);
    connect["request"]["subResource"] = "exec".into();
    bodies.push(connect.to_string().into_bytes());
    for mut connection in connections(&gate.client).await {
        for body in &bodies {
            let answer = connection.review(body).await.unwrap();
            let request: Value = serde_json::from_slice(body).unwrap();
            let request = &request["request"];
            assert_eq!(answer.json()["response"]["uid"], request["uid"]);
            let allowed = answer.allowed();
            let operation = request["operation"].as_str().unwrap();
            assert!(allowed || !["DELETE", "CONNECT"].contains(&operation), "{request}");
            let has_images = request["kind"]["kind"] == "Pod";
            assert!(allowed || has_images, "templates are warned about by default: {request}");
        }
    }
    assert_eq!(gate.process.metric("imagegate_panics_total").await, 0);
}

#[tokio::test]
async fn a10_a_pod_below_a_subresource_that_is_not_known_is_judged() {
    let gate = Gate::start(DEFAULT, &[]).await;
    for (sub_resource, image, allowed) in [
        ("ephemeralcontainers", BAD, false),
        ("ephemeralcontainers", GOOD, true),
        ("of-a-later-version", BAD, false),
        ("of-a-later-version", GOOD, true),
        ("status", BAD, true),
    ] {
        let mut review = review_of("UPDATE", &pod(&[image]), &pod(&[]));
        review["request"]["subResource"] = sub_resource.into();
        let body = review.to_string();
        let answer = gate.client.review(Protocol::Http1, body.as_bytes()).await.unwrap();
        assert_eq!(answer.allowed(), allowed, "{sub_resource} {image}");
    }
}

#[tokio::test]
async fn f3_a_body_over_the_limit_is_too_large_declared_or_not() {
    let gate = Gate::start(DEFAULT, &[]).await;
    let review = pod_review(&[GOOD]);
    let padded = |length: usize| [review.clone(), vec![b' '; length - review.len()]].concat();
    for mut connection in connections(&gate.client).await {
        for (length, status) in [(8 << 20, 200), ((8 << 20) + 1, 413), (9 << 20, 413)] {
            for body in [whole(&padded(length)), chunked(padded(length))] {
                let request = connection.request(Method::POST, "/validate", body);
                let answer = connection.send(request).await.unwrap();
                if status == 200 {
                    assert!(answer.allowed());
                } else {
                    assert_refused(&answer, status, "too large");
                }
            }
        }
        assert!(connection.review(&review).await.unwrap().allowed());
    }
    let too_large = "imagegate_admission_errors_total{reason=\"body-too-large\"}";
    assert_eq!(gate.process.metric(too_large).await, 8);
}

#[tokio::test]
async fn only_clients_of_the_client_authority_are_served_and_probes_are_open() {
    let (servers, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let (directory, volume) = (TempDir::new().unwrap(), Volume::with_policy(DEFAULT));
    let (cert, key) = servers.issue().write(directory.path());
    let ca = directory.path().join("ca.crt");
    fs::write(&ca, clients.pem()).unwrap();
    let start = Start::new().policy(&volume.path()).pair(&cert, &key);
    let process = start.argument("--client-ca", &ca).serve().await;

    let pair = clients.issue();
    let certified = Client::certified(&servers, process.listen, &pair);
    let foreign = Client::certified(&servers, process.listen, &others.issue());
    let nameless = Client::new(&servers, process.listen);
    for protocol in PROTOCOLS {
        assert!(certified.review(protocol, &pod_review(&[GOOD])).await.unwrap().allowed());
        assert!(!certified.review(protocol, &pod_review(&[BAD])).await.unwrap().allowed());
        assert!(foreign.review(protocol, &pod_review(&[GOOD])).await.is_err());
        assert!(nameless.review(protocol, &pod_review(&[GOOD])).await.is_err());
    }
    process.metric_is("imagegate_tls_handshake_errors_total", |errors| errors == 4).await;
    assert_eq!(process.page("/readyz").await.0, StatusCode::OK);
}

fn with_header(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}
