//! What the two guards share: the answer to an edit of the policy or of a namespace.

use serde_json::json;

use super::operation::ApiVersion;
use super::warning::one_line;

/// The longest message of a refused edit, in bytes.
const LONGEST_MESSAGE: usize = 2048;
/// The most warnings of one answer.
pub(super) const MOST_WARNINGS: usize = 20;

/// The outcome of an edit, with the text for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// Accepted; kubectl prints the warnings.
    Accepted(Vec<String>),
    /// Refused, with the reason.
    Refused(String),
}

impl Guarded {
    /// Renders the answer.
    pub(super) fn render(&self, version: ApiVersion, uid: &str) -> Vec<u8> {
        let response = match self {
            Self::Accepted(warnings) if warnings.is_empty() => {
                json!({ "uid": uid, "allowed": true })
            }
            Self::Accepted(warnings) => {
                let warnings: Vec<String> =
                    warnings.iter().take(MOST_WARNINGS).map(|text| one_line(text)).collect();
                json!({ "uid": uid, "allowed": true, "warnings": warnings })
            }
            Self::Refused(why) => json!({
                "uid": uid,
                "allowed": false,
                "status": {
                    "status": "Failure",
                    "reason": "Forbidden",
                    "code": 403,
                    "message": why.get(..why.floor_char_boundary(LONGEST_MESSAGE)),
                },
            }),
        };
        let review = json!({
            "apiVersion": version.as_str(),
            "kind": "AdmissionReview",
            "response": response,
        });
        review.to_string().into_bytes()
    }
}
