//! Why a request gets an error instead of a verdict: the words, the status and the label of each reason.
//!
//! Who refuses, and when, is decided where the request is read and judged.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use warp::reject::{InvalidHeader, MethodNotAllowed, Rejection};
use warp::reply::Response;

use imagegate_core::admission::BadReview;
use imagegate_core::policy::printable;

/// Why a request gets no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is not an admission review that can be answered.
    #[error("{0}")]
    BadReview(#[from] BadReview),
    /// The body broke off.
    #[error("the body could not be read to its end")]
    BodyBrokenOff,
    /// The body did not come in time.
    #[error("the body took too long")]
    BodyTooSlow,
    /// The body is larger than the limit, in bytes.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// The body is encoded or not JSON.
    #[error("the body must be plain `application/json`")]
    NotJson,
    /// The target names another host, or everything, and no path.
    #[error("the target of a request must be a path, such as `/validate`")]
    NotAPath,
    /// No such path.
    #[error("there is nothing at this path")]
    NotFound,
    /// Another method than the path serves.
    #[error("this path does not serve this method")]
    MethodNotAllowed,
    /// The path pins an override that the policy does not have.
    #[error("the policy has no override named `{0}`")]
    UnknownOverride(String),
    /// The query of the operator port has a field or a value that nobody knows.
    #[error("the query is not understood; it may have {0}")]
    BadQuery(&'static str),
    /// The operator port was asked under a name that is not this machine's own.
    #[error("this port answers to `localhost` alone")]
    ForeignHost,
    /// Too much at once.
    #[error("too many requests at once")]
    Overload,
    /// There is no valid policy yet.
    #[error("there is no valid policy yet")]
    NoPolicy,
    /// The handler panicked.
    #[error("internal error")]
    Panic,
}

impl Refusal {
    /// [`Refusal::UnknownOverride`], with a name that can be shown.
    #[must_use]
    pub fn unknown_override(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        Self::UnknownOverride(printable(&name).into_owned())
    }

    /// Every value of the label `reason` of `imagegate_admission_errors_total`.
    pub const REASONS: [&str; 8] = [
        "body-read",
        "body-too-large",
        "malformed-review",
        "no-policy",
        "not-served",
        "overload",
        "panic",
        "unknown-override",
    ];

    /// The label by which it is counted, one of [`Refusal::REASONS`].
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadReview(_) => "malformed-review",
            Self::BodyBrokenOff | Self::BodyTooSlow => "body-read",
            Self::BodyTooLarge(_) => "body-too-large",
            Self::BadQuery(_)
            | Self::ForeignHost
            | Self::MethodNotAllowed
            | Self::NotAPath
            | Self::NotFound
            | Self::NotJson => "not-served",
            Self::UnknownOverride(_) => "unknown-override",
            Self::Overload => "overload",
            Self::NoPolicy => "no-policy",
            Self::Panic => "panic",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadQuery(_) | Self::BadReview(_) | Self::BodyBrokenOff | Self::NotAPath => {
                StatusCode::BAD_REQUEST
            }
            Self::ForeignHost => StatusCode::FORBIDDEN,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound | Self::UnknownOverride(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Overload | Self::NoPolicy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer: `{"error": …}`, which is a `metav1.Status` too, so that the API server repeats
    /// the message to its user. Overload alone asks to be tried again, which the API server does
    /// within the webhook's timeout.
    #[must_use]
    pub fn into_response(self) -> Response {
        let message = self.to_string();
        let body = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": self.status().as_u16(),
            "message": message,
            "error": message,
        });
        let body = body.to_string();
        let mut response = json(self.status(), body.into_bytes());
        if self == Self::Overload {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<&Rejection> for Refusal {
    /// What warp's filters turn away: another method, no such path, or a header that is no text, of
    /// which those of the body alone are read.
    fn from(rejection: &Rejection) -> Self {
        if rejection.find::<MethodNotAllowed>().is_some() {
            Self::MethodNotAllowed
        } else if rejection.find::<InvalidHeader>().is_some() {
            Self::NotJson
        } else {
            Self::NotFound
        }
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Refusal;
    use imagegate_core::admission::BadReview;

    #[test]
    fn every_reason_is_counted_and_none_is_left_over() {
        let refusals = [
            Refusal::BadReview(BadReview::NoUid),
            Refusal::BodyBrokenOff,
            Refusal::BodyTooLarge(1),
            Refusal::MethodNotAllowed,
            Refusal::UnknownOverride(String::new()),
            Refusal::Overload,
            Refusal::NoPolicy,
            Refusal::Panic,
        ];
        let reasons: BTreeSet<_> = refusals.iter().map(Refusal::reason).collect();
        assert_eq!(reasons, BTreeSet::from(Refusal::REASONS));
    }
}
