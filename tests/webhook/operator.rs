//! The memory of a replica, from the requests that fill it to its readers: the operator port, and the
//! author of an edit.

use crate::support::reload::metric;
use crate::support::server::Server;
use serde_json::{Value, json};

const POLICY: &str = "\
allowedRegistries: [docker.io, quay.io]
exemptions:
- {name: agent, images: [gcr.io/agent], reason: old}
";

fn review(namespace: &str, images: &[&str]) -> Value {
    let containers: Vec<_> =
        images.iter().map(|image| json!({"name": "app", "image": image})).collect();
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": namespace, "name": "web",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "userInfo": {"username": "bob", "groups": ["dev"]},
            "object": {"spec": {"containers": containers}},
        },
    })
}

async fn create(server: &Server, namespace: &str, images: &[&str]) {
    let (status, _) = server.post("/validate", review(namespace, images).to_string()).await;
    assert_eq!(status, 200);
}

async fn seen() -> Server {
    let server = Server::with_policy(POLICY);
    for _ in 0..3 {
        create(&server, "ci", &["quay.io/acme/agent:1"]).await;
    }
    create(&server, "shop", &["docker.io/web:1", "evil.example/x:1"]).await;
    create(&server, "shop", &["gcr.io/agent:1"]).await;
    server
}

async fn page(server: &Server, path: &str) -> Value {
    let (status, text) = server.ask(path).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn images_are_shown_with_what_a_policy_looks_at() {
    let server = seen().await;
    let page = page(&server, "/images").await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((&page["entries"], &page["version"]), (&json!(4), &json!(version)));
    assert_eq!((&page["evicted"], &page["lost"]), (&json!(0), &json!(0)));
    assert!(!page["replica"].as_str().unwrap().is_empty());
    let hash = server.live.load().as_ref().unwrap().policy.hash().to_owned();
    assert_eq!(page["policyHash"], hash.as_str());
    let first = &page["images"][0];
    let times = [&first["firstSeen"], &first["lastSeen"], &page["since"]];
    assert!(times.iter().all(|time| time.as_str().unwrap().ends_with('Z')), "{first}");
    let mut first = first.clone();
    for time in ["firstSeen", "lastSeen"] {
        first.as_object_mut().unwrap().remove(time);
    }
    let expected = json!({
        "namespace": "ci", "image": "quay.io/acme/agent:1", "user": "bob", "groups": ["dev"],
        "count": 3, "dryRuns": 0, "decision": "allow", "rule": null,
        "workload": {"kind": "Pod", "name": "web"}, "template": false, "override": null,
        "container": "regular", "pullPolicy": "", "kind": "Pod", "labels": {},
    });
    assert_eq!(first, expected);
    let decisions: Vec<_> =
        page["images"].as_array().unwrap().iter().map(|each| each["decision"].as_str()).collect();
    assert_eq!(decisions, [Some("allow"), Some("allow"), Some("deny"), Some("exempt")]);
    let of = |pin: &str, decision: &str| {
        let labels = format!("{{decision=\"{decision}\",pinned_by=\"{pin}\"}}");
        metric(&server.metrics.render(), &format!("imagegate_observed_images_total{labels}"))
    };
    assert_eq!((of("tag", "allow"), of("tag", "deny"), of("digest", "allow")), (4, 1, 0));
    assert_eq!(metric(&server.metrics.render(), "imagegate_observed_entries"), 4);
}

#[tokio::test]
async fn images_are_filtered_and_come_in_three_formats() {
    let server = seen().await;
    for (query, expected) in [
        ("?namespace=shop", 3),
        ("?namespace=shop&decision=deny", 1),
        ("?registry=quay.io", 1),
        ("?registry=quay.io/ac", 0),
        ("?decision=warn", 0),
    ] {
        let page = page(&server, &format!("/images{query}")).await;
        assert_eq!(page["images"].as_array().unwrap().len(), expected, "{query}");
        assert_eq!(page["entries"], 4, "of all, whatever was asked for");
    }
    let (_, lines) = server.ask("/images?format=ndjson").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["entries"]), (5, &json!(4)));
    assert_eq!(lines[1]["image"], "quay.io/acme/agent:1");
    let (_, csv) = server.ask("/images?format=csv").await;
    let rows: Vec<_> = csv.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 5);
    assert!(rows[0].starts_with("namespace,image,user,groups,count,dryRuns,firstSeen,lastSeen,"));
    assert!(rows[1].starts_with("\"ci\",\"quay.io/acme/agent:1\",\"bob\",\"dev\",3,0,"));
}

