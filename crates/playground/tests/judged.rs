//! What is answered, natively: images, objects, what is broken, what is too large, and texts that mean harm.

use imagegate_playground::judged;
use serde_json::{Value, json};

const NOW: i64 = 1_795_820_000;

/// The answer to a manifest under a policy.
fn answer(policy: &str, manifest: &str) -> Value {
    ask(&json!({ "policy": policy, "manifest": manifest, "now": NOW }))
}

fn ask(request: &Value) -> Value {
    let answer = judged(request.to_string().as_bytes());
    assert_eq!(answer.last(), Some(&b'\n'));
    serde_json::from_slice(&answer).unwrap()
}

/// The images with their decisions.
fn decisions(answer: &Value) -> Vec<(&str, &str)> {
    let findings = answer["report"]["findings"].as_array().unwrap();
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned().leak() as &str;
    findings.iter().map(|each| (text(&each["image"]), text(&each["decision"]))).collect()
}

/// One explanation for each finding, in their order.
fn assert_explained(answer: &Value) {
    let findings = answer["report"]["findings"].as_array().unwrap().len();
    let explanations = answer["explanations"].as_array().unwrap();
    let indices: Vec<_> =
        explanations.iter().map(|each| each["finding"].as_u64().unwrap()).collect();
    assert!(indices.iter().copied().eq(0..findings as u64), "{indices:?}");
}

#[test]
fn images_are_judged_line_by_line() {
    let answer =
        answer("", "docker.io/library/nginx:1.27\n\n nginx:latest \nghcr.io/a b\n{{ .image }}:1\n");
    let expected = [
        ("docker.io/library/nginx:1.27", "allow"),
        ("nginx:latest", "deny"),
        ("ghcr.io/a b", "deny"),
        ("{{ .image }}:1", "deny"),
    ];
    assert_eq!(decisions(&answer), expected);
    assert_explained(&answer);
    assert_eq!(answer["report"]["summary"]["policy"]["source"], "defaults");
    assert_eq!(
        (&answer["report"]["summary"]["denied"], &answer["policy"]["problems"]),
        (&3.into(), &json!([]))
    );
    assert!(answer["report"]["findings"][0].get("line").is_none());
    let allowed = &answer["explanations"][0];
    assert_eq!(allowed["canonical"], "docker.io/library/nginx:1.27");
    assert!(
        allowed["steps"].as_array().unwrap().iter().all(|step| step["passed"] == true),
        "{allowed}"
    );
    let denied = &answer["explanations"][1];
    assert_eq!(
        denied["accepted"],
        json!(["docker.io/library/nginx:<tag>, if the image on Docker Hub is meant"])
    );
    assert!(answer["explanations"][2]["unreadable"].is_string());
}

