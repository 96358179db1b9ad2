//! The built-in kinds that hold a pod spec, and where each holds it.

use std::borrow::Cow;

use serde::Deserialize;

use super::owner::Owned;
use super::pod_spec::{FurtherContainers, Images, PodSpec, Spec, Template};
use super::strict::Object;
use crate::policy::{ImageList, Workload};

/// A kind that names images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkloadKind {
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
    pub(crate) fn of(group: &str, kind: &str) -> Option<Self> {
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

    /// Whether objects of that resource are of one of these kinds.
    pub(super) fn has_resource(group: &str, resource: &str) -> bool {
        matches!(
            (group, resource),
            ("", "pods" | "podtemplates" | "replicationcontrollers")
                | ("apps" | "extensions", "deployments" | "replicasets" | "daemonsets")
                | ("apps", "statefulsets")
                | ("batch", "jobs" | "cronjobs")
        )
    }

    /// What the policy takes the images' owner for.
    pub(crate) fn workload(self) -> Workload {
        match self {
            Self::Pod | Self::EphemeralContainers => Workload::Pod,
            Self::CronJob | Self::PodTemplate | Self::Templated => Workload::Template,
        }
    }

    /// The path to the pod spec; empty where its only list is at the top.
    pub(crate) fn pod_spec(self) -> &'static str {
        match self {
            Self::CronJob => "spec.jobTemplate.spec.template.spec",
            Self::EphemeralContainers => "",
            Self::Pod => "spec",
            Self::PodTemplate => "template.spec",
            Self::Templated => "spec.template.spec",
        }
    }

    /// The path to the labels of its Pods.
    pub(super) fn labels_path(self) -> &'static str {
        match self {
            Self::CronJob => "spec.jobTemplate.spec.template.metadata.labels",
            Self::EphemeralContainers | Self::Pod => "metadata.labels",
            Self::PodTemplate => "template.metadata.labels",
            Self::Templated => "spec.template.metadata.labels",
        }
    }

    /// Every image of an object of this kind, with its field path.
    pub(super) fn images(self, object: WorkloadObject<'_>) -> Images<'_> {
        let spec = || object.spec.map_or_else(Spec::default, |Object(spec)| spec);
        let at = &Cow::Borrowed(self.pod_spec());
        match self {
            Self::CronJob => spec().job_template().images(at),
            Self::EphemeralContainers => {
                let mut images = Images::default();
                let containers = object.ephemeral_containers;
                images.append(containers, at, ImageList::EphemeralContainers);
                images
            }
            Self::Pod => spec().into_pod_spec().images(at),
            Self::PodTemplate => Template::into_spec(object.template).images(at),
            Self::Templated => spec().template().images(at),
        }
    }
}

impl<'a> WorkloadObject<'a> {
    /// Takes the kind and the name of the controller that owns it.
    pub(super) fn take_controller(&mut self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        self.metadata.take()?.0.into_controller()
    }

    /// Whether it names an image wherever one of the kinds does.
    pub(super) fn names_images(self) -> bool {
        let spec = self.spec.map_or_else(Spec::default, |Object(spec)| spec);
        let containers = self.ephemeral_containers.unwrap_or_default();
        let template: PodSpec<'_> = Template::into_spec(self.template);
        let mut pod_specs = spec.into_pod_specs().into_iter().chain([template]);
        !containers.listed.is_empty()
            || pod_specs.any(|pod_spec| !pod_spec.images(&"".into()).is_empty())
    }
}

/// Any object, with every place where one of the kinds holds images.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkloadObject<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Owned<'a>>>,
    spec: Option<Object<Spec<'a>>>,
    template: Option<Object<Template<PodSpec<'a>>>>,
    ephemeral_containers: Option<FurtherContainers<'a>>,
}
