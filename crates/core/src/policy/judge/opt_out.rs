//! Who may set the label that takes a namespace out of the webhook's reach.
//!
//! The label is part of the contract, so a namespace's admin could exempt himself; this list is
//! what the guard on namespaces asks.

use std::borrow::Cow;

use crate::policy::compile::{groups, users};
use crate::policy::judge::rules::Written;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::problem::Report;
use crate::policy::read::source::{RawOptOut, Texts};

/// The group that may opt a namespace out where the policy does not say.
const DEFAULT_GROUP: &str = "system:masters";

/// The users and groups that may set or remove the opt-out label.
#[derive(Debug)]
pub struct OptOut {
    users: PatternIndex,
    groups: PatternIndex,
    pub(in crate::policy) written_users: Written,
    pub(in crate::policy) written_groups: Written,
}

impl OptOut {
    pub(in crate::policy) fn compile(raw: Option<&RawOptOut<'_>>, report: &mut Report) -> Self {
        let (raw_users, raw_groups) =
            raw.map_or((None, None), |raw| (raw.users.as_ref(), raw.groups.as_ref()));
        let default_groups = match raw_groups {
            None => Some(Texts::of_defaults(&[DEFAULT_GROUP])),
            Some(_) => None,
        };
        let raw_groups = raw_groups.or(default_groups.as_ref());
        let written = |raw: Option<&Texts<'_>>| raw.map(Written::of).unwrap_or_default();
        Self {
            users: users(raw_users, report).unwrap_or_default(),
            groups: groups(raw_groups, report).unwrap_or_default(),
            written_users: written(raw_users),
            written_groups: written(raw_groups),
        }
    }

    /// Whether this user may set or remove the label.
    #[must_use]
    pub fn permits(&self, user: &str, groups: &[Cow<'_, str>]) -> bool {
        self.users.first(user).is_some()
            || groups.iter().any(|group| self.groups.first(group).is_some())
    }
}
