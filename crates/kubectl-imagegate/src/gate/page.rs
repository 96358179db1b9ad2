//! `/policy` of a replica, as this version and the ones before it write it.
//!
//! Every field may be missing: an older replica does not have it, and that is no fault.

use serde::Deserialize;
use serde_json::Value;

/// What a replica says of its policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicyPage {
    /// The hash of the policy in force; `None` before the first valid one.
    pub(crate) hash: Option<String>,
    pub(crate) generation: u64,
    pub(crate) applied_at: Option<String>,
    pub(crate) failing_since: Option<String>,
    pub(crate) missing_since: Option<String>,
    pub(crate) deleted_at: Option<String>,
    pub(crate) problems: Vec<String>,
    /// The normal form.
    pub(crate) policy: Option<Value>,
    pub(crate) candidate: Option<Candidate>,
    pub(crate) candidate_problems: Vec<String>,
    pub(crate) history: Vec<Edit>,
}

/// The policy on trial.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Candidate {
    pub(crate) hash: String,
    pub(crate) evaluated: u64,
    pub(crate) flipped_to_allow: u64,
    pub(crate) flipped_to_deny: u64,
}

/// One policy that was put in force.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Edit {
    pub(crate) generation: u64,
    pub(crate) hash: String,
    pub(crate) applied_at: String,
    pub(crate) changes: Vec<String>,
    pub(crate) left_out: usize,
    pub(crate) loosens: bool,
}

impl PolicyPage {
    /// `enforce`, `warn` or `audit`: the mode where no override applies.
    pub(crate) fn mode(&self) -> &str {
        let mode = self.policy.as_ref().and_then(|policy| policy.get("mode")?.as_str());
        mode.unwrap_or("enforce")
    }
}

#[cfg(test)]
mod tests {
    use super::PolicyPage;

    #[test]
    fn a_page_of_another_version_is_read_as_far_as_it_goes() {
        let page: PolicyPage =
            serde_json::from_str(r#"{"hash":"8a8df72b731a","new":1,"policy":{"mode":"warn"}}"#)
                .unwrap();
        assert_eq!((page.hash.as_deref(), page.mode()), (Some("8a8df72b731a"), "warn"));
        assert_eq!((page.generation, page.history.len()), (0, 0));
    }
}
