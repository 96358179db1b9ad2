//! The write itself: one request, by the version that was read, under a field manager of our own.

use std::collections::BTreeMap;

use http::Method;
use imagegate_core::admission::CONFIRM_ANNOTATION;
use serde_json::{Map, Value, json};

use super::revisions::HISTORY;
use crate::cluster::{Cluster, Fault, Kind, Scope, escaped, path};
use crate::gate::ConfigMap;

/// The name that the written fields are kept under.
const MANAGER: &str = "kubectl-imagegate";

/// What is written.
pub(super) struct Change<'a> {
    pub(super) data: &'a BTreeMap<String, String>,
    /// The policies before, as the annotation has them.
    pub(super) history: &'a str,
    /// The hash by which somebody says that an edit is meant that refuses much.
    pub(super) confirm: Option<&'a str>,
}

/// Writes the keys, or has them judged only. Who may be overwritten was decided before, by
/// [`ConfigMap::owner`]; the version that was read makes sure that nothing has changed since.
///
/// Where keys go away, server-side apply is not enough: it leaves what another manager has set. Then it is
/// a merge patch, of the same version.
pub(super) async fn apply(
    cluster: &Cluster,
    namespace: &str,
    before: &ConfigMap,
    change: &Change<'_>,
    dry_run: bool,
) -> Result<(), Fault> {
    let Change { data, history, confirm } = change;
    let mut annotations = json!({ HISTORY: history });
    if let (Some(hash), Value::Object(annotations)) = (confirm, &mut annotations) {
        annotations.insert(CONFIRM_ANNOTATION.to_owned(), (*hash).into());
    }
    let name = &before.metadata.name;
    let collection = path("v1", "configmaps", &Scope::Namespace(namespace.to_owned()));
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    let path = format!("{collection}/{}?fieldManager={MANAGER}{dry_run}", escaped(name));
    let version = json!({
        "resourceVersion": before.metadata.resource_version,
        "annotations": annotations,
    });
    let gone = before.data.keys().filter(|key| !data.contains_key(*key));
    let mut keys: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    let goes = !keys.is_empty();
    keys.extend(data.iter().map(|(key, text)| (key.clone(), text.as_str().into())));
    let (path, media_type, body) = if goes {
        (path, "application/merge-patch+json", json!({ "metadata": version, "data": keys }))
    } else {
        let mut manifest = manifest(before, namespace, data);
        if let Some(Value::Object(metadata)) = manifest.get_mut("metadata") {
            metadata.remove("labels");
            metadata.insert("annotations".to_owned(), annotations);
            metadata.insert(
                "resourceVersion".to_owned(),
                before.metadata.resource_version.clone().into(),
            );
        }
        // JSON is YAML. Forced, since a person's earlier edit is no other owner.
        (format!("{path}&force=true"), "application/apply-patch+yaml", manifest)
    };
    let body = (media_type, body.to_string().into_bytes());
    match cluster.send(Method::PATCH, &path, Some(body)).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.kind == Kind::Conflict => {
            let message = format!(
                "somebody changed {name} meanwhile, and nothing was overwritten: {}",
                fault.message()
            );
            Err(Fault::conflict(&message).with_hint("run it again, on what is there now"))
        }
        Err(fault) if fault.message().contains(CONFIRM_ANNOTATION) => {
            Err(fault.with_hint("--confirm HASH sets the annotation, where that is meant"))
        }
        Err(fault) => Err(fault),
    }
}

/// The ConfigMap with new keys, as a manifest.
pub(super) fn manifest(
    before: &ConfigMap,
    namespace: &str,
    data: &BTreeMap<String, String>,
) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": before.metadata.name,
            "namespace": namespace,
            "labels": { imagegate_core::admission::POLICY_LABEL: "true" },
        },
        "data": data,
    })
}
