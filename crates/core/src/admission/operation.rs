//! The closed sets of an admission review.

/// The supported versions of `admission.k8s.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// `admission.k8s.io/v1`
    V1,
    /// `admission.k8s.io/v1beta1`
    V1Beta1,
}

/// What is being done to the object. The set is closed: any other value makes the review malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `CONNECT`
    Connect,
    /// `CREATE`
    Create,
    /// `DELETE`
    Delete,
    /// `UPDATE`
    Update,
}

impl ApiVersion {
    /// The version that a review names, if it is supported.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::V1, Self::V1Beta1].into_iter().find(|version| version.as_str() == text)
    }

    /// The text of the field `apiVersion`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1Beta1 => "admission.k8s.io/v1beta1",
        }
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 4] = [Self::Connect, Self::Create, Self::Delete, Self::Update];

    /// The operation of this name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == text)
    }

    /// The name used by Kubernetes, in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Update => "UPDATE",
        }
    }
}
