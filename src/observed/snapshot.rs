//! What a reader gets of the memory: all of it at one moment, sharing its texts with it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::telemetry::ImageDecision;
use imagegate_core::policy::{ContainerKind, KnownLabels, ObjectKind, PullPolicy, Rule, Workload};
use imagegate_core::usage::{Owner, Usage};

/// The images that were remembered at one moment, in no order.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Distinct images by namespace and user.
    pub images: Vec<SeenImage>,
    /// How many were forgotten to make room for others.
    pub evicted: u64,
    /// How many were not noted at all.
    pub lost: u64,
}

/// One image, as one user asked for it in one namespace.
#[derive(Clone, Debug)]
pub struct SeenImage {
    /// Empty for a cluster-wide object.
    pub namespace: Arc<str>,
    /// As written.
    pub image: Arc<str>,
    /// Who asked, and for what kind of object.
    pub circumstances: Arc<Circumstances>,
    /// Kind and name of the controller that owns the last object with it, or of that object:
    /// `ReplicaSet/web-7d`. Without a slash where it had no name yet.
    pub owner: Arc<str>,
    /// Whether it was a Pod or a template.
    pub workload: Workload,
    /// The kind of container.
    pub container: ContainerKind,
    /// When the node pulls it.
    pub pull_policy: PullPolicy,
    /// Requests that were more than dry runs.
    pub count: u64,
    /// Dry runs.
    pub dry_runs: u64,
    /// Seconds since the Unix epoch.
    pub first_seen: i64,
    /// Seconds since the Unix epoch.
    pub last_seen: i64,
    /// What was decided last.
    pub decision: ImageDecision,
    /// The rule that it broke then.
    pub rule: Option<Rule>,
}

/// Who asks for what kind of object: all that a policy looks at beside the namespace, the image and how its
/// container uses it.
#[derive(Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The user's name.
    pub user: Box<str>,
    /// The groups at the last request, at most 2,048 bytes of them.
    pub groups: Box<[Cow<'static, str>]>,
    /// The override that the path of the request pinned.
    pub pinned: Option<Box<str>>,
    /// The kind of object, as a policy writes it; empty for a Pod.
    pub kind: Box<str>,
    /// What the Pods have of the labels that a policy selected by.
    pub labels: KnownLabels<'static>,
}

impl Snapshot {
    /// The images that a policy judges, without those that only dry runs named.
    pub fn usages(&self) -> impl Iterator<Item = Usage<'_>> + Clone {
        self.images.iter().filter(|image| image.count > 0).map(SeenImage::usage)
    }
}

impl SeenImage {
    /// As what policies are compared by.
    #[must_use]
    pub fn usage(&self) -> Usage<'_> {
        let Circumstances { user, groups, pinned, kind: _, labels } = &*self.circumstances;
        Usage {
            namespace: &self.namespace,
            image: &self.image,
            user,
            groups,
            owner: Some(self.owner()),
            workload: self.workload,
            kind: self.object_kind(),
            labels,
            container: self.container,
            pull_policy: self.pull_policy,
            pinned: pinned.as_deref(),
            count: self.count,
            first_seen: Some(self.first_seen),
            last_seen: Some(self.last_seen),
        }
    }

    /// The kind of object that has it.
    #[must_use]
    pub fn object_kind(&self) -> ObjectKind<'_> {
        match self.workload {
            Workload::Pod => ObjectKind::default(),
            Workload::Template => ObjectKind::of(&self.circumstances.kind),
        }
    }

    /// What tells it from others of the same namespace, image and user.
    pub(crate) fn of_alike(&self) -> impl Ord + '_ {
        let Circumstances { pinned, kind, labels, .. } = &*self.circumstances;
        let is_template = self.workload == Workload::Template;
        (is_template, pinned, self.container, self.pull_policy, kind, labels)
    }

    /// The owner's kind and name.
    #[must_use]
    pub fn owner(&self) -> Owner<'_> {
        let (kind, name) = self.owner.split_once('/').unwrap_or((&self.owner, ""));
        Owner { kind, name }
    }
}

/// Serialises seconds since the Unix epoch.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(super) fn as_rfc3339<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    rfc3339(*at).serialize(serializer)
}

/// A time in seconds since the Unix epoch as text; empty where no calendar has it.
pub(crate) fn rfc3339(at: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}
