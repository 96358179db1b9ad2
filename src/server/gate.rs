//! The gate: the bytes of a review in, the bytes of an answer out.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::refusal::Refusal;
use crate::admission::{NamespaceEdit, PolicyEdit, Review};
use crate::reload::{InForce, Live};
use crate::telemetry::{Decided, Guard, Telemetry};

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Judge a workload, by the override of this name if there is one.
    Validate(Option<String>),
    /// Judge an edit of the policy's ConfigMap.
    ValidateConfig,
    /// Judge an edit of a namespace.
    ValidateNamespace,
}

/// Judges requests by the policy in force, and counts and logs what it decided.
#[derive(Debug)]
pub struct Gate {
    live: Arc<Live>,
    telemetry: Telemetry,
    /// The environment of the process, which is a part of the policy in simple form.
    variables: BTreeMap<String, String>,
}

impl Gate {
    /// A gate before the policy of `live`.
    #[must_use]
    pub fn new(live: Arc<Live>, telemetry: Telemetry, variables: BTreeMap<String, String>) -> Self {
        Self { live, telemetry, variables }
    }

    /// What the gate counts and logs to.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Answers one request. The policy is one snapshot from the first to the last byte.
    ///
    /// # Errors
    /// When the body is no review, or there is nothing to judge it by. A panic is an error too:
    /// it refuses one request and not the whole cluster.
    pub fn answer(&self, endpoint: &Endpoint, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let started = Instant::now();
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let in_force = self.live.load();
            let in_force = in_force.as_deref();
            match endpoint {
                Endpoint::Validate(pinned) => {
                    self.validate(in_force, pinned.as_deref(), body, started)
                }
                Endpoint::ValidateConfig => self.validate_config(in_force, body),
                Endpoint::ValidateNamespace => self.validate_namespace(in_force, body),
            }
        }));
        judged.unwrap_or_else(|_| {
            self.telemetry.metrics.panicked();
            Err(Refusal::Panic)
        })
    }

    fn validate(
        &self,
        in_force: Option<&InForce>,
        pinned: Option<&str>,
        body: &[u8],
        started: Instant,
    ) -> Result<Vec<u8>, Refusal> {
        let in_force = in_force.ok_or(Refusal::NoPolicy)?;
        if let Some(name) = pinned
            && !in_force.policy.has_override(name)
        {
            return Err(Refusal::unknown_override(name));
        }
        let review = Review::parse(body)?;
        let now = unix_seconds();
        let verdict = review.judge(&in_force.policy, pinned, now);
        let flip = in_force.candidate.as_ref().and_then(|candidate| {
            // A candidate without the pinned override falls back to its own namespaces.
            candidate.compare(&verdict, &review.judge(&candidate.policy, pinned, now))
        });
        let answer = review.answer(&verdict);
        Decided { review: &review, verdict: &verdict, flip, took: started.elapsed() }
            .emit(&self.telemetry);
        Ok(answer)
    }

    /// Works without a policy in force too: that is when an edit is needed most.
    fn validate_config(&self, in_force: Option<&InForce>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let edit = PolicyEdit::parse(body)?;
        let user = edit.user().to_owned();
        let in_force = in_force.map(|in_force| in_force.policy.as_ref());
        let (guarded, answer) = edit.judge(&self.variables, in_force);
        let event = Guard { guard: "policy", name: "", user: &user, guarded: &guarded };
        event.emit(&self.telemetry);
        Ok(answer)
    }

    fn validate_namespace(
        &self,
        in_force: Option<&InForce>,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let in_force = in_force.ok_or(Refusal::NoPolicy)?;
        let edit = NamespaceEdit::parse(body)?;
        let (guarded, answer) = edit.judge(in_force.policy.opt_out());
        let event =
            Guard { guard: "namespace", name: edit.name(), user: edit.user(), guarded: &guarded };
        event.emit(&self.telemetry);
        Ok(answer)
    }
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
