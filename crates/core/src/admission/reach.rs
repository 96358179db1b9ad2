//! Whether a request can bring an image into the cluster, and as what kind its object is read.
//!
//! The API server names both the kind and the resource of each request. An object is accepted
//! unread only if the two agree that it holds no image; in case of doubt it is read.

use super::bad_review::BadReview;
use super::envelope::Request;
use super::operation::Operation;
use super::workload::WorkloadKind;
use crate::policy::{PodSpecPath, Workloads};

/// What to do with the object of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach<'w> {
    /// It cannot change an image, or its resource is one in which ImageGate knows no image: a
    /// ConfigMap, a custom resource that the policy does not name.
    NoImages,
    /// Its kind is not known to hold images, but its resource does not rule them out, as with the
    /// Scale of a Deployment. It is refused if it names images nevertheless.
    Doubtful,
    /// It is judged as this kind.
    Judged(WorkloadKind),
    /// It is judged as a template, whose pod specs are at these paths.
    Named(&'w [PodSpecPath]),
}

impl<'w> Reach<'w> {
    /// The reach of a request, where a policy names these workloads beside the built-in ones.
    ///
    /// # Errors
    /// When the request does not name its kind, or names the resource of a workload and a kind that
    /// is not one.
    pub(super) fn of<O>(
        operation: Operation,
        request: &Request<'_, O>,
        workloads: &'w Workloads,
    ) -> Result<Self, BadReview> {
        let is_written = matches!(operation, Operation::Create | Operation::Update);
        let sub_resource = request.sub_resource.as_deref().unwrap_or_default();
        if !is_written || matches!(sub_resource, "status" | "resize") {
            return Ok(Self::NoImages);
        }
        let kind = request.kind.as_deref();
        let name = kind.and_then(|kind| kind.kind.as_deref()).unwrap_or_default();
        if name.is_empty() {
            return Err(BadReview::NoKind);
        }
        let group = kind.and_then(|kind| kind.group.as_deref()).unwrap_or_default();
        if let Some(kind) = WorkloadKind::of(group, name) {
            return Ok(Self::Judged(kind));
        }
        let pod_specs = workloads.pod_specs(group, name);
        if !pod_specs.is_empty() {
            return Ok(Self::Named(pod_specs));
        }
        let resource = request.resource.as_deref();
        let group = resource.and_then(|resource| resource.group.as_deref()).unwrap_or_default();
        match resource.and_then(|resource| resource.resource.as_deref()).unwrap_or_default() {
            "" => Ok(Self::Doubtful),
            resource if !WorkloadKind::has_resource(group, resource) => Ok(Self::NoImages),
            _ if matches!(sub_resource, "" | "ephemeralcontainers") => Err(BadReview::UnknownKind),
            _ => Ok(Self::Doubtful),
        }
    }
}