#[test]
fn every_document_is_judged_and_has_its_place() {
    let manifest = "\
kind: Pod
apiVersion: v1
metadata: {name: web}
spec: {containers: [{name: a, image: nginx}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  template:
    spec:
      initContainers: [{name: i, image: docker.io/library/busybox:1}]
      containers: [{name: b, image: evil.example/b:1}]
---
{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [
  {\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"c:1\"}]}}]}
---
just: a mapping
---
kind: Pod
spec: [
";
    let answer = answer("mode: warn\nallowedRegistries: [docker.io]\n", manifest);
    assert_eq!(
        decisions(&answer),
        [
            ("nginx", "warn"),
            ("docker.io/library/busybox:1", "allow"),
            ("evil.example/b:1", "warn"),
            ("c:1", "warn")
        ]
    );
    assert_explained(&answer);
    let places: Vec<_> = answer["report"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (
                each["line"].as_u64().unwrap(),
                each["column"].as_u64().unwrap(),
                each["document"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [(4, 38, 0), (12, 41, 1), (13, 37, 1), (16, 86, 2)]);
    let third = &answer["report"]["findings"][2];
    assert_eq!(third["field"], "spec.template.spec.containers[0].image");
    assert_eq!((&third["namespace"], &third["kind"]), (&"prod".into(), &"Deployment".into()));
    let summary = &answer["report"]["summary"];
    assert_eq!(
        (&summary["objects"], &summary["skipped"], &summary["notUnderstood"]),
        (&3.into(), &1.into(), &1.into())
    );
    let trouble = &answer["report"]["troubles"][0];
    assert_eq!(
        (&trouble["kind"], &trouble["document"]),
        (&"not-understood".into(), &4.into()),
        "{trouble}"
    );
    assert!(trouble["line"].as_u64().unwrap() >= 21, "{trouble}");
}

#[test]
fn a_policy_with_problems_judges_nothing_and_says_where_they_are() {
    let answer = answer("mode: enforce\nallowedRegistrys: [docker.io]\n", "nginx");
    assert!(answer["report"].is_null() && answer["policy"]["hash"].is_null());
    assert_eq!(answer["explanations"], json!([]));
    let problem = &answer["policy"]["problems"][0];
    assert_eq!(
        (&problem["document"], &problem["line"], &problem["column"]),
        (&"policy.yaml".into(), &2.into(), &1.into())
    );
    assert!(problem["hint"].as_str().unwrap().contains("allowedRegistries"), "{problem}");
}

#[test]
fn warnings_stand_beside_a_report_and_the_hash_is_that_of_the_normal_form() {
    let judged = answer("allowedRegistries: [docker.io, docker.io]\n", "docker.io/library/a:1");
    assert!(judged["policy"]["warnings"][0]["line"].is_u64(), "{judged}");
    assert_eq!(judged["policy"]["hash"], judged["report"]["summary"]["policy"]["hash"]);
    let compile = |text: &str| {
        imagegate_core::policy::compile(&imagegate_core::policy::Documents::full_form(text))
            .unwrap()
            .0
    };
    let policy = compile("allowedRegistries: [docker.io]\nmode: audit\n");
    let normal_form = serde_json::to_string(policy.normal_form()).unwrap();
    assert_eq!(answer(&normal_form, "a")["policy"]["hash"], policy.hash());
}

#[test]
fn who_asks_counts_and_so_does_who_makes_a_request() {
    let policy = "allowedRegistries: [docker.io]\nexemptions:\n  - name: build\n    owner: ci\n    reason: r\n    \
                  expires: 2999-01-31\n    images: ['*']\n    users: [kim]\n    namespaces: [ci]\n";
    let asked = |user: &str, namespace: &str, manifest: &str| {
        let request = json!({ "policy": policy, "manifest": manifest, "namespace": namespace, "user": user, "now": NOW });
        ask(&request)
    };
    assert_eq!(decisions(&asked("kim", "ci", "x.example/a:1")), [("x.example/a:1", "exempt")]);
    assert_eq!(decisions(&asked("kim", "prod", "x.example/a:1")), [("x.example/a:1", "deny")]);
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "namespace": "ci", "userInfo": {"username": "kim"},
        "object": {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x.example/a:1"}]}}}});
    let reviewed = asked("", "default", &review.to_string());
    assert_eq!(decisions(&reviewed), [("x.example/a:1", "exempt")]);
    assert_eq!(
        reviewed["explanations"][0]["notes"],
        json!(["judged for `kim`, who makes the request"])
    );
    assert_eq!(
        decisions(&asked("eve", "default", &review.to_string())),
        [("x.example/a:1", "deny")]
    );
    // An exemption ends on its day.
    let late = json!({ "policy": policy, "manifest": "x.example/a:1", "namespace": "ci", "user": "kim", "now": 32_503_680_000_i64 });
    assert_eq!(decisions(&ask(&late)), [("x.example/a:1", "deny")]);
}

#[test]
fn what_is_no_request_or_too_large_is_a_fault() {
    let large = |length: usize| "x".repeat(length);
    for (request, expected) in [
        (String::new(), "not a request"),
        ("[]".to_owned(), "not a request"),
        ("{\"manifest\": \"a\"}".to_owned(), "missing field `now`"),
        (json!({ "now": "x" }).to_string(), "not a request"),
        (json!({ "now": 0, "polizy": "" }).to_string(), "unknown field `polizy`"),
        (
            json!({ "now": 0, "policy": large((1 << 20) + 1) }).to_string(),
            "the policy is larger than 1024 KiB",
        ),
        (
            json!({ "now": 0, "manifest": large((4 << 20) + 1) }).to_string(),
            "the manifest is larger than 4096 KiB",
        ),
        (
            json!({ "now": 0, "user": large((64 << 10) + 1) }).to_string(),
            "who asks is larger than 64 KiB",
        ),
        (json!({ "now": 0, "groups": vec![""; 1_001] }).to_string(), "more than 1000 groups"),
        (large(40 << 20), "the request is larger than"),
    ] {
        let answer: Value = serde_json::from_slice(&judged(request.as_bytes())).unwrap();
        let message = answer["fault"]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(answer["fault"]["hint"].is_string() && answer.get("report").is_none());
    }
    let invalid = judged(b"{\"now\": 0, \"manifest\": \"\xff\"}");
    assert!(invalid.starts_with(b"{\"fault\""));
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let images: Vec<String> = (0..1_500).map(|at| format!("quay.io/acme/web:{at}")).collect();
    let many = answer("", &images.join("\n"));
    assert_eq!(many["report"]["findings"].as_array().unwrap().len(), 1_000);
    assert_eq!(many["report"]["summary"]["denied"], 1_500);
    assert_eq!(many["more"], json!({ "findings": 500, "troubles": 0, "notJudged": 0 }));
    assert_explained(&many);
    let broken = answer("", &"kind: [\n---\n".repeat(1_200));
    assert_eq!(broken["report"]["troubles"].as_array().unwrap().len(), 1_000);
    assert_eq!(
        (&broken["more"]["troubles"], &broken["report"]["summary"]["notUnderstood"]),
        (&200.into(), &1_200.into())
    );
    let unknown =
        "apiVersion: example.com/v1\nkind: Thing\nspec: {runnerImage: quay.io/acme/web:1}\n---\n"
            .repeat(1_100);
    let unknown = answer("", &unknown);
    assert_eq!(
        (&unknown["more"]["notJudged"], &unknown["report"]["summary"]["notJudged"]),
        (&100.into(), &1_100.into())
    );
    // A long name in each finding, and every exemption in each explanation.
    let name = "n".repeat(1 << 20);
    let containers: Vec<String> =
        (0..100).map(|at| format!("{{name: a, image: quay.io/a/b:{at}}}")).collect();
    let containers = containers.join(", ");
    let long = answer(
        "",
        &format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{containers}]}}\n"
        ),
    );
    let kept = long["report"]["findings"].as_array().unwrap().len();
    assert!((10..20).contains(&kept), "{kept}");
    assert_eq!(long["more"]["findings"].as_u64().unwrap(), 100 - kept as u64);
    assert_eq!(long["report"]["summary"]["denied"], 100);
}

#[test]
fn hostile_texts_are_data() {
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "<img src=x onerror=alert(1)>"},
        "spec": {"containers": [{"name": "\u{202e}\u{1b}[2J", "image": "</script>\u{9b}"}]}});
    let request = json!({ "policy": "", "manifest": manifest.to_string(), "now": NOW });
    let raw = String::from_utf8(judged(request.to_string().as_bytes())).unwrap();
    // What a terminal would obey is escaped, which means the same to the page.
    assert!(
        !raw.contains(['\u{202e}', '\u{1b}', '\u{9b}']) && raw.matches('\n').count() == 1,
        "{raw}"
    );
    let answer: Value = serde_json::from_str(&raw).unwrap();
    let finding = &answer["report"]["findings"][0];
    assert_eq!(finding["name"], "<img src=x onerror=alert(1)>");
    assert_eq!(finding["container"], "\u{202e}\u{1b}[2J");
    assert_eq!(
        (&finding["image"], &finding["decision"]),
        (&"</script>\u{9b}".into(), &"deny".into())
    );
}

#[test]
fn nothing_in_is_nothing_judged() {
    for manifest in ["", " \n\n", "# a comment", "---\n---\n", "a: 1"] {
        let answer = answer("", manifest);
        assert_eq!(answer["report"]["summary"]["images"], 0, "{manifest:?}");
        assert_eq!(answer["report"]["findings"], json!([]));
    }
}
