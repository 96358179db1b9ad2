//! Who may set the label that takes a namespace out of the webhook's reach.
//!
//! The label is part of the contract, so a namespace's admin could exempt himself; this list is
//! what the guard on namespaces asks.

use std::borrow::Cow;

use crate::policy::full::shorten;
use crate::policy::pattern::{BadPattern, check_name_glob, check_user_glob};
use crate::policy::pattern_index::PatternIndex;
use crate::policy::problem::Report;
use crate::policy::source::{RawOptOut, Text};

/// The group that may opt a namespace out where the policy does not say.
const DEFAULT_GROUP: &str = "system:masters";

/// The users and groups that may set or remove the opt-out label.
#[derive(Debug)]
pub struct OptOut {
    users: PatternIndex,
    groups: PatternIndex,
    pub(super) written_users: Vec<String>,
    pub(super) written_groups: Vec<String>,
}

impl OptOut {
    pub(super) fn compile(raw: Option<&RawOptOut<'_>>, report: &mut Report) -> Self {
        let mut opt_out = Self {
            users: PatternIndex::default(),
            groups: PatternIndex::default(),
            written_users: Vec::new(),
            written_groups: Vec::new(),
        };
        let raw = raw.cloned().unwrap_or_default();
        for item in checked(raw.users.unwrap_or_default(), check_user_glob, report) {
            opt_out.users.insert(&item, opt_out.written_users.len());
            opt_out.written_users.push(item);
        }
        let groups = match raw.groups {
            Some(groups) => checked(groups, check_name_glob, report),
            None => vec![DEFAULT_GROUP.to_owned()],
        };
        for item in groups {
            opt_out.groups.insert(&item, opt_out.written_groups.len());
            opt_out.written_groups.push(item);
        }
        opt_out
    }

    /// Whether this user may set or remove the label.
    #[must_use]
    pub fn permits(&self, user: &str, groups: &[Cow<'_, str>]) -> bool {
        self.users.first(user).is_some()
            || groups.iter().any(|group| self.groups.first(group).is_some())
    }
}

fn checked(
    items: Vec<Text<'_>>,
    check: impl Fn(&str) -> Result<(), BadPattern>,
    report: &mut Report,
) -> Vec<String> {
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        match check(&item.value) {
            Ok(()) => names.push(item.value.into_owned()),
            Err(bad) => {
                let message = format!("`{}` {}", shorten(&item.value), bad.message);
                report.problem(&item.at, message, bad.hint.as_deref());
            }
        }
    }
    names
}
