//! The bodies that cost a review the most memory, as many at once as the budget for bodies takes.

use std::fmt::Write as _;

use crate::support::client::{Answer, review_of};
use crate::support::siege::Siege;
use http::StatusCode;
use imagegate::settings::Protocol;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// `max_body_bytes`, and how many of those `max_body_bytes_total` holds.
const LARGEST: usize = 8 << 20;
const AT_ONCE: usize = 8;
/// Time enough for a debug build on a busy machine: what is attacked here is memory.
const SLOW: [(&str, &str); 2] = [("body_seconds", "120"), ("header_seconds", "120")];

/// A policy with as long a text of allowed registries as a message shows.
fn policy() -> String {
    // The bystander's, so that it adds no violation.
    let mut policy = String::from("allowedRegistries:\n  - docker.io\n");
    for number in 0..40 {
        writeln!(policy, "  - registry-{number}.example.com/team").unwrap();
    }
    policy
}

/// A review of a Pod in which each of `marks` stands for as many of its items, joined by `,`, as
/// make a body of the largest size; and how many items that are.
fn filled(review: &Value, marks: &[(&str, &str)]) -> (Vec<u8>, usize) {
    let mut body = review.to_string();
    let room = (LARGEST - body.len()) / marks.len();
    let mut count = 0;
    for (mark, item) in marks {
        let items = room / (item.len() + 1);
        count += items;
        let list = vec![*item; items].join(",");
        body = body.replace(&format!("\"{mark}\""), &list);
    }
    assert!(body.len() <= LARGEST && body.len() > LARGEST - 512, "{}", body.len());
    (body.into_bytes(), count)
}

fn pod(spec: &Value) -> Value {
    review_of("CREATE", &json!({"kind": "Pod", "apiVersion": "v1", "spec": spec}), &Value::Null)
}

/// Sends `body` from several clients at once, and expects each verdict to be a denial, and each
/// other answer to ask for another try; returns the denials.
async fn attack(name: &str, body: Vec<u8>) -> (Siege, Vec<Answer>) {
    attack_under(&policy(), name, body).await
}

async fn attack_under(policy: &str, name: &str, body: Vec<u8>) -> (Siege, Vec<Answer>) {
    let siege = Siege::start(policy, &SLOW).await;
    let client = siege.gate.client.clone();
    let attackers = async move {
        let mut attackers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, body) = (client.clone(), body.clone());
            attackers.spawn(async move {
                let mut connection = client.connect(Protocol::Http1).await.unwrap();
                connection.review(&body).await
            });
        }
        attackers.join_all().await
    };
    let mut denials = Vec::new();
    for answer in siege.attacked(name, attackers).await {
        let log = || siege.gate.process.log();
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error:?}: {:#?}", log()));
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.header("retry-after"), Some("1"), "{name}");
            continue;
        }
        assert!(!answer.allowed(), "{name}: {answer:?}");
        assert!(answer.message().len() <= 1024, "{name}: {answer:?}");
        denials.push(answer);
    }
    assert!(!denials.is_empty(), "{name}");
    (siege, denials)
}

