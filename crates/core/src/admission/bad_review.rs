//! Why a body cannot be answered.

/// Why a body is not an admission review that can be answered. No text of the body is in the
/// message, so that it can be logged and sent as it is.
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
    /// Arrays and objects inside each other beyond 128 levels.
    #[error("the body is nested more than 128 levels deep")]
    TooDeep,
    /// `kind` is something else.
    #[error("the body is not an AdmissionReview: `kind` is not `AdmissionReview`")]
    WrongKind,
    /// `apiVersion` is something else.
    #[error("`apiVersion` is neither `admission.k8s.io/v1` nor `admission.k8s.io/v1beta1`")]
    WrongVersion,
    /// There is no `request`.
    #[error("the AdmissionReview has no `request`")]
    NoRequest,
    /// There is no `request.uid`, or it is empty: an answer could not name it.
    #[error("the request has no `uid`")]
    NoUid,
    /// `request.operation` is something else.
    #[error("the request's `operation` is none of CONNECT, CREATE, DELETE and UPDATE")]
    WrongOperation,
    /// There is no `request.object` where one is judged.
    #[error("the request has no `object`")]
    NoObject,
}

impl BadReview {
    /// From the parser's error, without the text that it quotes.
    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        // The parser quotes values in `…` or "…"; only its own words are kept.
        let reason = reason.split(['`', '"']).next().unwrap_or_default().trim();
        let reason = if reason.is_empty() { "unexpected content" } else { reason };
        Self::Malformed { reason: reason.to_owned(), line: error.line(), column: error.column() }
    }
}
