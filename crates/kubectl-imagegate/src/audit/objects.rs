//! Pods and workloads as an audit wants them: their images, what runs of them, and their owner.
//!
//! What is not wanted is dropped while a page is read, so that the memory of an audit grows with the
//! images and not with the objects.

use std::collections::HashMap;

use futures_util::future::join_all;
use imagegate_core::admission::images_of_item;
use imagegate_core::policy::{ContainerImage, Field, Labels, PullPolicy};
use serde::Deserialize;

use crate::cluster::{Cluster, Fault, Item, Resource, Scope};

/// Every built-in kind that names images.
const KINDS: [Resource; 9] = [
    Resource { kind: "Pod", plural: "pods", versions: &["v1"] },
    Resource { kind: "ReplicationController", plural: "replicationcontrollers", versions: &["v1"] },
    Resource { kind: "PodTemplate", plural: "podtemplates", versions: &["v1"] },
    Resource { kind: "Deployment", plural: "deployments", versions: &["apps/v1"] },
    Resource { kind: "ReplicaSet", plural: "replicasets", versions: &["apps/v1"] },
    Resource { kind: "StatefulSet", plural: "statefulsets", versions: &["apps/v1"] },
    Resource { kind: "DaemonSet", plural: "daemonsets", versions: &["apps/v1"] },
    Resource { kind: "Job", plural: "jobs", versions: &["batch/v1"] },
    // v1beta1: API servers before 1.21.
    Resource { kind: "CronJob", plural: "cronjobs", versions: &["batch/v1", "batch/v1beta1"] },
];

/// The version of a built-in kind; `None` of another's.
pub(super) fn api_version(kind: &str) -> Option<&'static str> {
    let resource = KINDS.iter().find(|resource| resource.kind == kind)?;
    resource.versions.first().copied()
}

/// What was found, and what was not looked at.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) all: Vec<Object>,
    /// In words, one for each gap.
    pub(crate) gaps: Vec<String>,
    /// Pods that have ended, and ReplicaSets that a Deployment keeps for a rollback. They run nothing.
    pub(crate) left_out: usize,
}

/// Of each object, by namespace, kind and name, the kind and the name of its controller.
pub(crate) struct Owners<'o>(HashMap<(&'o str, &'o str, &'o str), &'o (String, String)>);

/// A Pod or a workload.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Kind and name of the controller.
    pub(crate) owner: Option<(String, String)>,
    /// Those of the Pod, or of the Pods that it makes.
    pub(crate) labels: Option<Labels<'static>>,
    pub(crate) images: Vec<Image>,
}

/// An image of an object.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The container's name, or the volume's.
    pub(crate) container: String,
    /// As written; `None` where the object leaves it out.
    pub(crate) written: Option<String>,
    pub(crate) field: Field,
    pub(crate) pull_policy: PullPolicy,
    /// The digest of what runs, where the kubelet has said so.
    pub(crate) running: Option<String>,
}

/// What became of one item.
enum Read {
    Kept(Object),
    LeftOut,
    Unreadable(String),
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    owner_references: Option<Vec<OwnerReference>>,
}

#[derive(Deserialize)]
struct OwnerReference {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    controller: Option<bool>,
}

#[derive(Default, Deserialize)]
struct Spec {
    replicas: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: Option<String>,
    container_statuses: Option<Vec<ContainerStatus>>,
    init_container_statuses: Option<Vec<ContainerStatus>>,
    ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    #[serde(default)]
    name: String,
    #[serde(rename = "imageID", default)]
    image_id: String,
}

impl Objects {
    /// Reads every Pod and every workload in `scope`, all kinds at the same time.
    pub(crate) async fn read(
        cluster: &Cluster,
        scope: &Scope,
        namespaces: &[String],
    ) -> Result<Self, Fault> {
        let lists = KINDS.map(async |resource| {
            cluster.list(resource, scope, namespaces, |item| read(resource.kind, &item)).await
        });
        let mut read_all = Self::default();
        let mut unreadable = Vec::new();
        for listed in join_all(lists).await {
            let listed = listed?;
            read_all.gaps.extend(listed.gaps);
            for item in listed.items {
                match item {
                    Read::Kept(object) => read_all.all.push(object),
                    Read::LeftOut => read_all.left_out += 1,
                    Read::Unreadable(why) => unreadable.push(why),
                }
            }
        }
        if let Some(first) = unreadable.first() {
            let count = unreadable.len();
            read_all
                .gaps
                .push(format!("cannot read {count} objects, the first of them since {first}"));
        }
        Ok(read_all)
    }

    /// Of each object the owner at the top, in the order of `objects`: the Deployment of a Pod's
    /// ReplicaSet, the CronJob of its Job.
    pub(crate) fn top_owners(&self) -> Vec<(String, String)> {
        let owners = self.owners();
        let top = |object: &Object| {
            let (kind, name) = owners.top(&object.namespace, object.kind, &object.name);
            (kind.to_owned(), name.to_owned())
        };
        self.all.iter().map(top).collect()
    }

    /// Who owns what.
    pub(crate) fn owners(&self) -> Owners<'_> {
        let owned = self.all.iter().filter_map(|object| {
            let key = (object.namespace.as_str(), object.kind, object.name.as_str());
            Some((key, object.owner.as_ref()?))
        });
        Owners(owned.collect())
    }
}

