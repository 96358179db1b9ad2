//! The owner of the live policy: checks the source, compiles what changed, and stores it.
//!
//! An invalid edit never replaces a valid policy. It is logged once, counted, and shown by
//! `/policy` until the source is valid again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::candidate::Candidate;
use super::history::Applied;
use super::live::{InForce, Live, Status};
use super::lookout::Lookout;
use super::overdue::in_time;
use super::volume::{VolumeError, read_volume};
use crate::clock;
use crate::telemetry::{Looks, Metrics, Rejected, Rejects};
use imagegate_core::policy::{
    Difference, Documents, Policy, Problem, Problems, Warning, compile, compile_candidate,
};

/// Where the policy comes from.
#[derive(Clone, Debug)]
pub struct PolicySource {
    /// The mounted directory, or a file.
    pub path: PathBuf,
    /// Whether the path was set explicitly. The default path may be missing; then variables and
    /// defaults make up the policy.
    pub named: bool,
    /// The variables of the policy's simple form.
    pub variables: BTreeMap<String, String>,
}

/// The outcome of a check of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new policy or a new candidate was applied.
    Applied,
    /// The content is not a valid policy; the one in force stays.
    Rejected,
    /// The content was invalid and now equals the policy in force again.
    Restored,
    /// The content is unchanged, or means the same.
    Unchanged,
}

/// Reads, compiles and stores the policy. Each process has one.
#[derive(Debug)]
pub struct Owner {
    source: Arc<PolicySource>,
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    seen: Option<Arc<Seen>>,
    status: Status,
}

/// What a check found: documents, or why there are none. It is shared with the task that compares
/// it with the volume.
type Seen = Result<Documents, String>;

/// What a check found, if it differs from the previous one.
struct Found {
    seen: Seen,
    compiled: Result<Compiled, Problems>,
    /// Whether the source is missing, rather than invalid.
    is_missing: bool,
}

struct Compiled {
    policy: (Policy, Vec<Warning>),
    candidate: Option<Result<(Policy, Vec<Warning>), Problems>>,
}

impl Owner {
    /// An owner that has not checked the source yet.
    #[must_use]
    pub fn new(source: PolicySource, live: Arc<Live>, metrics: Arc<Metrics>) -> Self {
        let status = Status { source: source.path.display().to_string(), ..Status::default() };
        live.report(status.clone());
        Self { source: Arc::new(source), live, metrics, seen: None, status }
    }

    /// Checks the source now and whenever `lookout` says so, for as long as it is polled.
    pub async fn run(mut self, mut lookout: Lookout) {
        let metrics = Arc::clone(&self.metrics);
        loop {
            lookout.wait().await;
            let (period, look) = (lookout.period(), async {
                lookout.arm().await;
                self.look().await
            });
            in_time(Looks::Policy, period, &metrics, look).await;
        }
    }

    /// Checks the source once and applies what it holds.
    pub async fn look(&mut self) -> Outcome {
        let (source, seen) = (Arc::clone(&self.source), self.seen.clone());
        // Reading may block and compiling may take a while; requests must wait for neither.
        let found = tokio::task::spawn_blocking(move || find(&source, seen.as_deref())).await;
        let found = found.unwrap_or_else(|_| Some(Found::failed("the policy's compiler panicked")));
        let Some(Found { seen, compiled, is_missing }) = found else { return Outcome::Unchanged };
        self.seen = Some(Arc::new(seen));
        if !is_missing {
            self.status.missing_since = None;
            // The ConfigMap was written again, so a recorded deletion is over.
            self.live.policy_is_kept();
        }
        match compiled {
            Ok(compiled) => self.accept(compiled),
            Err(problems) => self.reject(problems, is_missing),
        }
    }

