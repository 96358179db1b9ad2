//! One distinct use of an image.

use std::borrow::Cow;
use std::fmt;

use crate::policy::{
    ContainerKind, KnownLabels, ObjectKind, PodLabels, PullPolicy, Subject, Workload,
};

/// An image in use: all that a policy may look at, who uses it, and how often.
///
/// What is distinct is up to whoever counts; two of these may differ in their counts alone.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// Where it is used.
    pub namespace: &'a str,
    /// The image as written.
    pub image: &'a str,
    /// Who asked for it, as the API server authenticated them; empty where that is not known.
    pub user: &'a str,
    /// The groups of that user, as far as a policy looks at them.
    pub groups: &'a [Cow<'a, str>],
    /// The object that asks for it, or that made the Pod.
    pub owner: Option<Owner<'a>>,
    /// Whether a Pod uses it, or the template of one.
    pub workload: Workload,
    /// The kind of object that has it. Of a template whose kind is not known, nothing.
    pub kind: ObjectKind<'a>,
    /// What is known of the labels of its Pods.
    pub labels: &'a KnownLabels<'a>,
    /// The kind of container.
    pub container: ContainerKind,
    /// When the node pulls it.
    pub pull_policy: PullPolicy,
    /// The name of the override that the path of the request pinned.
    pub pinned: Option<&'a str>,
    /// How many times it was used; 1 where it was only found.
    pub count: u64,
    /// When it was first used, in Unix seconds.
    pub first_seen: Option<i64>,
    /// When it was last used, in Unix seconds.
    pub last_seen: Option<i64>,
}

/// The object that uses an image. In the order of its kind, then of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner<'a> {
    /// `Deployment`
    pub kind: &'a str,
    /// `web`; empty where it has no name yet.
    pub name: &'a str,
}

impl<'a> Usage<'a> {
    /// A Pod's use of an image that was found once, in a container that always pulls it, without anything
    /// else being known.
    #[must_use]
    pub fn of_pod(namespace: &'a str, image: &'a str) -> Self {
        Self {
            namespace,
            image,
            user: "",
            groups: &[],
            owner: None,
            workload: Workload::Pod,
            kind: ObjectKind::default(),
            labels: KnownLabels::nothing(),
            container: ContainerKind::Regular,
            pull_policy: PullPolicy::Always,
            pinned: None,
            count: 1,
            first_seen: None,
            last_seen: None,
        }
    }

    /// Who a policy would judge at `now`, in Unix seconds; a selector of labels that are not known does not
    /// apply.
    #[must_use]
    pub fn subject(&self, now: i64) -> Subject<'a> {
        let Self { namespace, user, groups, workload, kind, pinned, .. } = *self;
        let labels = PodLabels::Some(self.labels, false);
        Subject { namespace, user, groups, workload, kind, labels, pinned, now }
    }

    /// How the container uses the image.
    #[must_use]
    pub fn form(&self) -> (ContainerKind, PullPolicy) {
        (self.container, self.pull_policy)
    }
}

impl fmt::Display for Owner<'_> {
    /// `Deployment web`, or `Deployment` where it has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        Ok(())
    }
}
