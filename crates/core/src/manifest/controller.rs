//! What made an object, as far as it says so.

use super::node::{Node, Value};

/// The label that a Deployment gives its ReplicaSets and their Pods, whose value also ends the name of
/// the ReplicaSet.
///
/// Source: <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label>.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The object that made another one and looks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller<'n> {
    /// `Deployment`
    pub kind: &'n str,
    /// `web`
    pub name: &'n str,
}

impl<'n> Controller<'n> {
    /// The controller that an object's `metadata` names.
    ///
    /// Where that is the ReplicaSet of a Deployment, it is the Deployment: a Pod tells by its label,
    /// which no other controller sets. What made a Job its Pods do not say.
    pub(super) fn of(metadata: &'n Node<'_>) -> Option<Self> {
        let Value::Sequence(references) = metadata.get("ownerReferences")?.value() else {
            return None;
        };
        let is_controller = |reference: &&'n Node<'_>| {
            let flag = reference.get("controller").map(Node::value);
            matches!(flag, Some(Value::Boolean(true)))
        };
        let reference = references.iter().find(is_controller)?;
        let text = |key| reference.get(key).and_then(Node::text);
        let (kind, name) = (text("kind")?, text("name")?);
        let is_apps = text("apiVersion").is_some_and(|version| version.starts_with("apps/"));
        let hash = metadata.get("labels").and_then(|labels| labels.get(POD_TEMPLATE_HASH)?.text());
        let deployment = hash.filter(|_| is_apps && kind == "ReplicaSet").and_then(|hash| {
            let name = name.strip_suffix(hash)?.strip_suffix('-')?;
            (!name.is_empty()).then_some(Self { kind: "Deployment", name })
        });
        Some(deployment.unwrap_or(Self { kind, name }))
    }
}
