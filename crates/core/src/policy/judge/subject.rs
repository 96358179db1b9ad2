//! What a policy judges: an image with its place, and who asks for it where.

use std::borrow::Cow;
use std::fmt;

/// Who asks, where, and when: all that a policy may look at besides the images.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The namespace of the request; empty for a cluster-wide object.
    pub namespace: &'a str,
    /// The user's name as the API server authenticated it.
    pub user: &'a str,
    /// The user's groups.
    pub groups: &'a [Cow<'a, str>],
    /// What the images belong to.
    pub workload: Workload,
    /// The name of the override that the request's path pins, if any.
    pub pinned: Option<&'a str>,
    /// Seconds since the Unix epoch, for exemptions that expire.
    pub now: i64,
}

/// What an image belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// A Pod itself: always judged by the policy's `mode`.
    Pod,
    /// A pod template of a workload object: judged by the policy's `templates`.
    Template,
}

/// One image of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage<'a> {
    /// The container's name, or the volume's for an image volume.
    pub container: Cow<'a, str>,
    /// The image as written; `None` where the object leaves it out, which is denied.
    pub image: Option<Cow<'a, str>>,
    /// Where it stands in the object.
    pub field: Field,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
