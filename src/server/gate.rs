//! The gate: the bytes of a review in, the bytes of an answer out.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::in_time::InTime;
use super::operator::Replica;
use super::slot::{NoResult, Slot};
use crate::clock;
use crate::observed::{Noted, Observed, Snapshot};
use crate::refusal::Refusal;
use crate::reload::{InForce, Live};
use crate::telemetry::{Decided, Guard, Telemetry};
use imagegate_core::admission::{
    Before, Guarded, Judged, Judging, NamespaceEdit, NewPolicy, PolicyEdit, Review, SeenHere,
};
use imagegate_core::policy::Reading;

/// How long an edit of the policy waits for its turn, and then for the verdict. Together less than
/// the `timeoutSeconds` of the manifests: an edit that the API server stops waiting for is stored,
/// since that webhook fails open.
const TURN: Duration = Duration::from_secs(2);
const JUDGING: Duration = Duration::from_secs(2);
/// How long the memory of images may take to answer. Part of [`JUDGING`].
const REMEMBERING: Duration = Duration::from_millis(500);
/// How long images may be judged by the new policy, and then by the candidate. Part of [`JUDGING`]
/// too: what has begun holds the slot until it ends, and whoever fills the memory, or sends a policy
/// of costly regexes, must not hold it for longer.
const IMAGES: Duration = Duration::from_millis(500);

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

impl Endpoint {
    /// Which endpoint a path names. A slash at the end is tolerated.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path.strip_prefix('/')? {
            "" | "validate" | "validate/" => Some(Self::Validate(None)),
            "validate-config" | "validate-config/" => Some(Self::ValidateConfig),
            "validate-namespace" | "validate-namespace/" => Some(Self::ValidateNamespace),
            other => {
                let name = other.strip_prefix("validate/")?;
                let name = name.strip_suffix('/').unwrap_or(name);
                let is_one = !name.is_empty() && !name.contains('/');
                is_one.then(|| Self::Validate(Some(name.to_owned())))
            }
        }
    }
}

/// Judges requests by the policy in force, and counts and logs what it decided.
#[derive(Debug)]
pub struct Gate {
    live: Arc<Live>,
    telemetry: Telemetry,
    /// The variables of the policy's simple form.
    variables: Arc<BTreeMap<String, String>>,
    /// Where edits of the policy are compiled.
    compiling: Slot,
    remembers: Option<Remembers>,
}

/// The memory of this replica, by which an edit is judged.
#[derive(Clone, Debug)]
struct Remembers {
    observed: Arc<Observed>,
    replica: Replica,
}

impl Gate {
    /// A gate before the policy of `live`.
    #[must_use]
    pub fn new(live: Arc<Live>, telemetry: Telemetry, variables: BTreeMap<String, String>) -> Self {
        let (variables, compiling) = (Arc::new(variables), Slot::new(TURN, JUDGING));
        Self { live, telemetry, variables, compiling, remembers: None }
    }

