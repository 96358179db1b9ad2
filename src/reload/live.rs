//! The snapshot that requests read, and the status that people read.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwapOption, Guard};
use tokio::sync::watch;

use super::candidate::Candidate;
use super::history::History;
use imagegate_core::policy::{Policy, Problem};

/// The policy that judges requests now.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The compiled policy.
    pub policy: Arc<Policy>,
    /// The policy on trial, if there is one.
    pub candidate: Option<Arc<Candidate>>,
    /// Counts the policies applied since the start, from 1.
    pub generation: u64,
    /// When it was applied.
    pub applied_at: SystemTime,
}

/// How the last look at the policy went, for `/policy` and readiness.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Where the policy is read from, for people.
    pub source: String,
    /// The generation in force; 0 before the first valid policy.
    pub generation: u64,
    /// Since when the source does not yield a valid policy; `None` while it does.
    pub failing_since: Option<SystemTime>,
    /// Since when there is nothing to read at the source, so that a replica which starts now does
    /// not become ready; `None` while there is something, valid or not.
    pub missing_since: Option<SystemTime>,
    /// What is wrong with the content last seen; empty when nothing is.
    pub problems: Vec<Problem>,
    /// What is wrong with the candidate last seen; empty when nothing is, or there is none.
    pub candidate_problems: Vec<Problem>,
    /// What the last edits changed.
    pub history: History,
}

/// The one place that holds the policy in force.
#[derive(Debug, Default)]
pub struct Live {
    in_force: ArcSwapOption<InForce>,
    /// When somebody asked this replica about deleting the ConfigMap. The volume does not show it:
    /// the kubelet keeps what it has written.
    deleted_at: ArcSwapOption<SystemTime>,
    status: watch::Sender<Status>,
}

impl Live {
    /// The policy in force, or `None` before the first valid one. Take it once per request and do
    /// not hold it across an await.
    #[must_use]
    pub fn load(&self) -> Guard<Option<Arc<InForce>>> {
        self.in_force.load()
    }

    /// How the last look at the source went.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Wakes on every new status, for those who wait for one.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Puts a policy in force. Only the owner and tests call this.
    pub fn store(&self, in_force: InForce) {
        self.in_force.store(Some(Arc::new(in_force)));
    }

    /// When this replica was last told that the policy's ConfigMap is being deleted; `None` where
    /// an edit came after it.
    #[must_use]
    pub fn policy_deleted_at(&self) -> Option<SystemTime> {
        self.deleted_at.load().as_deref().copied()
    }

    /// Remembers that the policy's ConfigMap is being deleted.
    pub fn policy_is_deleted(&self, at: SystemTime) {
        self.deleted_at.store(Some(Arc::new(at)));
    }

    /// Forgets a deletion: there is a ConfigMap again.
    pub fn policy_is_kept(&self) {
        self.deleted_at.store(None);
    }

    /// Publishes how the last look went. Only the owner and tests call this.
    pub fn report(&self, status: Status) {
        self.status.send_replace(status);
    }
}
