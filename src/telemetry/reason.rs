//! Why a request gets an error in place of a verdict.

/// The closed set of the label `reason` of `imagegate_admission_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorReason {
    /// The body could not be read: it broke off or took too long.
    BodyRead,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body is not an admission review.
    MalformedReview,
    /// There is no valid policy yet.
    NoPolicy,
    /// A method, path or content type that is not served.
    NotServed,
    /// Turned away by a limit; the API server asks again.
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