    /// The same, which notes what it judges, and judges an edit by what it has noted.
    #[must_use]
    pub fn remembering(self, observed: Arc<Observed>) -> Self {
        let replica = Replica::of(&observed);
        Self { remembers: Some(Remembers { observed, replica }), ..self }
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
    pub async fn answer(&self, endpoint: &Endpoint, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match endpoint {
            Endpoint::Validate(pinned) => self.contain(|| self.validate(pinned.as_deref(), body)),
            Endpoint::ValidateConfig => self.validate_config(body).await,
            Endpoint::ValidateNamespace => self.contain(|| self.validate_namespace(body)),
        }
    }

    /// Turns a panic into a refusal.
    fn contain<T>(&self, judge: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
        catch_unwind(AssertUnwindSafe(judge)).unwrap_or_else(|_| {
            self.telemetry.metrics.panicked();
            Err(Refusal::Panic)
        })
    }

    fn validate(&self, pinned: Option<&str>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let started = Instant::now();
        let in_force = self.live.load();
        let in_force: &InForce = in_force.as_deref().ok_or(Refusal::NoPolicy)?;
        if let Some(name) = pinned
            && !in_force.policy.has_override(name)
        {
            return Err(Refusal::unknown_override(name));
        }
        let reading = in_force.policy.reading();
        let candidate = in_force.candidate.as_ref().map(|candidate| candidate.policy.reading());
        // Both judge one review, so it has what either wants to know.
        let labels = reading.labels || candidate.is_some_and(|candidate| candidate.labels);
        let review = Review::parse_with(body, Reading { labels, ..reading })?;
        let now = clock::unix_seconds();
        let verdict = review.judge(&in_force.policy, pinned, now);
        let flip = in_force.candidate.as_ref().and_then(|candidate| {
            let own = candidate.policy.reading();
            let differ = review.is_custom() && own.workloads != reading.workloads;
            let again = differ.then(|| Review::parse_with(body, own).ok()).flatten();
            // A candidate without the pinned override falls back to its own namespaces.
            let own = again.as_ref().unwrap_or(&review).judge(&candidate.policy, pinned, now);
            Some((candidate.compare(&verdict, &own)?, own))
        });
        let answer = review.answer(&verdict);
        let policy = &in_force.policy;
        if let Some(Remembers { observed, .. }) = &self.remembers {
            let flip = flip.as_ref().map(|(flip, _)| *flip);
            let (review, verdict) = (&review, &verdict);
            let candidate = in_force.candidate.as_ref().map(|candidate| &candidate.policy);
            observed.note(&Noted { review, policy, candidate, pinned, verdict, flip, now });
        }
        Decided { review: &review, verdict: &verdict, flip, took: started.elapsed() }
            .emit(&self.telemetry);
        Ok(answer)
    }

    /// Works without a policy in force too: that is when an edit is needed most.
    async fn validate_config(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut edit = self.contain(|| Ok(PolicyEdit::parse(body)?))?;
        let guarded = match edit.judge() {
            Judging::AtOnce(guarded) => guarded,
            Judging::Compile(policy) => self.judge(policy).await?,
        };
        let event = Guard { guard: "policy", name: "", user: edit.user(), guarded: &guarded };
        event.emit(&self.telemetry);
        if edit.deletes_the_policy() {
            self.telemetry.metrics.policy_deleted();
            self.live.policy_is_deleted(SystemTime::now());
        } else if edit.stores_a_policy(&guarded) {
            self.live.policy_is_kept();
        }
        Ok(edit.answer(&guarded))
    }

    /// Judges what must be compiled. Whoever does not get a turn is told to ask again. What had its
    /// turn and has no verdict is refused: an error would let it be stored.
    async fn judge(&self, policy: NewPolicy) -> Result<Guarded, Refusal> {
        let (variables, in_force) = (Arc::clone(&self.variables), self.live.load().clone());
        let (remembers, runtime) = (self.remembers.clone(), Handle::current());
        let judge = move || {
            // In the slot, so that there is one copy of the memory at a time, and within its time.
            let (snapshot, replica, since) = runtime.block_on(remembered(remembers));
            let in_force = in_force.as_ref();
            let candidate = in_force.and_then(|in_force| in_force.candidate.as_ref());
            let before = Before {
                policy: in_force.map(|in_force| in_force.policy.as_ref()),
                candidate: candidate.map(|candidate| &candidate.policy),
            };
            let total = snapshot.as_ref().map_or(0, |snapshot| snapshot.usages().count());
            let usages = snapshot.as_ref().map(|snapshot| InTime::new(snapshot.usages(), IMAGES));
            let now = clock::unix_seconds();
            let seen = SeenHere { usages, total, replica: &replica, since, now };
            policy.judge(&variables, before, &seen)
        };
        match self.compiling.run(judge).await {
            Ok(Judged { guarded, impact, trial: _ }) => {
                if let Some(impact) = impact {
                    self.telemetry.metrics.observed.edit_judged(&impact);
                }
                Ok(guarded)
            }
            Err(NoResult::Busy) => Err(Refusal::Overload),
            Err(NoResult::TooSlow) => Ok(Guarded::Refused(format!(
                "the policy cannot be judged within {} seconds\n  \
                 hint: write fewer or smaller regexes, or try again when the gate is less busy",
                JUDGING.as_secs()
            ))),
            Err(NoResult::Panicked) => {
                self.telemetry.metrics.panicked();
                Ok(Guarded::Refused(
                    "the policy cannot be judged: this is a defect of ImageGate".to_owned(),
                ))
            }
        }
    }

    fn validate_namespace(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let in_force = self.live.load();
        let in_force = in_force.as_deref().ok_or(Refusal::NoPolicy)?;
        let edit = NamespaceEdit::parse(body)?;
        let (guarded, answer) = edit.judge(in_force.policy.opt_out());
        let event =
            Guard { guard: "namespace", name: edit.name(), user: edit.user(), guarded: &guarded };
        event.emit(&self.telemetry);
        Ok(answer)
    }
}

/// All images, by which replica they were seen, and since when. `None` where the memory does not
/// answer; where nothing is remembered, there are none.
async fn remembered(remembers: Option<Remembers>) -> (Option<Snapshot>, Arc<str>, i64) {
    let Some(Remembers { observed, replica }) = remembers else {
        return (Some(Snapshot::default()), Arc::default(), 0);
    };
    let snapshot = timeout(REMEMBERING, observed.images()).await;
    let snapshot = snapshot.ok().and_then(Result::ok);
    (snapshot, Arc::clone(&replica.name), observed.since())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use http::StatusCode;
    use serde_json::{Value, json};
    use tokio::runtime::Builder;

    use super::{Endpoint, Gate, Refusal, Slot};
    use crate::telemetry::{Metrics, Telemetry};

    const PATIENCE: Duration = Duration::from_secs(30);

    fn gate() -> Gate {
        let metrics = Arc::new(Metrics::new().unwrap());
        Gate::new(Arc::default(), Telemetry::new(metrics, 100), BTreeMap::default())
    }

    fn edit(policy: &str) -> Vec<u8> {
        let object = json!({
            "metadata": {"labels": {"imagegate/policy": "true"}}, "data": {"policy.yaml": policy},
        });
        let request = json!({"uid": "1", "operation": "CREATE", "object": object});
        json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request,
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn g5_a_panic_refuses_its_request_and_no_other() {
        let gate = gate();
        for count in 1..=3 {
            let panic = || -> Result<Vec<u8>, Refusal> { panic!("on purpose") };
            let refusal = gate.contain(panic).unwrap_err();
            assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let metrics = gate.telemetry.metrics.render();
            assert!(metrics.contains(&format!("imagegate_panics_total {count}\n")));
            assert_eq!(gate.contain(|| Ok(vec![1])), Ok(vec![1]));
        }
        assert_eq!(gate.contain(|| Err::<(), _>(Refusal::NoPolicy)), Err(Refusal::NoPolicy));
    }

    #[test]
    fn an_edit_that_takes_too_long_is_refused_and_not_an_error() {
        // The one thread for what blocks is taken, so the edit has its turn and is never judged,
        // however fast or busy the machine is.
        let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_time().build();
        let runtime = runtime.unwrap();
        let (end, ended) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || ended.recv());
        let gate = Gate { compiling: Slot::new(PATIENCE, Duration::ZERO), ..gate() };
        let edit = edit("mode: warn\n");
        let answer = runtime.block_on(gate.answer(&Endpoint::ValidateConfig, &edit)).unwrap();
        drop(end);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["response"]["allowed"], false);
        let message = answer["response"]["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("the policy cannot be judged within 2 seconds"), "{message}");
    }

    #[tokio::test]
    async fn an_edit_without_a_turn_is_to_be_sent_again_unless_it_needs_none() {
        let gate = Gate { compiling: Slot::new(Duration::ZERO, Duration::ZERO), ..gate() };
        let (end, ended) = mpsc::channel::<()>();
        let _ = gate.compiling.run(move || ended.recv().is_ok()).await;
        let endpoint = Endpoint::ValidateConfig;
        assert_eq!(gate.answer(&endpoint, &edit("mode: warn\n")).await, Err(Refusal::Overload));
        let other = String::from_utf8(edit("mode: warn\n")).unwrap().replace("true", "false");
        assert!(gate.answer(&endpoint, other.as_bytes()).await.is_ok(), "another ConfigMap");
        drop(end);
    }
}
