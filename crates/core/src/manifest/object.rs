//! What an object says it is.

use super::controller::Controller;
use super::node::Node;

/// The identity of a Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'n> {
    /// `apps/v1`; empty where it is left out.
    pub api_version: &'n str,
    /// `Deployment`
    pub kind: &'n str,
    /// Empty where the object leaves it to the server.
    pub name: &'n str,
    /// Empty where the object does not say.
    pub namespace: &'n str,
    /// What made it. For people: nobody checks what an object says of that.
    pub controller: Option<Controller<'n>>,
}

impl<'n> Object<'n> {
    /// The identity of an object; `None` for anything that names no kind.
    #[must_use]
    pub fn of(node: &'n Node<'_>) -> Option<Self> {
        let kind = node.get("kind")?.text()?;
        let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
        Some(Self::named(node, api_version, kind))
    }

    /// The identity of an entry of a list that leaves it to the list to say what it is.
    #[must_use]
    pub fn named(node: &'n Node<'_>, api_version: &'n str, kind: &'n str) -> Self {
        let text = |node: Option<&'n Node<'_>>| node.and_then(Node::text);
        let metadata = node.get("metadata");
        let field = |key| text(metadata.and_then(|metadata| metadata.get(key)));
        let name = field("name").or_else(|| field("generateName")).unwrap_or_default();
        let namespace = field("namespace").unwrap_or_default();
        let controller = metadata.and_then(Controller::of);
        Self { api_version, kind, name, namespace, controller }
    }

    /// The API group: `apps`, or nothing for the core group.
    #[must_use]
    pub fn group(&self) -> &'n str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The kind of the entries that leave it out, where this has `items`: `Pod` of a `PodList`, and
    /// nothing of a `List`, whose entries say what they are. Whatever has `items` is a list for
    /// kubectl, and a kind that is none lends its own name.
    ///
    /// Source: `decodeToList` of apimachinery's `unstructured` package.
    #[must_use]
    pub fn listed_kind(&self) -> &'n str {
        self.kind.strip_suffix("List").unwrap_or(self.kind)
    }

    /// Whether its kind is that of a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.kind.ends_with("List")
    }
}
