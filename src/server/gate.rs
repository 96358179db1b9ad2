//! The gate: the bytes of a review in, the bytes of an answer out.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::refusal::Refusal;
use crate::reload::{InForce, Live};
use crate::telemetry::{Decided, Guard, Telemetry};
use imagegate_core::admission::{NamespaceEdit, PolicyEdit, Review};

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
    /// The variables of the policy's simple form.
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
        self.contain(|| {
            let in_force = self.live.load();
            let in_force = in_force.as_deref();
            match endpoint {
                Endpoint::Validate(pinned) => {
                    self.validate(in_force, pinned.as_deref(), body, started)
                }
                Endpoint::ValidateConfig => self.validate_config(in_force, body),
                Endpoint::ValidateNamespace => self.validate_namespace(in_force, body),
            }
        })
    }

    /// Turns a panic into a refusal.
    fn contain(
        &self,
        judge: impl FnOnce() -> Result<Vec<u8>, Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
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
            let own = review.judge(&candidate.policy, pinned, now);
            Some((candidate.compare(&verdict, &own)?, own))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use http::StatusCode;

    use super::{Gate, Refusal};
    use crate::telemetry::{Metrics, Telemetry};

    #[test]
    fn g5_a_panic_refuses_its_request_and_no_other() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let telemetry = Telemetry::new(Arc::clone(&metrics), 100);
        let gate = Gate::new(Arc::default(), telemetry, BTreeMap::default());
        for count in 1..=3 {
            let refusal = gate.contain(|| panic!("on purpose")).unwrap_err();
            assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(metrics.render().contains(&format!("imagegate_panics_total {count}\n")));
            assert_eq!(gate.contain(|| Ok(vec![1])), Ok(vec![1]));
        }
        assert_eq!(gate.contain(|| Err(Refusal::NoPolicy)), Err(Refusal::NoPolicy));
    }
}
