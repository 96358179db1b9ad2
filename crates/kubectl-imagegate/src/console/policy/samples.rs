//! Answers that the page is written for.

use imagegate_core::policy::{Documents, compile};
use imagegate_core::usage::{Inventory, Owner, Usage};
use serde_json::{Value, json};

use super::base::{Base, no_cluster, read_only};
use super::change::Changes;
use super::check::{self, Checked};
use super::wanted::Wanted;
use crate::change::{Before, InUse, Revisions, Tell as _};
use crate::cluster::Cluster;
use crate::gate::{ConfigMap, Found, InForce};

/// A ConfigMap with a candidate and a policy before.
fn in_cluster() -> Base {
    let text = "allowedRegistries: [docker.io, quay.io]\n";
    let data = json!({ "policy.yaml": text, "candidate.yaml": "mode: warn\n" });
    let metadata = json!({ "name": "imagegate-webhook-config", "resourceVersion": "7" });
    let config_map: ConfigMap =
        serde_json::from_value(json!({ "metadata": metadata, "data": { "policy.yaml": "{}\n" } }))
            .unwrap();
    let data: std::collections::BTreeMap<String, String> = serde_json::from_value(data).unwrap();
    let (history, _) = Revisions::before(&config_map, &data, "2026-11-27T09:00:00Z".to_owned());
    let mut metadata = metadata;
    metadata["annotations"] = json!({ "imagegate/history": history });
    let config_map = serde_json::from_value(json!({ "metadata": metadata, "data": data })).unwrap();
    let (policy, _) = compile(&Documents::full_form(text)).unwrap();
    let gate = Found { namespace: "imagegate".to_owned(), pods: Vec::new() };
    let cluster = Cluster::none().unwrap();
    Base::ConfigMap(Box::new(Before { cluster, gate, config_map, policy: Some(policy) }))
}

pub(in crate::console) fn page() -> Value {
    let changes = Changes::default();
    assert!(changes.begin());
    changes.done("imagegate-webhook-config changed").unwrap();
    changes.aside("1 of 2 replicas enforce it, waiting");
    let mut page = in_cluster().to_json(Some(&read_only()), &changes.latest());
    page["token"] = "of this start".into();
    // Those of the policy language, which grows.
    page["policyHash"] = "8a8df72b731a".into();
    for revision in page["history"].as_array_mut().unwrap() {
        revision["policyHash"] = "0123456789ab".into();
        revision["candidateHash"] = "none".into();
    }
    page
}

pub(in crate::console) fn checked() -> Value {
    let base = in_cluster();
    let mut remembered = Inventory::default();
    let owner = Some(Owner { kind: "Job", name: "nightly" });
    let web = Usage { owner, last_seen: Some(60), ..Usage::of_pod("ci", "quay.io/acme/web:1") };
    remembered.add(&web);
    remembered.add(&Usage::of_pod("prod", "quay.io/acme/agent:1"));
    let mut in_use = InUse::of_remembered(remembered);
    in_use.gaps.push("what two remembers is not known".to_owned());
    let wanted = Wanted::Policy("allowedRegistries: [docker.io]\n".to_owned());
    let floor = json!({ "text": "the floor is made anew", "isAside": false });
    let checked = Checked::of(&base, &wanted).unwrap();
    let mut page = checked.to_json(Some(Ok(&in_use)), &[floor]);
    page["policyHash"] = "123456789abc".into();
    page["confirms"] = "123456789abc/-".into();
    page["effects"][0]["oldHash"] = "8a8df72b731a".into();
    page["effects"][0]["newHash"] = "123456789abc".into();
    page
}

pub(in crate::console) fn invalid() -> Value {
    let (policy, _) = compile(&Documents::full_form("{}")).unwrap();
    let in_force = InForce { policy, origin: String::new(), notes: Vec::new() };
    let base = Base::of_replicas(in_force, no_cluster(), None);
    let wanted = Wanted::Policy("mode: wran\n".to_owned());
    let problems = Checked::of(&base, &wanted).unwrap_err();
    check::invalid(&base, &problems)
}