impl Owners<'_> {
    /// The kind and the name of the owner at the top; what nobody is known to own is its own.
    pub(crate) fn top<'a>(
        &'a self,
        namespace: &'a str,
        kind: &'a str,
        name: &'a str,
    ) -> (&'a str, &'a str) {
        let mut top = (kind, name);
        // Owners form no circle, unless somebody made one.
        for _ in 0..8 {
            let Some((kind, name)) = self.0.get(&(namespace, top.0, top.1)) else { break };
            top = (kind, name);
        }
        top
    }
}

fn read(kind: &'static str, item: &Item<'_>) -> Read {
    let header: Header = match serde_json::from_str(item.json) {
        Ok(header) => header,
        Err(error) => return Read::Unreadable(error.to_string()),
    };
    let ended = matches!(header.status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let owners = header.metadata.owner_references.unwrap_or_default();
    let owner = owners.into_iter().find(|owner| owner.controller == Some(true));
    let kept_for_rollback =
        kind == "ReplicaSet" && owner.is_some() && header.spec.replicas == Some(0);
    if ended || kept_for_rollback {
        return Read::LeftOut;
    }
    let object = match images_of_item(item.version, kind, item.json.as_bytes()) {
        Ok(object) => object,
        Err(error) => return Read::Unreadable(error.to_string()),
    };
    let Status {
        container_statuses, init_container_statuses, ephemeral_container_statuses, ..
    } = header.status;
    let statuses = [container_statuses, init_container_statuses, ephemeral_container_statuses];
    let statuses: Vec<ContainerStatus> = statuses.into_iter().flatten().flatten().collect();
    Read::Kept(Object {
        kind,
        namespace: object.namespace.into_owned(),
        name: object.name.into_owned(),
        owner: owner.map(|owner| (owner.kind, owner.name)),
        labels: object.labels.map(Labels::into_owned),
        images: object.images.into_iter().map(|image| with_digest(image, &statuses)).collect(),
    })
}

fn with_digest(image: ContainerImage<'_>, statuses: &[ContainerStatus]) -> Image {
    let status = statuses.iter().find(|status| status.name == image.container);
    Image {
        running: status.and_then(|status| digest(&status.image_id)).map(str::to_owned),
        container: image.container.into_owned(),
        written: image.image.map(std::borrow::Cow::into_owned),
        field: image.field,
        pull_policy: image.pull_policy,
    }
}

/// The digest of a manifest in what a kubelet says runs: `docker.io/library/nginx@sha256:…`, with
/// `docker-pullable://` before it where it is Docker. A bare `sha256:…` is that of an image's
/// configuration, which no registry knows.
fn digest(image_id: &str) -> Option<&str> {
    image_id.rsplit_once('@').map(|(_, digest)| digest).filter(|digest| digest.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::{Object, Objects, Read, digest, read};
    use crate::cluster::Item;

    #[test]
    fn a_digest_is_that_of_a_manifest() {
        for (image_id, expected) in [
            ("docker.io/library/nginx@sha256:ab", Some("sha256:ab")),
            ("docker-pullable://quay.io:1/a@sha256:cd", Some("sha256:cd")),
            ("sha256:ef", None),
            ("", None),
        ] {
            assert_eq!(digest(image_id), expected, "{image_id}");
        }
    }

    #[test]
    fn what_runs_nothing_is_left_out() {
        let kept = |kind, json: &str| match read(kind, &Item { version: "apps/v1", json }) {
            Read::Kept(_) => true,
            Read::LeftOut => false,
            Read::Unreadable(why) => panic!("{why}"),
        };
        let owned = r#""metadata":{"ownerReferences":[{"kind":"Deployment","name":"a","controller":true}]}"#;
        assert!(!kept("ReplicaSet", &format!(r#"{{{owned},"spec":{{"replicas":0}}}}"#)));
        assert!(kept("ReplicaSet", &format!(r#"{{{owned},"spec":{{"replicas":1}}}}"#)));
        assert!(kept("ReplicaSet", r#"{"metadata":{},"spec":{"replicas":0}}"#));
        assert!(!kept("Pod", r#"{"status":{"phase":"Succeeded"}}"#));
        assert!(kept("Pod", r#"{"status":{"phase":"Running"}}"#));
    }

    #[test]
    fn the_top_owner_is_found_through_the_ones_between() {
        let object = |kind, name: &str, owner: Option<(&str, &str)>| Object {
            kind,
            namespace: "n".to_owned(),
            name: name.to_owned(),
            labels: None,
            owner: owner.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            images: Vec::new(),
        };
        let objects = Objects {
            all: vec![
                object("Pod", "web-1-x", Some(("ReplicaSet", "web-1"))),
                object("ReplicaSet", "web-1", Some(("Deployment", "web"))),
                object("Pod", "alone", None),
                object("Pod", "lost", Some(("ReplicaSet", "unlisted"))),
                object("Job", "a", Some(("Job", "b"))),
                object("Job", "b", Some(("Job", "a"))),
            ],
            ..Objects::default()
        };
        let top: Vec<String> =
            objects.top_owners().into_iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        let expected = ["Deployment web", "Deployment web", "Pod alone", "ReplicaSet unlisted"];
        assert_eq!(top[..4], expected);
    }
}
