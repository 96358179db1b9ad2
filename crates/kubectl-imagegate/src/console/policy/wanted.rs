//! What a request asks for: which text, of what, and what was shown to whoever confirmed it.

use std::collections::BTreeMap;

use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY, Problem};
use serde::Deserialize;

use super::base::Base;
use crate::change::{data_of, promoted};
use crate::exempt::Terms;

/// `POST /api/policy/check`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::console) struct Check {
    pub(super) wanted: Wanted,
    /// Whether what becomes of the floor is to be said too, which has the API server try it out.
    #[serde(default)]
    pub(super) with_floor: bool,
}

/// `POST /api/policy/apply`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::console) struct Apply {
    pub(super) wanted: Wanted,
    /// The version of the ConfigMap that whoever confirmed it has seen.
    pub(super) resource_version: String,
    /// What was confirmed, as the check names it.
    pub(super) confirms: String,
    /// The hash by which somebody says that an edit is meant that refuses much.
    pub(super) confirm: Option<String>,
}

/// `POST /api/policy/exemption`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::console) struct Exemption {
    /// The policy's text that it is added to.
    pub(super) text: String,
    pub(super) image: String,
    pub(super) namespace: String,
    pub(super) terms: Terms,
}

/// What is to be in force.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wanted {
    /// This policy.
    Policy(String),
    /// This candidate beside it; none, where it is empty.
    Candidate(String),
    /// The candidate that is on trial.
    Promote,
    /// A policy before, by its position; 0 is the last one.
    Revision(usize),
}

impl Wanted {
    /// The keys of the ConfigMap then.
    ///
    /// # Errors
    /// Where that makes no sense, or the text cannot be read.
    pub(super) fn keys(&self, base: &Base) -> Result<BTreeMap<String, String>, Problem> {
        let before = base.data();
        match self {
            Self::Policy(text) => data_of(before, POLICY_KEY, text)
                .map_err(|problem| Problem::of_document(POLICY_KEY, problem)),
            Self::Candidate(text) => data_of(before, CANDIDATE_KEY, text)
                .map_err(|problem| Problem::of_document(CANDIDATE_KEY, problem)),
            Self::Promote => promoted(before)
                .ok_or_else(|| Problem::of_document(CANDIDATE_KEY, "there is no candidate")),
            Self::Revision(position) => base.revision(*position).ok_or_else(|| {
                Problem::of_document(POLICY_KEY, "this policy is no longer kept")
                    .with_hint("load the page again to see what is")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Apply, Check, Wanted};

    #[test]
    fn a_request_is_read_and_nothing_beside_it() {
        let check: Check = serde_json::from_str(r#"{"wanted":{"policy":"mode: warn"}}"#).unwrap();
        assert!(matches!(check.wanted, Wanted::Policy(text) if text == "mode: warn"));
        let apply: Apply = serde_json::from_str(
            r#"{"wanted":{"revision":0},"resourceVersion":"7","confirms":"a/-"}"#,
        )
        .unwrap();
        assert!(matches!(apply.wanted, Wanted::Revision(0)) && apply.confirm.is_none());
        assert!(serde_json::from_str::<Check>(r#"{"wanted":"promote"}"#).is_ok());
        for text in ["", "{}", "[]", r#"{"wanted":{"policy":1}}"#, r#"{"wanted":"promote","x":1}"#]
        {
            assert!(serde_json::from_str::<Check>(text).is_err(), "{text}");
        }
        let unconfirmed = r#"{"wanted":"promote","resourceVersion":"7"}"#;
        assert!(serde_json::from_str::<Apply>(unconfirmed).is_err());
    }
}
