//! The built-in kinds that hold a pod spec, and where each holds it.

use serde::Deserialize;

use super::pod_spec::{self, Container, Images, Spec, Template};
use super::strict::Object;
use crate::policy::{ImageList, Workload};

/// A kind that names images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkloadKind {
    /// `spec.jobTemplate.spec.template.spec`
    CronJob,
    /// The body of `pods/ephemeralcontainers` before Kubernetes 1.23: its list is at the top.
    EphemeralContainers,
    /// `spec`
    Pod,
    /// `template.spec`
    PodTemplate,
    /// `spec.template.spec`: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job,
    /// ReplicationController.
    Templated,
}

impl WorkloadKind {
    /// The kind of that group and name. The version does not matter: the path to the pod spec has
    /// never changed.
    pub(super) fn of(group: &str, kind: &str) -> Option<Self> {
        Some(match (group, kind) {
            ("", "Pod") => Self::Pod,
            ("", "EphemeralContainers") => Self::EphemeralContainers,
            ("", "PodTemplate") => Self::PodTemplate,
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "DaemonSet")
            | ("apps", "StatefulSet")
            | ("batch", "Job") => Self::Templated,
            ("batch", "CronJob") => Self::CronJob,
            _ => return None,
        })
    }

    /// What the policy takes the images' owner for.
    pub(super) fn workload(self) -> Workload {
        match self {
            Self::Pod | Self::EphemeralContainers => Workload::Pod,
            Self::CronJob | Self::PodTemplate | Self::Templated => Workload::Template,
        }
    }

    /// Every image of an object of this kind, with its field path.
    pub(super) fn images(self, object: WorkloadObject<'_>) -> Images<'_> {
        let spec = || object.spec.map_or_else(Spec::default, |Object(spec)| spec);
        match self {
            Self::CronJob => {
                spec().job_template().template().images("spec.jobTemplate.spec.template.spec")
            }
            Self::EphemeralContainers => {
                let mut images = Images::new();
                let list = ImageList::EphemeralContainers;
                pod_spec::append(object.ephemeral_containers, "", list, &mut images);
                images
            }
            Self::Pod => spec().images("spec"),
            Self::PodTemplate => Template::into_spec(object.template).images("template.spec"),
            Self::Templated => spec().template().images("spec.template.spec"),
        }
    }
}

/// Any object, with every place where one of the kinds holds images.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkloadObject<'a> {
    #[serde(borrow)]
    spec: Option<Object<Spec<'a>>>,
    template: Option<Object<Template<'a>>>,
    ephemeral_containers: Option<Vec<Object<Container<'a>>>>,
}
