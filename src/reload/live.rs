//! The snapshot that requests use, and the status for people.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwapOption, Guard};
use tokio::sync::watch;

use super::candidate::Candidate;
use super::history::History;
use imagegate_core::policy::{Policy, Problem};

/// The policy in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The compiled policy.
    pub policy: Arc<Policy>,
    /// The candidate policy, if there is one.
    pub candidate: Option<Arc<Candidate>>,
    /// The number of policies applied since the process started, this one included.
    pub generation: u64,
    /// When it was applied.
    pub applied_at: SystemTime,
}

/// The result of the latest check of the source, for `/policy` and readiness.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Where the policy is read from, as text.
    pub source: String,
    /// The generation in force; 0 before the first valid policy.
    pub generation: u64,
    /// Since when the source has held no valid policy; `None` while it holds one.
    pub failing_since: Option<SystemTime>,
    /// Since when the source has been missing, so that a replica that starts now does not become
    /// ready; `None` while it exists, valid or not.
    pub missing_since: Option<SystemTime>,
    /// The problems of the latest content; empty if it is valid.
    pub problems: Vec<Problem>,
    /// The problems of the latest candidate; empty if it is valid, or if there is none.
    pub candidate_problems: Vec<Problem>,
    /// The latest edits.
    pub history: History,
}

/// Holds the policy in force.
#[derive(Debug, Default)]
pub struct Live {
    in_force: ArcSwapOption<InForce>,
    /// When this replica was asked about deleting the ConfigMap. The volume does not show a
    /// deletion: the kubelet leaves the files in place.
    deleted_at: ArcSwapOption<SystemTime>,
    status: watch::Sender<Status>,
}

impl Live {
    /// The policy in force; `None` before the first valid one. Load it once per request and do not
    /// hold it across an await.
    #[must_use]
    pub fn load(&self) -> Guard<Option<Arc<InForce>>> {
        self.in_force.load()
    }

    /// The result of the latest check of the source.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Notified of every new status.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Puts a policy in force. Only the owner and tests call this.
    pub fn store(&self, in_force: InForce) {
        self.in_force.store(Some(Arc::new(in_force)));
    }

    /// When this replica was last told that the policy's ConfigMap is being deleted; `None` if an
    /// edit followed.
    #[must_use]
    pub fn policy_deleted_at(&self) -> Option<SystemTime> {
        self.deleted_at.load().as_deref().copied()
    }

    /// Records that the policy's ConfigMap is being deleted.
    pub fn policy_is_deleted(&self, at: SystemTime) {
        self.deleted_at.store(Some(Arc::new(at)));
    }

    /// Clears a recorded deletion, since there is a ConfigMap again.
    pub fn policy_is_kept(&self) {
        self.deleted_at.store(None);
    }

    /// Publishes the result of a check. Only the owner and tests call this.
    pub fn report(&self, status: Status) {
        self.status.send_replace(status);
    }
}
