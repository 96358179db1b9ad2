//! Why a body gets no verdict.

use super::bounded::MOST_LISTED;

/// Why a body is not an admission review that can be answered. The message quotes nothing from the
/// body, so that it can be logged and sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReview {
    /// Not JSON, or a field of the wrong type, or a field given twice.
    #[error("the body is not an AdmissionReview: {reason} at line {line} column {column}")]
    Malformed {
        /// What the parser expected.
        reason: String,
        /// One-based line.
        line: usize,
        /// One-based column.
        column: usize,
    },
    /// `kind` is not `AdmissionReview`.
    #[error("the body is not an AdmissionReview: `kind` is not `AdmissionReview`")]
    WrongKind,
    /// `apiVersion` is not supported.
    #[error("`apiVersion` is neither `admission.k8s.io/v1` nor `admission.k8s.io/v1beta1`")]
    WrongVersion,
    /// There is no `request`.
    #[error("the AdmissionReview has no `request`")]
    NoRequest,
    /// `request.uid` is missing or empty, so that an answer could not refer to it.
    #[error("the request has no `uid`")]
    NoUid,
    /// `request.operation` is missing or unknown.
    #[error("the request's `operation` is none of CONNECT, CREATE, DELETE and UPDATE")]
    WrongOperation,
    /// There is no `request.kind`.
    #[error("the request has no `kind`")]
    NoKind,
    /// `request.kind` is unknown, and `request.resource` does not rule out that the object holds an
    /// image.
    #[error("the request's `kind` is not known, and its object may name images")]
    UnknownKind,
    /// A list in a manifest has more containers or image volumes than are read.
    #[error("the body has a list of more than {MOST_LISTED} containers or image volumes")]
    TooManyImages,
    /// `request.object` is missing although it has to be judged.
    #[error("the request has no `object`")]
    NoObject,
}

impl BadReview {
    /// Made from the parser's error, without what it quotes.
    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        // The parser quotes values in `…` or "…"; only its own words are kept.
        let reason = reason.split(['`', '"']).next().unwrap_or_default().trim();
        let reason = if reason.is_empty() { "unexpected content" } else { reason };
        Self::Malformed { reason: reason.to_owned(), line: error.line(), column: error.column() }
    }
}