/// Sends the body, ends the siege, and holds the count of violations to be that of all images.
async fn attack_of_images(name: &str, (body, images): (Vec<u8>, usize), rules: &[&str]) {
    let (siege, denials) = attack(name, body).await;
    let mut counted = 0;
    for rule in rules {
        let series = format!("imagegate_violations_total{{mode=\"enforce\",rule=\"{rule}\"}}");
        counted += siege.gate.process.metric(&series).await;
    }
    assert_eq!(counted, images * denials.len(), "{name}");
    siege.end(name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_without_anything_are_counted_and_not_kept() {
    let review = pod(&json!({"containers": ["all"]}));
    attack_of_images("{}", filled(&review, &[("all", "{}")]), &["invalid-reference"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_beyond_those_that_are_sent_are_counted_and_not_rendered() {
    let review = pod(&json!({"containers": ["all"]}));
    let body = filled(&review, &[("all", r#"{"image":"a:1"}"#)]);
    attack_of_images("a:1", body, &["invalid-reference", "untrusted-registry"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_volumes_are_bounded_like_containers() {
    let review = pod(&json!({"containers": ["one"], "volumes": ["all"]}));
    let review = review.to_string().replace("\"one\"", r#"{"image":"a"}"#);
    let review = serde_json::from_str(&review).unwrap();
    let (body, volumes) = filled(&review, &[("all", r#"{"image":{}}"#)]);
    let rules = ["invalid-reference", "missing-tag"];
    attack_of_images("image volumes", (body, volumes + 1), &rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_object_of_an_update_is_bounded_too() {
    let object = |mark: &str| json!({"spec": {"containers": [mark], "initContainers": ["init"]}});
    let review = review_of("UPDATE", &object("new"), &object("old"));
    let marks = [("new", r#"{"image":"a:1"}"#), ("old", r#"{"image":"a"}"#), ("init", "{}")];
    let mut body = review.to_string();
    for (mark, item) in marks {
        let items = vec![item; LARGEST / 4 / (item.len() + 1) - 32].join(",");
        body = body.replace(&format!("\"{mark}\""), &items);
    }
    assert!(body.len() <= LARGEST, "{}", body.len());
    let (siege, _) = attack("an update", body.into_bytes()).await;
    siege.end("an update").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_at_once_is_bounded() {
    let lists = json!({
        "containers": ["all"], "initContainers": ["all"], "ephemeralContainers": ["all"],
    });
    let within = |inner: &Value| {
        let mut spec = lists.clone();
        spec["template"] = json!({"spec": inner});
        spec["jobTemplate"] = json!({"spec": inner});
        spec
    };
    // As deep as the fields of a workload go, and deeper.
    let spec = within(&within(&within(&lists)));
    let object = json!({"spec": spec, "template": {"spec": lists}});
    let review = review_of("UPDATE", &object, &object).to_string();
    let count = review.matches("\"all\"").count();
    let room = (LARGEST - review.len()) / count;
    let body = review.replace("\"all\"", &vec!["{}"; room / 3].join(","));
    let (siege, _) = attack("every list", body.into_bytes()).await;
    siege.end("every list").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_groups_of_a_user_are_bounded() {
    let mut review = pod(&json!({"containers": [{"name": "c", "image": "a"}]}));
    review["request"]["userInfo"]["groups"] = json!(["all"]);
    let (body, _) = filled(&review, &[("all", r#""""#)]);
    let (siege, _) = attack("groups", body).await;
    siege.end("groups").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_with_escapes_are_bounded() {
    // An escape makes the parser copy the text.
    let long = |length: usize| format!(r"{}\u0041", "a".repeat(length));
    let many = vec![r#"{"name":"\u0041","image":"\u0041"}"#; LARGEST / 4 / 35].join(",");
    let body = pod(&json!({"containers": ["many", {"name": "c", "image": "long", "key": 1}]}))
        .to_string()
        .replace("\"many\"", &many)
        .replace("long", &long(LARGEST / 4 - 512))
        .replace("key", &long(LARGEST / 3));
    assert!(body.len() <= LARGEST, "{}", body.len());
    let (siege, _) = attack("escapes", body.into_bytes()).await;
    siege.end("escapes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_every_place_are_bounded() {
    // Read in a second pass, only by a policy that selects by them. An escape makes the parser copy.
    let selecting = "overrides: [{name: o, podSelector: {matchLabels: {a: b}}, mode: enforce}]\n";
    let value = "a".repeat(LARGEST / 4 / 1_000 - 32);
    let labels: Vec<_> = (0..1_000).map(|n| format!(r#""k{n}":"{value}\u0041""#)).collect();
    let labelled = json!({"metadata": {"labels": "labels"}});
    let job = json!({"spec": {"template": labelled}});
    let mut object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"labels": "labels"},
        "spec": {"containers": [{"name": "c", "image": "evil.example/a:1"}], "template": labelled},
        "template": labelled,
    });
    object["spec"]["jobTemplate"] = job;
    let body = review_of("CREATE", &object, &Value::Null).to_string();
    let body =
        body.replace("\"labels\":\"labels\"", &format!("\"labels\":{{{}}}", labels.join(",")));
    assert!(body.len() <= LARGEST && body.len() > LARGEST - (64 << 10), "{}", body.len());
    let policy = format!("{}{selecting}", policy());
    let (siege, denials) = attack_under(&policy, "labels", body.into_bytes()).await;
    assert!(!denials.is_empty(), "nobody was judged");
    siege.end("labels").await;
}
