//! `/policy` of a replica, as this version and the ones before it write it.
//!
//! Every field may be missing: an older replica does not have it, and that is no fault. Texts are made
//! printable when they are read, so that no replica writes to a terminal; the policy itself is compiled
//! before anything of it is shown.

use imagegate_core::policy::printable;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a replica says of its policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PolicyPage {
    /// The hash of the policy in force; `None` before the first valid one.
    #[serde(deserialize_with = "shown_if_any")]
    pub(crate) hash: Option<String>,
    pub(crate) generation: u64,
    #[serde(deserialize_with = "shown_if_any")]
    pub(crate) applied_at: Option<String>,
    #[serde(deserialize_with = "shown_if_any")]
    pub(crate) failing_since: Option<String>,
    #[serde(deserialize_with = "shown_if_any")]
    pub(crate) missing_since: Option<String>,
    #[serde(deserialize_with = "shown_if_any")]
    pub(crate) deleted_at: Option<String>,
    #[serde(deserialize_with = "all_shown")]
    pub(crate) problems: Vec<String>,
    /// The normal form.
    pub(crate) policy: Option<Value>,
    pub(crate) candidate: Option<Candidate>,
    #[serde(deserialize_with = "all_shown")]
    pub(crate) candidate_problems: Vec<String>,
    pub(crate) history: Vec<Edit>,
}

/// The policy on trial.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Candidate {
    #[serde(deserialize_with = "shown")]
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
    #[serde(deserialize_with = "shown")]
    pub(crate) hash: String,
    #[serde(deserialize_with = "shown")]
    pub(crate) applied_at: String,
    #[serde(deserialize_with = "all_shown")]
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

fn shown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| printable(&text).into_owned())
}

fn shown_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| printable(&text).into_owned()))
}

fn all_shown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.iter().map(|text| lines_shown(text)).collect())
}

/// A problem has its hint in a line of its own.
fn lines_shown(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
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

    #[test]
    fn no_text_of_a_page_reaches_a_terminal_raw() {
        let escape = r"a\u001b[31m\u202e";
        let page = format!(
            r#"{{"hash":"{escape}","appliedAt":"{escape}","failingSince":"{escape}","missingSince":"{escape}",
            "deletedAt":"{escape}","problems":["{escape}\n  hint: {escape}"],"candidateProblems":["{escape}"],
            "candidate":{{"hash":"{escape}"}},
            "history":[{{"hash":"{escape}","appliedAt":"{escape}","changes":["{escape}"]}}]}}"#
        );
        let page: PolicyPage = serde_json::from_str(&page).unwrap();
        let shown = format!("{page:#?}");
        // As `{:?}` writes the backslash of an escape that was made printable.
        assert_eq!(shown.matches(r"a\\u{1b}[31m\\u{202e}").count(), 12, "{shown}");
        assert!(page.problems.iter().all(|problem| problem.lines().count() == 2), "{shown}");
    }
}
