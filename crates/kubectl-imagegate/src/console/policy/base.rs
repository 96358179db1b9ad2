//! What there is to edit: the ConfigMap of the gate, or, where there is none to be read, what the replicas
//! enforce. And whether it may be written.

use std::collections::BTreeMap;

use http::Method;
use imagegate_core::policy::{CANDIDATE_KEY, Documents, POLICY_KEY, Policy, Problems};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Place;
use crate::change::{Before, Compiled, Revisions, text_of};
use crate::cluster::{Cluster, Fault};
use crate::console::pages;
use crate::gate::{Found, InForce, documents};
use crate::history::Row;

/// What there is to edit.
pub(super) enum Base {
    /// A gate in a cluster.
    ConfigMap(Box<Before>),
    /// What the replicas enforce, and why there is no more than that.
    Replicas {
        in_force: Box<InForce>,
        data: BTreeMap<String, String>,
        why: Fault,
        /// Where its ConfigMap alone cannot be read.
        gate: Option<Found>,
    },
}

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    allowed: bool,
}

impl Base {
    /// Reads it.
    ///
    /// # Errors
    /// Where neither the ConfigMap nor a replica says what is in force.
    pub(super) async fn read(place: Place<'_>) -> Result<Self, Fault> {
        let Place { cluster, connection, replicas } = place;
        let why = if connection.endpoint.is_empty() {
            let named = connection.gate_namespace.as_deref();
            match Before::read_in(cluster.clone(), named).await {
                Ok(before) => return Ok(Self::ConfigMap(Box::new(before))),
                Err(fault) => fault,
            }
        } else {
            no_cluster()
        };
        match InForce::of_replicas(replicas) {
            Ok(Some(in_force)) => {
                let named = connection.gate_namespace.as_deref();
                let gate = match connection.endpoint.as_slice() {
                    [] => Found::find(cluster, named).await.ok(),
                    _ => None,
                };
                Ok(Self::of_replicas(in_force, why, gate))
            }
            Ok(None) if connection.endpoint.is_empty() => Err(why),
            Ok(None) => Err(Fault::lost("no replica says which policy it enforces")),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) fn of_replicas(in_force: InForce, why: Fault, gate: Option<Found>) -> Self {
        let data = BTreeMap::from([(POLICY_KEY.to_owned(), in_force.policy.to_yaml())]);
        Self::Replicas { in_force: Box::new(in_force), data, why, gate }
    }

    /// The gate, where it is in a cluster.
    pub(super) fn gate(&self) -> Option<&Found> {
        match self {
            Self::ConfigMap(before) => Some(&before.gate),
            Self::Replicas { gate, .. } => gate.as_ref(),
        }
    }

    /// The policy in force; `None` where it is not valid.
    pub(super) fn policy(&self) -> Option<&Policy> {
        match self {
            Self::ConfigMap(before) => before.policy.as_ref(),
            Self::Replicas { in_force, .. } => Some(&in_force.policy),
        }
    }

    pub(super) fn data(&self) -> &BTreeMap<String, String> {
        match self {
            Self::ConfigMap(before) => &before.config_map.data,
            Self::Replicas { data, .. } => data,
        }
    }

    /// The version that an edit is written under; `None` where it cannot be.
    pub(super) fn version(&self) -> Option<&str> {
        match self {
            Self::ConfigMap(before) => Some(&before.config_map.metadata.resource_version),
            Self::Replicas { .. } => None,
        }
    }

    /// The keys of a policy before, by its position.
    pub(super) fn revision(&self, position: usize) -> Option<BTreeMap<String, String>> {
        let Self::ConfigMap(before) = self else { return None };
        Revisions::of(&before.config_map).0.into_iter().nth(position).map(|each| each.data)
    }

    /// What keys compile to.
    pub(super) fn compile(&self, data: &BTreeMap<String, String>) -> Result<Compiled, Problems> {
        match self {
            Self::ConfigMap(before) => Compiled::of(&documents(data, &before.gate)),
            // What replicas enforce has the variables of their containers in it.
            Self::Replicas { .. } => {
                let keys = data.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes()));
                let variables = BTreeMap::new();
                Compiled::of(&Documents { variables, volume: Some(keys.collect()) })
            }
        }
    }

    /// Why an edit cannot be put in force; `None` where it can, as far as is known.
    pub(super) async fn locked(&self, is_read_only: bool) -> Option<Fault> {
        match self {
            _ if is_read_only => Some(read_only()),
            Self::Replicas { why, .. } => Some(why.clone()),
            Self::ConfigMap(before) => match before.owned() {
                Some(fault) => Some(fault),
                None => not_allowed(&before.cluster, &before.gate.namespace).await,
            },
        }
    }

    /// The page. `change` is the last edit.
    pub(super) fn to_json(&self, locked: Option<&Fault>, change: &Value) -> Value {
        let data = self.data();
        let (name, namespace, owner, history, notes) = match self {
            Self::ConfigMap(before) => (
                Some(before.config_map.metadata.name.as_str()),
                Some(before.gate.namespace.as_str()),
                before.config_map.owner(),
                Row::all(before).iter().map(Row::to_json).collect(),
                Vec::new(),
            ),
            Self::Replicas { in_force, .. } => {
                (None, None, None, Vec::new(), in_force.notes.clone())
            }
        };
        json!({
            "name": name,
            "namespace": namespace,
            "resourceVersion": self.version(),
            "policyHash": self.policy().map(Policy::hash),
            "text": text_of(data, POLICY_KEY),
            "fullForm": full_form(data, self.policy()),
            "candidate": data.get(CANDIDATE_KEY),
            "owner": owner,
            "locked": locked.map(pages::fault),
            "history": history,
            "notes": notes,
            "change": change,
        })
    }
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// The policy in the form that says all that it is, for the playground, which knows no other; `None` where it is in
/// simple form and not valid.
fn full_form(data: &BTreeMap<String, String>, policy: Option<&Policy>) -> Option<String> {
    data.get(POLICY_KEY).cloned().or_else(|| policy.map(Policy::to_yaml))
}

