//! What the last edits changed, in words.

use std::collections::VecDeque;
use std::time::SystemTime;

use imagegate_core::policy::Difference;

/// Edits that are kept.
const LONGEST: usize = 20;

/// The last 20 policies that were applied, the newest last.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<Applied>);

/// One policy that was put in force.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its generation.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// When it was put in force.
    pub applied_at: SystemTime,
    /// What it changed; `None` for the first one.
    pub difference: Option<Difference>,
}

impl History {
    /// From the oldest to the newest.
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
