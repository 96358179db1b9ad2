//! Which namespaces the gate judges, by the selectors of its webhooks.

use std::collections::BTreeMap;

use imagegate_core::admission::OPT_OUT_LABEL;
use imagegate_core::policy::printable;
use serde::Deserialize;

use super::webhooks::Webhooks;
use crate::cluster::{Cluster, Fault, Item, Kind, Resource, Scope, escaped};

const NAMESPACES: Resource =
    Resource { kind: "Namespace", plural: "namespaces", versions: &["v1"] };

/// Every namespace with its labels; or none, where they may not be listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Namespaces {
    labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Why there are none, in words.
    pub(crate) gap: Option<String>,
}

/// What becomes of the Pods of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Judged, by each of the overrides that a webhook pins; `None` stands for the policy's own choice.
    Judged(Vec<Option<String>>),
    /// The label takes it out.
    OptedOut,
    /// A selector leaves it out, by this label.
    Excluded(String),
    /// There is no webhook.
    Unregistered,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Namespaces {
    /// Lists them. Where that is not allowed, `gap` says so.
    pub(crate) async fn read(cluster: &Cluster) -> Result<Self, Fault> {
        let read = |item: Item<'_>| {
            serde_json::from_str(item.json).ok().map(|Object { metadata }| metadata)
        };
        let listed = cluster.list(NAMESPACES, &Scope::Everywhere, &[], read).await;
        let listed = match listed {
            Err(fault) if fault.kind == Kind::Forbidden => return Ok(Self::forbidden()),
            listed => listed?,
        };
        if !listed.gaps.is_empty() {
            return Ok(Self::forbidden());
        }
        let named = listed.items.into_iter().flatten();
        Ok(Self { labels: named.map(|each| (each.name, each.labels)).collect(), gap: None })
    }

    /// One of them alone. Where reading it is not allowed, `gap` says so. One that is not there has none
    /// of its own: it may be gone, and what was seen in it is still remembered.
    pub(crate) async fn one(cluster: &Cluster, name: &str) -> Result<Self, Fault> {
        let path = format!("/api/v1/namespaces/{}", escaped(name));
        Self::of_one(cluster.get(&path).await, name)
    }

    fn of_one(read: Result<Object, Fault>, name: &str) -> Result<Self, Fault> {
        match read {
            Ok(Object { metadata }) => {
                Ok(Self { labels: BTreeMap::from([(metadata.name, metadata.labels)]), gap: None })
            }
            Err(fault) if fault.kind == Kind::NotFound => Ok(Self::default()),
            Err(fault) if fault.kind == Kind::Forbidden => {
                let gap = format!(
                    "not allowed to get the namespace {}: whether it is excluded or has opted out is not known",
                    printable(name)
                );
                Ok(Self { labels: BTreeMap::new(), gap: Some(gap) })
            }
            Err(fault) => Err(fault),
        }
    }

    fn forbidden() -> Self {
        let gap = "not allowed to list namespaces: which of them are excluded or have opted out is not known";
        Self { labels: BTreeMap::new(), gap: Some(gap.to_owned()) }
    }

    /// Their names, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.labels.keys().cloned().collect()
    }

    /// What becomes of the Pods of a namespace. One that is not known is taken to be judged.
    pub(crate) fn reach(&self, webhooks: &Webhooks, namespace: &str) -> Reach {
        let Some(labels) = self.labels.get(namespace) else { return Reach::Judged(vec![None]) };
        let mut judged_by = Vec::new();
        let mut kept_out_by = None;
        let mut any = false;
        for webhook in webhooks.gates() {
            any = true;
            match webhook.namespace_selector.kept_out_by(labels) {
                None => judged_by.push(webhook.pinned().map(str::to_owned)),
                Some(key) => kept_out_by = kept_out_by.or(Some(key)),
            }
        }
        match kept_out_by {
            _ if !judged_by.is_empty() => Reach::Judged(judged_by),
            Some(OPT_OUT_LABEL) => Reach::OptedOut,
            Some(key) => Reach::Excluded(key.to_owned()),
            None if any => Reach::Judged(vec![None]),
            None => Reach::Unregistered,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::Namespaces;
    use crate::cluster::Fault;

    #[test]
    fn what_may_not_be_read_is_a_gap_and_what_is_lost_a_fault() {
        let read = |status: u16, said: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            Namespaces::of_one(Err(Fault::of_status(status, said.as_bytes())), "ci")
        };
        let forbidden = read(403, "namespaces \"ci\" is forbidden: no").unwrap();
        assert!(forbidden.gap.unwrap().starts_with("not allowed to get the namespace ci: "));
        assert_eq!(read(404, "namespaces \"ci\" not found").unwrap().gap, None);
        assert!(read(500, "").is_err());
    }
}