#[tokio::test]
async fn only_what_is_judged_counts_and_dry_runs_count_apart() {
    let server = Server::with_policy(POLICY);
    let mut body = review("ci", &["quay.io/a:1"]);
    body["request"]["dryRun"] = json!(true);
    server.post("/validate", body.to_string()).await;
    body["request"]["dryRun"] = json!(false);
    body["request"]["operation"] = json!("DELETE");
    server.post("/validate", body.to_string()).await;
    let page = page(&server, "/images").await;
    assert_eq!(page["entries"], 1);
    assert_eq!(
        (&page["images"][0]["count"], &page["images"][0]["dryRuns"]),
        (&json!(0), &json!(1))
    );
    let response = edit(&server, json!({"policy.yaml": "allowedRegistries: [gcr.io]"})).await;
    let said = response["warnings"].to_string();
    assert!(!said.contains("quay.io/a:1"), "nobody runs it: {said}");
}

#[tokio::test]
async fn decisions_that_were_no_plain_admissions_are_kept_in_order() {
    let server = seen().await;
    let answer = page(&server, "/decisions").await;
    let decisions = answer["decisions"].as_array().unwrap();
    let shown: Vec<_> = decisions
        .iter()
        .map(|each| (each["id"].as_u64().unwrap(), each["decision"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [(1, "deny"), (2, "exempt")]);
    assert_eq!(decisions[0]["image"], "evil.example/x:1");
    assert_eq!(decisions[0]["rule"], "untrusted-registry");
    assert_eq!(decisions[1]["exemption"], "agent");
    assert_eq!(page(&server, "/decisions?after=1").await["decisions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_operator_port_answers_to_this_machine_alone_and_says_what_it_knows() {
    let server = Server::with_policy(POLICY);
    let foreign = warp::test::request().path("/images").header("host", "evil.example");
    assert_eq!(foreign.reply(&server.operator).await.status(), 403);
    let nameless = warp::test::request().path("/images");
    assert_eq!(nameless.reply(&server.operator).await.status(), 403);
    for (path, expected) in [
        ("/images?namspace=ci", 400),
        ("/images?format=xml", 400),
        ("/decisions?after=x", 400),
        ("/metrics", 200),
        ("/policy", 200),
    ] {
        assert_eq!(server.ask(path).await.0, expected, "{path}");
    }
    let own = warp::test::request().path("/policy").header("host", "127.0.0.1:8081");
    let signed = own.reply(&server.operator).await;
    for header in ["imagegate-replica", "imagegate-version", "imagegate-since"] {
        assert!(signed.headers().contains_key(header), "{header}");
    }
}

async fn edit(server: &Server, data: Value) -> Value {
    let metadata = json!({"labels": {"imagegate/policy": "true"}});
    edit_object(server, json!({"metadata": metadata, "data": data})).await
}

async fn edit_object(server: &Server, object: Value) -> Value {
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "UPDATE", "name": "policy", "userInfo": {"username": "admin"},
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"}, "object": object,
        },
    });
    let (status, answer) = server.post("/validate-config", body.to_string()).await;
    assert_eq!(status, 200);
    answer["response"].clone()
}

#[tokio::test]
async fn an_edit_is_told_whom_it_hits() {
    let server = seen().await;
    let data = json!({"policy.yaml": POLICY.replace(", quay.io", ", evil.example")});
    let response = edit(&server, data).await;
    assert_eq!(response["allowed"], true);
    let warnings: Vec<&str> = response["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each.as_str().unwrap())
        .collect();
    assert!(warnings.iter().all(|line| line.chars().count() <= 120), "{warnings:?}");
    let said = warnings.join(" ");
    for part in [
        "of 4 images seen here since ",
        "1 would now be refused: quay.io/acme/agent:1 (ci, 3 times, last ",
        "1 would now be admitted: evil.example/x:1 (shop, once, last ",
        "other replicas may have seen more",
        "this loosens the policy: allowedRegistries: +evil.example",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let page = server.metrics.render();
    assert_eq!(metric(&page, "imagegate_edit_newly_denied_images_sum"), 1);
    assert_eq!(metric(&page, "imagegate_edit_newly_denied_images_count"), 1);
}

/// The policy in force selects by a label, so it is remembered; an edit that selects by another one is not
/// told more than is known.
#[tokio::test]
async fn an_edit_is_told_what_depends_on_labels() {
    let server = seen().await;
    let by = |key: &str, value: &str| {
        format!(
            "{POLICY}overrides: [{{name: o, allowedRegistries: [docker.io], \
             podSelector: {{matchLabels: {{{key}: {value}}}}}}}]\n"
        )
    };
    server.put_in_force(&by("team", "none"), None);
    for (name, team) in [("one", "a"), ("other", "b")] {
        let image = format!("quay.io/{name}:1");
        let containers = json!([{"name": "c", "image": image, "imagePullPolicy": "Always"}]);
        let metadata = json!({"labels": {"team": team, "more": "x"}});
        let mut body = review("teams", &[]);
        body["request"]["object"] =
            json!({"metadata": metadata, "spec": {"containers": containers}});
        assert_eq!(server.post("/validate", body.to_string()).await.0, 200);
    }
    let (_, page) = server.ask("/images?namespace=teams").await;
    let page: Value = serde_json::from_str(&page).unwrap();
    let seen = &page["images"][0];
    let shown = ["container", "pullPolicy", "kind", "labels"].map(|field| &seen[field]);
    assert_eq!(shown, [&json!("regular"), &json!("Always"), &json!("Pod"), &json!({"team": "a"})]);
    let (_, csv) = server.ask("/images?namespace=teams&format=csv").await;
    assert!(csv.lines().nth(1).unwrap().ends_with(r#",regular,Always,"Pod","team=a""#), "{csv}");
    let said = async |policy: String| {
        edit(&server, json!({"policy.yaml": policy})).await["warnings"].to_string()
    };
    let known = said(by("team", "a")).await;
    assert!(known.contains("1 would now be refused: quay.io/one:1 (teams"), "{known}");
    let unknown = said(by("more", "x")).await;
    for part in ["none would now be refused", "would perhaps be refused", "quay.io/other:1"] {
        assert!(unknown.contains(part), "{part}: {unknown}");
    }
}

#[tokio::test]
async fn an_edit_that_changes_no_meaning_is_told_nothing() {
    let server = seen().await;
    let response = edit(&server, json!({"policy.yaml": format!("# a comment\n{POLICY}")})).await;
    assert_eq!((&response["allowed"], &response["warnings"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_candidate_is_answered_in_its_first_second_and_once() {
    let server = seen().await;
    let candidate = "allowedRegistries: [docker.io]";
    let data = json!({"policy.yaml": POLICY, "candidate.yaml": candidate});
    let response = edit(&server, data.clone()).await;
    let said = response["warnings"].to_string();
    let expected = "by the candidate, of 4 images seen here since ";
    assert!(said.contains(expected) && said.contains("2 would now be refused"), "{said}");
    server.put_in_force(POLICY, Some(candidate));
    assert_eq!(edit(&server, data).await["warnings"], Value::Null, "it is on trial already");
}

#[tokio::test]
async fn a_follower_gets_the_past_then_what_comes_and_goes_on_where_it_stopped() {
    use http_body_util::BodyExt as _;

    let server = seen().await;
    let follow = async |last_id: Option<&str>| {
        let mut request = warp::test::request().path("/decisions?follow").header("host", "[::1]");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        request.filter(&server.operator).await.unwrap()
    };
    let mut response = follow(None).await;
    let mut next = async || {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.contains("event:replica"));
    let first = next().await;
    assert!(first.contains("event:decision") && first.contains("evil.example/x:1"), "{first}");
    let id = first.lines().find_map(|line| line.strip_prefix("id:")).unwrap().to_owned();
    assert!(next().await.contains("gcr.io/agent:1"));
    create(&server, "late", &["evil.example/late:1"]).await;
    assert!(next().await.contains("evil.example/late:1"));

    let mut resumed = follow(Some(&id)).await;
    for expected in ["event:replica", "gcr.io/agent:1", "evil.example/late:1"] {
        let frame = resumed.body_mut().frame().await.unwrap().unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn an_edit_beyond_the_limit_in_force_is_refused_until_it_is_confirmed() {
    let limited = format!("{POLICY}refuseEditsThatDeny: 0\n");
    let server = seen().await;
    server.put_in_force(&limited, None);
    let strict = POLICY.replace(", quay.io", "");
    // The limit of the new policy does not count, nor that there is none.
    for new in [limited.replace(", quay.io", ""), strict.clone()] {
        let response = edit(&server, json!({"policy.yaml": new})).await;
        assert_eq!(response["allowed"], false, "{new}");
        let message = response["status"]["message"].as_str().unwrap().to_owned();
        for part in [
            "this would refuse 1 image seen within the last day",
            "lets an edit refuse 0 (refuseEditsThatDeny)",
            "quay.io/acme/agent:1 (ci, 3 times, last ",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let hash =
            message.split("imagegate/confirm: \"").nth(1).unwrap().split('"').next().unwrap();
        let confirmed = async |hash: &str, new: &str| {
            let metadata = json!({
                "labels": {"imagegate/policy": "true"},
                "annotations": {"imagegate/confirm": hash},
            });
            edit_object(&server, json!({"metadata": metadata, "data": {"policy.yaml": new}})).await
        };
        assert_eq!(confirmed(hash, &new).await["allowed"], true, "{new}");
        let other = new.replace("docker.io", "ghcr.io");
        assert_eq!(
            confirmed(hash, &other).await["allowed"],
            false,
            "another policy than confirmed"
        );
    }
    server.put_in_force(&limited.replace(": 0", ": 1"), None);
    assert_eq!(edit(&server, json!({"policy.yaml": strict})).await["allowed"], true);
}
