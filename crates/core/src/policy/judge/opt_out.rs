//! Who may set the label that takes a namespace out of the webhook's reach.
//!
//! The label is part of the contract, so a namespace's admin could exempt himself; this list is
//! what the guard on namespaces asks.

use std::borrow::Cow;

use crate::policy::judge::list::Written;
use crate::policy::pattern::index::PatternIndex;

/// The users and groups that may set or remove the opt-out label.
#[derive(Debug)]
pub struct OptOut {
    pub(in crate::policy) users: PatternIndex,
    pub(in crate::policy) groups: PatternIndex,
    pub(in crate::policy) written_users: Written,
    pub(in crate::policy) written_groups: Written,
}

impl OptOut {
    /// Whether this user may set or remove the label.
    #[must_use]
    pub fn permits(&self, user: &str, groups: &[Cow<'_, str>]) -> bool {
        self.users.first(user).is_some()
            || groups.iter().any(|group| self.groups.first(group).is_some())
    }
}
