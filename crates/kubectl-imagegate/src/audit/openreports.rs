//! An audit as objects of `openreports.io/v1alpha1`, for `kubectl apply`: one Report for each namespace.
//!
//! A result is an image of an owner, however many Pods it has: an object must fit into the API server's
//! store, and whoever reads it looks after owners. Source: the definition `reports.openreports.io`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use imagegate_report::{Answer, Finding, Remark, write_json};
use serde_json::{Value, json};

use super::Basis;
use super::groups::{ByOwner, by_owner};
use super::judge::Audited;
use super::objects::{Objects, api_version};

/// The name of each Report, and of who reports.
const NAME: &str = "imagegate";
/// Results of one Report, the worst first: some hundred bytes each, where an object may have 1.5 MiB.
const MOST_RESULTS: usize = 1000;

/// A List of Reports. `now` is in Unix seconds; with `all`, images that pass are among the results, too.
pub(super) fn write(
    out: &mut impl Write,
    objects: &Objects,
    audited: &Audited,
    basis: &Basis,
    all: bool,
    now: i64,
) -> io::Result<()> {
    let mut namespaces: BTreeMap<&str, Vec<ByOwner<'_>>> = BTreeMap::new();
    for group in by_owner(objects, audited, |_| true) {
        namespaces.entry(group.namespace).or_default().push(group);
    }
    let reports = namespaces.iter();
    let reports = reports.map(|(namespace, groups)| report(namespace, groups, basis, all, now));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": reports.collect::<Vec<_>>() });
    write_json(&list, out)
}

fn report(namespace: &str, groups: &[ByOwner<'_>], basis: &Basis, all: bool, now: i64) -> Value {
    let count = |outcome| groups.iter().filter(|group| outcome_of(group) == outcome).count();
    let mut listed = vec!["fail", "warn", "error", "skip"];
    if all {
        listed.push("pass");
    }
    let results = groups.iter().filter(|group| listed.contains(&outcome_of(group)));
    let results = results.take(MOST_RESULTS).map(|group| result(group, now));
    json!({
        "apiVersion": "openreports.io/v1alpha1",
        "kind": "Report",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": { "app.kubernetes.io/managed-by": "kubectl-imagegate" },
            "annotations": { "imagegate/policy": basis.hash },
        },
        "source": NAME,
        "scope": { "apiVersion": "v1", "kind": "Namespace", "name": namespace },
        "configuration": { "limits": { "maxResults": MOST_RESULTS, "statusFilter": listed } },
        "summary": {
            "pass": count("pass"),
            "fail": count("fail"),
            "warn": count("warn"),
            "error": 0,
            "skip": count("skip"),
        },
        "results": results.collect::<Vec<_>>(),
    })
}

fn result(group: &ByOwner<'_>, now: i64) -> Value {
    let finding = &group.first.finding;
    let (kind, name) = &group.first.owner;
    let owner = [("kind", kind.as_str()), ("namespace", group.namespace), ("name", name.as_str())];
    let version = api_version(kind).map(|version| ("apiVersion", version));
    let owner: BTreeMap<_, _> = owner.into_iter().chain(version).collect();
    let remark = Remark::of_finding(finding);
    let running: Vec<&str> = group.running.iter().copied().collect();
    let properties = [
        ("image", finding.image.clone().unwrap_or_default()),
        ("container", finding.container.clone()),
        ("pods", group.pods.len().to_string()),
        ("running", running.join(",")),
    ];
    let properties: BTreeMap<_, _> =
        properties.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    json!({
        "source": NAME,
        "policy": NAME,
        "rule": remark.rule.as_str(),
        "result": outcome_of(group),
        "severity": severity(finding),
        "message": remark.full_message(),
        "resources": [owner],
        "properties": properties,
        "timestamp": { "seconds": now, "nanos": 0 },
    })
}

fn outcome_of(group: &ByOwner<'_>) -> &'static str {
    let finding = &group.first.finding;
    match finding.decision {
        _ if finding.out_of_reach.is_some() => "skip",
        Answer::Deny => "fail",
        Answer::Warn | Answer::Audit => "warn",
        Answer::Exempt => "skip",
        Answer::Allow => "pass",
    }
}

fn severity(finding: &Finding) -> &'static str {
    match finding.decision {
        _ if finding.out_of_reach.is_some() => "info",
        Answer::Deny => "high",
        Answer::Warn => "medium",
        Answer::Audit => "low",
        Answer::Exempt | Answer::Allow => "info",
    }
}