    fn accept(&mut self, Compiled { policy: (policy, warnings), candidate }: Compiled) -> Outcome {
        for Warning(warning) in &warnings {
            tracing::warn!(warning = warning.to_string(), "the policy has a warning");
        }
        let old = self.live.load().clone();
        let candidate = self.candidate(candidate, old.as_deref());
        let was_failing = self.status.failing_since.take().is_some();
        self.status.problems.clear();
        let same_policy =
            old.as_ref().is_some_and(|old| old.policy.normal_form() == policy.normal_form());
        let same_candidate = match (old.as_ref().and_then(|old| old.candidate.as_ref()), &candidate)
        {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        let outcome = match old {
            Some(old) if same_policy && same_candidate => {
                if was_failing {
                    self.restored(&old)
                } else {
                    Outcome::Unchanged
                }
            }
            Some(old) if same_policy => {
                self.live.store(InForce { candidate, ..(*old).clone() });
                if was_failing {
                    self.restored(&old);
                }
                Outcome::Applied
            }
            old => {
                self.apply(Arc::new(policy), candidate, old.as_deref());
                Outcome::Applied
            }
        };
        self.live.report(self.status.clone());
        outcome
    }

    fn apply(
        &mut self,
        policy: Arc<Policy>,
        candidate: Option<Arc<Candidate>>,
        old: Option<&InForce>,
    ) {
        let applied_at = SystemTime::now();
        let generation = self.status.generation + 1;
        let difference = old.map(|old| Difference::between(&old.policy, &policy));
        let changes = difference.as_ref().map(ToString::to_string).unwrap_or_default();
        let loosens = difference.as_ref().is_some_and(|difference| difference.loosens);
        let hash = policy.hash().to_owned();
        self.metrics.policy_applied(&policy, generation, clock::as_unix_seconds(applied_at));
        self.live.store(InForce { policy, candidate, generation, applied_at });
        tracing::info!(generation, hash = hash.as_str(), loosens, changes, "policy applied");
        self.status.generation = generation;
        self.status.history.push(Applied { generation, hash, applied_at, difference });
    }

    fn restored(&self, old: &InForce) -> Outcome {
        self.metrics.policy_restored(clock::as_unix_seconds(SystemTime::now()));
        tracing::info!(
            generation = old.generation,
            hash = old.policy.hash(),
            "the policy is valid again and equals the one in force"
        );
        Outcome::Restored
    }

    fn reject(&mut self, Problems(problems): Problems, is_missing: bool) -> Outcome {
        let in_force = self.live.load().clone();
        let in_force = in_force.as_ref().map(|in_force| in_force.policy.hash());
        let what = Rejects::Policy { in_force, is_missing };
        Rejected { what, problems: &problems }.emit(&self.metrics);
        let since = *self.status.failing_since.get_or_insert_with(SystemTime::now);
        if is_missing {
            self.status.missing_since.get_or_insert(since);
        }
        self.status.problems = problems;
        self.live.report(self.status.clone());
        Outcome::Rejected
    }

    /// The candidate to evaluate. One that did not change keeps its counts; one that is not valid
    /// only shows in the log and the status.
    fn candidate(
        &mut self,
        compiled: Option<Result<(Policy, Vec<Warning>), Problems>>,
        old: Option<&InForce>,
    ) -> Option<Arc<Candidate>> {
        let old = old.and_then(|old| old.candidate.clone());
        self.status.candidate_problems.clear();
        let policy = match compiled {
            None => {
                self.metrics.candidate_looked_at(true);
                return None;
            }
            Some(Ok((policy, _))) => policy,
            Some(Err(Problems(problems))) => {
                Rejected { what: Rejects::Candidate, problems: &problems }.emit(&self.metrics);
                self.status.candidate_problems = problems;
                return None;
            }
        };
        self.metrics.candidate_looked_at(true);
        match old {
            Some(old) if old.policy.normal_form() == policy.normal_form() => Some(old),
            _ => {
                tracing::info!(
                    hash = policy.hash(),
                    "candidate policy applied for evaluation only"
                );
                Some(Arc::new(Candidate::new(policy)))
            }
        }
    }
}

/// Reads and compiles; `None` if the source holds what was `seen` before.
fn find(source: &PolicySource, seen: Option<&Seen>) -> Option<Found> {
    let documents = |volume| Documents { variables: source.variables.clone(), volume };
    let had_volume = seen.is_some_and(|seen| !matches!(seen, Ok(Documents { volume: None, .. })));
    let mut is_missing = false;
    let now = match read_volume(&source.path) {
        Ok(volume) => {
            // What the kubelet leaves behind when an optional ConfigMap is deleted.
            is_missing = volume.is_empty();
            Ok(documents(Some(volume)))
        }
        Err(VolumeError::Missing(_)) if !source.named && !had_volume => Ok(documents(None)),
        Err(error) => {
            is_missing = matches!(error, VolumeError::Missing(_));
            Err(error.to_string())
        }
    };
    if seen == Some(&now) {
        return None;
    }
    match now {
        Ok(documents) => {
            let compiled = compile(&documents)
                .map(|policy| Compiled { policy, candidate: compile_candidate(&documents) });
            Some(Found { seen: Ok(documents), compiled, is_missing })
        }
        Err(error) => Some(Found { is_missing, ..Found::failed(&error) }),
    }
}

impl Found {
    fn failed(error: &str) -> Self {
        let problem = Problem::of_document("policy", error);
        let compiled = Err(Problems(vec![problem]));
        Self { seen: Err(error.to_owned()), compiled, is_missing: false }
    }
}
