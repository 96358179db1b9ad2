//! What the two guards have in common: the answer to an edit of the policy or of a namespace.

use serde_json::json;

use super::operation::ApiVersion;

/// Bytes of the message of a refused edit.
const LONGEST_MESSAGE: usize = 2048;
/// Warnings that kubectl prints.
const MOST_WARNINGS: usize = 20;
/// Characters of one warning, as the API documentation asks.
const LONGEST_WARNING: usize = 120;

/// What becomes of an edit, with the words for its author.
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

/// A warning is one line of at most 120 characters.
fn one_line(text: &str) -> String {
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let mut characters = text.chars().map(printable);
    let mut line: String = characters.by_ref().take(LONGEST_WARNING - 1).collect();
    let rest: String = characters.take(2).collect();
    line.push_str(if rest.chars().count() > 1 { "…" } else { &rest });
    line
}
