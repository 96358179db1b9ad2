//! What a policy judges: an image with its place, and who asks for it where.

use std::borrow::Cow;
use std::fmt;

use crate::policy::judge::labels::PodLabels;
use crate::policy::judge::pull::PullPolicy;

/// Who asks, where, and when: all that a policy may look at besides the images. By default, nobody asks
/// for a Pod in no namespace, at the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The namespace of the request; empty for a cluster-wide object.
    pub namespace: &'a str,
    /// The user's name as the API server authenticated it.
    pub user: &'a str,
    /// The user's groups.
    pub groups: &'a [Cow<'a, str>],
    /// What the images belong to.
    pub workload: Workload,
    /// The kind of object that has the images.
    pub kind: ObjectKind<'a>,
    /// The labels of the Pod, or those that the template gives its Pods.
    pub labels: PodLabels<'a>,
    /// The name of the override that the request's path pins, if any.
    pub pinned: Option<&'a str>,
    /// Seconds since the Unix epoch, for exemptions that expire.
    pub now: i64,
}

/// What an image belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workload {
    /// A Pod itself: always judged by the policy's `mode`.
    #[default]
    Pod,
    /// A pod template of a workload object: judged by the policy's `templates`.
    Template,
}

/// A kind of object, whatever its version. By default, a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKind<'a> {
    /// `apps`; empty for the core group.
    pub group: &'a str,
    /// `Deployment`
    pub kind: &'a str,
}

/// The built-in kinds that are judged, each with its group.
pub(in crate::policy) const BUILT_IN_KINDS: [(&str, &str); 12] = [
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    // Where they were before they were in `apps`.
    ("extensions", "DaemonSet"),
    ("extensions", "Deployment"),
    ("extensions", "ReplicaSet"),
];

/// The kinds of containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// `regular`: of `containers`.
    #[default]
    Regular,
    /// `init`: of `initContainers`, sidecars included.
    Init,
    /// `ephemeral`: of `ephemeralContainers`, for debugging.
    Ephemeral,
    /// `image-volume`: an image that is mounted, and not run.
    ImageVolume,
}

/// One image of a request. By default, none, in the first container of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerImage<'a> {
    /// The container's name, or the volume's for an image volume.
    pub container: Cow<'a, str>,
    /// The image as written; `None` where the object leaves it out, which is denied.
    pub image: Option<Cow<'a, str>>,
    /// Where it stands in the object.
    pub field: Field,
    /// When the node pulls it.
    pub pull_policy: PullPolicy,
}

/// What a request holds where images are expected, and nobody reads. It is not judged but refused, as
/// an image that is not a reference is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The place of the first of it.
    pub first: Field,
    /// How many entries there are.
    pub count: usize,
    /// Why nobody reads it.
    pub why: WhyUnread,
}

/// Why a part of a request is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyUnread {
    /// The entries of one list are beyond those that are read.
    LongList,
    /// Where a policy says that a pod spec is, there is something else: the SHA-256 of its JSON.
    NoPodSpec([u8; 32]),
    /// The pod specs of one object are more, or have more images, than are read.
    ManyImages,
    /// The labels of the Pods are more than are read, and a policy goes by some.
    ManyLabels,
}

/// A field path such as `spec.containers[0].image`, rendered only when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The path to the pod spec: `spec`, `spec.template.spec`, …
    pub pod_spec: Cow<'static, str>,
    /// The list inside the pod spec.
    pub list: ImageList,
    /// The position in that list, from 0.
    pub index: usize,
}

/// The lists of a pod spec that hold images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageList {
    /// `containers`
    Containers,
    /// `ephemeralContainers`
    EphemeralContainers,
    /// `initContainers`
    InitContainers,
    /// `volumes`, of which only image volumes hold a reference
    Volumes,
    /// None of them: the pod spec as a whole
    Whole,
}

impl<'a> ObjectKind<'a> {
    /// From what a policy writes: `apps/Deployment`, and `Pod` of the core group.
    #[must_use]
    pub fn of(written: &'a str) -> Self {
        let (group, kind) = written.rsplit_once('/').unwrap_or(("", written));
        Self { group, kind }
    }
}

impl fmt::Display for ObjectKind<'_> {
    /// As a policy writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, kind } = self;
        match *group {
            "" => f.write_str(kind),
            group => write!(f, "{group}/{kind}"),
        }
    }
}

impl Default for ObjectKind<'_> {
    fn default() -> Self {
        Self { group: "", kind: "Pod" }
    }
}

impl ContainerKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Regular, Self::Init, Self::Ephemeral, Self::ImageVolume];

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name that a policy uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Init => "init",
            Self::Ephemeral => "ephemeral",
            Self::ImageVolume => "image-volume",
        }
    }

    /// The list that has them.
    #[must_use]
    pub fn list(self) -> ImageList {
        match self {
            Self::Regular => ImageList::Containers,
            Self::Init => ImageList::InitContainers,
            Self::Ephemeral => ImageList::EphemeralContainers,
            Self::ImageVolume => ImageList::Volumes,
        }
    }
}

impl ImageList {
    /// The kind of containers that it has.
    #[must_use]
    pub fn containers(self) -> ContainerKind {
        match self {
            Self::Containers | Self::Whole => ContainerKind::Regular,
            Self::InitContainers => ContainerKind::Init,
            Self::EphemeralContainers => ContainerKind::Ephemeral,
            Self::Volumes => ContainerKind::ImageVolume,
        }
    }
}

impl Default for Field {
    /// The first container of a Pod.
    fn default() -> Self {
        Self { pod_spec: Cow::Borrowed("spec"), list: ImageList::Containers, index: 0 }
    }
}

impl Field {
    /// The path of the list: `spec.containers`.
    pub(in crate::policy) fn list(&self) -> String {
        List(self).to_string()
    }

    /// The path of the container or volume: `spec.containers[0]`.
    pub(in crate::policy) fn entry(&self) -> String {
        if self.list == ImageList::Whole {
            return self.pod_spec.to_string();
        }
        format!("{}[{}]", List(self), self.index)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = match self.list {
            ImageList::Whole => return f.write_str(&self.pod_spec),
            ImageList::Volumes => "image.reference",
            _ => "image",
        };
        write!(f, "{}[{}].{leaf}", List(self), self.index)
    }
}

/// The path of the list that a field is in.
struct List<'f>(&'f Field);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Field { pod_spec, list, .. }) = self;
        if !pod_spec.is_empty() {
            write!(f, "{pod_spec}.")?;
        }
        f.write_str(match list {
            ImageList::Containers => "containers",
            ImageList::EphemeralContainers => "ephemeralContainers",
            ImageList::InitContainers => "initContainers",
            ImageList::Volumes => "volumes",
            ImageList::Whole => "",
        })
    }
}
