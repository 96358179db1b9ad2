//! Why a request gets an error instead of a verdict.

/// The closed set of the label `reason` of `imagegate_admission_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorReason {
    /// The body could not be read: the connection broke or it took too long.
    BodyRead,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is not an admission review.
    MalformedReview,
    /// There is no valid policy yet.
    NoPolicy,
    /// An unknown path, or the wrong method or content type.
    NotServed,
    /// Rejected because a limit was reached; the API server retries.
    Overload,
    /// The handler panicked.
    Panic,
    /// The path pins an override that the policy does not have.
    UnknownOverride,
}

impl ErrorReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::BodyRead,
        Self::BodyTooLarge,
        Self::MalformedReview,
        Self::NoPolicy,
        Self::NotServed,
        Self::Overload,
        Self::Panic,
        Self::UnknownOverride,
    ];

    /// The value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BodyRead => "body-read",
            Self::BodyTooLarge => "body-too-large",
            Self::MalformedReview => "malformed-review",
            Self::NoPolicy => "no-policy",
            Self::NotServed => "not-served",
            Self::Overload => "overload",
            Self::Panic => "panic",
            Self::UnknownOverride => "unknown-override",
        }
    }
}
