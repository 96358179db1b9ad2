//! When a node pulls an image, and what a policy wants of that.
//!
//! A node that has an image already starts it without asking its registry, unless the pull policy says
//! otherwise. So a Pod can run what another tenant pulled, without the right to pull it.
//!
//! Source: <https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy>.

use crate::image::Reference;

/// When a node pulls an image: `imagePullPolicy` of a container, `pullPolicy` of an image volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PullPolicy {
    /// `Always`: whenever a container is started.
    Always,
    /// `IfNotPresent`: where the node does not have it.
    IfNotPresent,
    /// `Never`
    Never,
    /// Left out. The API server fills it in before a webhook is asked; manifests, and the templates of
    /// custom resources, leave it out.
    #[default]
    Unset,
    /// Anything else, which no API server accepts for a Pod.
    Unknown,
}

/// Which images a policy wants to be pulled whenever a container is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum PullRule {
    /// All of them.
    Always,
    /// Those that are not pinned by digest. What a digest names is the same from wherever it comes.
    ForMutableTags,
    /// None.
    Any,
}

impl PullPolicy {
    /// Those that an object may have.
    pub const WRITTEN: [Self; 3] = [Self::Always, Self::IfNotPresent, Self::Never];

    /// From what is written in an object.
    #[must_use]
    pub fn of(written: &str) -> Self {
        match written {
            "Always" => Self::Always,
            "IfNotPresent" => Self::IfNotPresent,
            "Never" => Self::Never,
            "" => Self::Unset,
            _ => Self::Unknown,
        }
    }

    /// What it is for this image: where it is left out, what the API server fills in.
    pub(in crate::policy) fn filled_in(self, reference: &Reference<'_>) -> Self {
        match self {
            Self::Unset if reference.judged_tag() == Some("latest") => Self::Always,
            Self::Unset => Self::IfNotPresent,
            other => other,
        }
    }

    /// As it is written in an object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
            Self::Unset => "",
            Self::Unknown => "unknown",
        }
    }
}

impl PullRule {
    /// Whether an image breaks it.
    pub(in crate::policy) fn is_broken_by(
        self,
        reference: &Reference<'_>,
        pull_policy: PullPolicy,
    ) -> bool {
        match self {
            Self::Any => false,
            Self::ForMutableTags if reference.digest().is_some() => false,
            Self::Always | Self::ForMutableTags => {
                pull_policy.filled_in(reference) != PullPolicy::Always
            }
        }
    }
}
