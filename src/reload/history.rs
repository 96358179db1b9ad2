//! The latest edits of the policy, in words.

use std::collections::VecDeque;
use std::time::SystemTime;

use imagegate_core::policy::Difference;

/// How many edits are kept.
const LONGEST: usize = 20;

/// The last 20 policies that were applied, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<Applied>);

/// A policy that was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its generation.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// When it was applied.
    pub applied_at: SystemTime,
    /// What it changed; `None` for the first policy.
    pub difference: Option<Difference>,
}

impl History {
    /// The policies, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Applied> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, applied: Applied) {
        if self.0.len() == LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(applied);
    }
}
