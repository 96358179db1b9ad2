//! The ConfigMap that the gate mounts: its keys, who wrote them, and who will write them again.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::admission::POLICY_LABEL;
use imagegate_core::policy::Documents;
use serde::Deserialize;
use serde_json::Value;

use super::find::Found;
use crate::cluster::{Cluster, Fault, Scope, escaped, path};

/// The ConfigMap, as far as it is looked at.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ConfigMap {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) data: BTreeMap<String, String>,
}

/// What is looked at of its metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) resource_version: String,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    managed_fields: Vec<ManagedFields>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedFields {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    fields_v1: Value,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<ConfigMap>,
}

/// Labels and annotations by which tools mark what they keep as it is in their source, and the words for
/// each.
///
/// Sources: the documentation of Argo CD on resource tracking, of Flux on its labels, of Helm on
/// ownership, of `kubectl apply`.
const OWNERS: [(&str, &str); 8] = [
    ("imagegate/policy-owner", ""),
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "a Flux Kustomization"),
    ("helm.toolkit.fluxcd.io/name", "a Flux HelmRelease"),
    ("fleet.cattle.io/bundle-id", "Fleet"),
    ("configmanagement.gke.io/managed", "Config Sync"),
    ("kubectl.kubernetes.io/last-applied-configuration", "`kubectl apply` of a file"),
];

impl ConfigMap {
    /// The one ConfigMap with the label of the policy.
    pub(crate) async fn read(cluster: &Cluster, namespace: &str) -> Result<Self, Fault> {
        let scope = Scope::Namespace(namespace.to_owned());
        let selector = escaped(&format!("{POLICY_LABEL}=true"));
        let path = format!("{}?labelSelector={selector}", path("v1", "configmaps", &scope));
        let mut list: List = cluster.get(&path).await?;
        match (list.items.pop(), list.items.pop()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Fault::not_found(&format!(
                "there is no ConfigMap with the label {POLICY_LABEL}=true in {namespace}"
            ))
            .with_hint(
                "the gate reads its policy from one; `kubectl get configmaps --show-labels` lists them",
            )),
            (Some(one), Some(other)) => Err(Fault::usage(&format!(
                "two ConfigMaps in {namespace} have the label {POLICY_LABEL}=true: {} and {}",
                one.metadata.name, other.metadata.name
            ))
            .with_hint("take the label from the one that the gate does not mount")),
        }
    }

    /// What a replica reads, with the variables of its container.
    pub(crate) fn documents(&self, gate: &Found) -> Documents {
        documents(&self.data, gate)
    }

    /// The tool that will put the policy back as its source says, in words.
    pub(crate) fn owner(&self) -> Option<String> {
        let Metadata { annotations, labels, .. } = &self.metadata;
        // A Helm release that does not own the policy leaves it alone, and is in neither list.
        keeper(annotations, labels)
            .or_else(|| self.managers().into_iter().find(|manager| !is_at_a_prompt(manager)))
    }

    /// Who wrote the keys, by the names of field managers.
    fn managers(&self) -> BTreeSet<String> {
        let writes_data = |fields: &&ManagedFields| {
            let data = fields.fields_v1.get("f:data").and_then(Value::as_object);
            data.is_some_and(|data| data.keys().any(|key| key.starts_with("f:")))
        };
        let managers = self.metadata.managed_fields.iter().filter(writes_data);
        managers.map(|fields| fields.manager.clone()).collect()
    }
}

/// The tool that keeps an object as it is in its source, in words, by the marks that it leaves.
pub(crate) fn keeper(
    annotations: &BTreeMap<String, String>,
    labels: &BTreeMap<String, String>,
) -> Option<String> {
    OWNERS.iter().find_map(|(key, words)| {
        let value = annotations.get(*key).or_else(|| labels.get(*key))?;
        Some(if words.is_empty() { value.clone() } else { (*words).to_owned() })
    })
}

/// What a replica reads of these keys, with the variables of its container.
pub(crate) fn documents(data: &BTreeMap<String, String>, gate: &Found) -> Documents {
    let keys = data.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes()));
    Documents { variables: gate.simple_keys(), volume: Some(keys.collect()) }
}

/// Whether a field manager is a person with kubectl, or this plugin: what they wrote, they may write
/// again. `kubectl-client-side-apply` has a file behind it. Helm made the ConfigMap once, and leaves it
/// to people unless an annotation says otherwise.
fn is_at_a_prompt(manager: &str) -> bool {
    let kubectl = manager.starts_with("kubectl") && manager != "kubectl-client-side-apply";
    kubectl || manager == "helm"
}

#[cfg(test)]
mod tests {
    use super::ConfigMap;

    fn config_map(metadata: &str) -> ConfigMap {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"a",{metadata}}}}}"#)).unwrap()
    }

    #[test]
    fn the_owner_is_who_will_write_again() {
        let managed = |manager: &str| {
            format!(
                r#""managedFields":[{{"manager":"{manager}","fieldsV1":{{"f:data":{{".":{{}},"f:policy.yaml":{{}}}}}}}}]"#
            )
        };
        for (metadata, owner) in [
            (r#""labels":{}"#.to_owned(), None),
            (managed("kubectl-edit"), None),
            (managed("kubectl-imagegate"), None),
            (managed("argocd-controller"), Some("argocd-controller")),
            (
                r#""annotations":{"imagegate/policy-owner":"the values of x"}"#.to_owned(),
                Some("the values of x"),
            ),
            (
                r#""labels":{"kustomize.toolkit.fluxcd.io/name":"a"}"#.to_owned(),
                Some("a Flux Kustomization"),
            ),
            (
                r#""annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}"#
                    .to_owned(),
                Some("`kubectl apply` of a file"),
            ),
        ] {
            assert_eq!(config_map(&metadata).owner().as_deref(), owner, "{metadata}");
        }
    }
}