#[cfg(test)]
mod tests {
    use imagegate_core::policy::{Documents, Field, ImageList, PullPolicy, compile};
    use serde_json::{Value, json};

    use super::{MOST_RESULTS, write};
    use crate::audit::judge::judge;
    use crate::audit::{Basis, Image, Object, Objects};
    use crate::gate::Namespaces;

    fn object(kind: &'static str, namespace: &str, name: &str, image: &str) -> Object {
        let image = Image {
            container: "app".to_owned(),
            written: Some(image.to_owned()),
            field: Field { pod_spec: "spec".into(), list: ImageList::Containers, index: 0 },
            pull_policy: PullPolicy::default(),
            running: (kind == "Pod").then(|| "sha256:1".to_owned()),
        };
        let owner =
            name.split_once('-').map(|(owner, _)| ("DaemonSet".to_owned(), owner.to_owned()));
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Object { kind, namespace, name, owner, labels: None, images: vec![image] }
    }

    fn written(all: Vec<Object>, shows_all: bool) -> Vec<Value> {
        let text = "{allowedRegistries: [docker.io], overrides: [{name: dev, namespaces: [dev], mode: warn}]}";
        let (policy, _) = compile(&Documents::full_form(text)).unwrap();
        let objects = Objects { all, ..Objects::default() };
        let audited = judge(&objects, &policy, &Namespaces::default(), None, 0);
        let basis = Basis {
            hash: policy.hash().to_owned(),
            origin: String::new(),
            gaps: Vec::new(),
            left_out: 0,
            namespaces: 2,
        };
        let mut out = Vec::new();
        write(&mut out, &objects, &audited, &basis, shows_all, 7).unwrap();
        let mut list: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&list["apiVersion"], &list["kind"]), (&json!("v1"), &json!("List")));
        list["items"].as_array_mut().unwrap().drain(..).collect()
    }

    #[test]
    fn each_namespace_has_a_report_with_a_result_for_each_owner() {
        let all = || {
            vec![
                object("DaemonSet", "prod", "agent", "quay.io/acme/agent:1"),
                object("Pod", "prod", "agent-a", "quay.io/acme/agent:1"),
                object("Pod", "prod", "agent-b", "quay.io/acme/agent:1"),
                object("Pod", "prod", "web", "docker.io/acme/web:1"),
                object("Pod", "dev", "try", "quay.io/acme/try:1"),
            ]
        };
        let reports = written(all(), false);
        assert_eq!(reports.len(), 2);
        let [dev, prod] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!(dev["summary"], json!({"pass": 0, "fail": 0, "warn": 1, "error": 0, "skip": 0}));
        assert_eq!(
            prod["summary"],
            json!({"pass": 1, "fail": 1, "warn": 0, "error": 0, "skip": 0})
        );
        assert_eq!(prod["metadata"]["namespace"], "prod");
        assert_eq!(prod["results"].as_array().unwrap().len(), 1);
        let result = &prod["results"][0];
        assert_eq!((&result["result"], &result["severity"]), (&json!("fail"), &json!("high")));
        assert_eq!(result["rule"], "untrusted-registry");
        assert_eq!(
            result["resources"],
            json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "namespace": "prod", "name": "agent"}])
        );
        assert_eq!(
            result["properties"],
            json!({"image": "quay.io/acme/agent:1", "container": "app", "pods": "2", "running": "sha256:1"})
        );
        assert_eq!(written(all(), true)[1]["results"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_report_stays_within_the_size_of_an_object() {
        let many = 0..=MOST_RESULTS;
        let many =
            many.map(|number| object("Pod", "prod", &format!("a{number}"), "quay.io/acme/agent:1"));
        let report = written(many.collect(), false).remove(0);
        assert_eq!(report["summary"]["fail"], MOST_RESULTS + 1);
        assert_eq!(report["results"].as_array().unwrap().len(), MOST_RESULTS);
        assert!(report.to_string().len() < 1 << 20);
    }
}