/// The console was told to change nothing.
pub(super) fn read_only() -> Fault {
    Fault::usage("the console was started with --read-only")
        .with_hint("without it, the page can put an edit in force")
}

/// There is nowhere to write to.
pub(super) fn no_cluster() -> Fault {
    Fault::usage("the replicas were named by --endpoint, so there is no cluster to write to")
        .with_hint("edit the file that they read; what an edit would do is shown all the same")
}

/// Whether RBAC lets the user write. That it cannot be asked says nothing.
async fn not_allowed(cluster: &Cluster, namespace: &str) -> Option<Fault> {
    const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {
            "resourceAttributes": {
                "namespace": namespace, "verb": "patch", "resource": "configmaps", "version": "v1",
            },
        },
    });
    let body = ("application/json", review.to_string().into_bytes());
    let answer = cluster.send(Method::POST, PATH, Some(body)).await.ok()?;
    let Review { status } = serde_json::from_slice(&answer).ok()?;
    let message = format!("you may not patch configmaps in {namespace}");
    let hint = "what an edit would do is shown all the same";
    (!status.allowed).then(|| Fault::usage(&message).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use imagegate_core::policy::{Documents, POLICY_KEY, compile};

    use super::full_form;

    #[test]
    fn a_policy_in_simple_form_has_a_full_one_too() {
        let simple = BTreeMap::from([("ALLOWED_REGISTRIES".to_owned(), "quay.io".to_owned())]);
        let keys = simple.iter().map(|(key, text)| (key.clone(), text.clone().into_bytes()));
        let volume = Some(keys.collect());
        let (policy, _) = compile(&Documents { volume, ..Documents::default() }).unwrap();
        let full = full_form(&simple, Some(&policy)).unwrap();
        assert!(full.contains("quay.io"), "{full}");
        let (again, _) = compile(&Documents::full_form(full.as_str())).unwrap();
        assert_eq!(again.hash(), policy.hash());
        assert_eq!(full_form(&simple, None), None);
        let text = "mode: warn # as written\n".to_owned();
        let written = BTreeMap::from([(POLICY_KEY.to_owned(), text.clone())]);
        assert_eq!(full_form(&written, Some(&policy)), Some(text));
    }
}
