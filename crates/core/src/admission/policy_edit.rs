//! An edit of the ConfigMap that holds the policy, judged before it is stored.
//!
//! What is not the policy (no label `imagegate/policy=true`, neither now nor before) is accepted
//! unseen. Judging takes as long as compiling does, so it is apart from parsing: whoever serves
//! requests can do it elsewhere.

use std::collections::BTreeMap;

use super::bad_review::BadReview;
use super::config_map::{ConfigMap, TooLarge};
use super::envelope::Envelope;
use super::guard::{Guarded, MOST_WARNINGS};
use super::operation::{ApiVersion, Operation};
use super::overwritten;
use super::seen_here::{Compared, SeenHere, is_same};
use crate::policy::{
    self, Difference, Documents, Policy, Problem, Problems, UnchangedUpdates, Warning, compile,
    compile_candidate,
};
use crate::usage::{Impact, Usage};

/// What is said to whoever deletes the policy. One line of 120 characters at most.
const DELETED: &str = "this deletes the image policy: replicas that run keep it, one that starts \
                       without it is never ready";

/// A parsed request to create, update or delete a ConfigMap.
#[derive(Debug)]
pub struct PolicyEdit {
    version: ApiVersion,
    uid: String,
    user: String,
    dry_run: bool,
    change: Change,
}

/// What an edit would put in force, not compiled yet.
#[derive(Debug, Default)]
pub struct NewPolicy {
    /// The keys that would be mounted.
    keys: BTreeMap<String, Vec<u8>>,
    unchanged_updates: UnchangedUpdates,
    /// Who will overwrite the edit.
    overwritten: Vec<String>,
    /// The hash of the policy that the author means.
    confirmed: Option<String>,
}

/// How an edit is judged.
#[derive(Debug)]
pub enum Judging {
    /// Without looking into it.
    AtOnce(Guarded),
    /// By compiling what it would put in force.
    Compile(NewPolicy),
}

/// What a new policy would replace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'p> {
    /// The policy in force.
    pub policy: Option<&'p Policy>,
    /// The candidate beside it.
    pub candidate: Option<&'p Policy>,
}

/// What became of an edit that was compiled.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The answer.
    pub guarded: Guarded,
    /// Whom the new policy hits; `None` where it means the same as before, or nothing was seen.
    pub impact: Option<Impact>,
    /// Whom the candidate would hit; `None` where it means the same as before, or there is none.
    pub trial: Option<Impact>,
}

#[derive(Debug)]
enum Change {
    /// Of another ConfigMap, or of nothing.
    Other,
    Deletion,
    Content(Result<NewPolicy, TooLarge>),
}

impl PolicyEdit {
    /// Parses a request body. What is kept of it is no larger than a ConfigMap may be.
    ///
    /// # Errors
    /// When the body is not an AdmissionReview of a ConfigMap.
    pub fn parse(body: &[u8]) -> Result<Self, BadReview> {
        let Envelope { version, operation, request } = Envelope::<'_, ConfigMap<'_>>::parse(body)?;
        let user = request.user_info.map(|user| user.0.username.unwrap_or_default());
        let was_policy = request.old_object.as_deref().is_some_and(ConfigMap::is_policy);
        let change = match (operation, request.object) {
            (Operation::Create | Operation::Update, None) => return Err(BadReview::NoObject),
            // Taking the label away in the same edit does not take the edit out of sight.
            (Operation::Create | Operation::Update, Some(object)) => {
                if was_policy || object.is_policy() {
                    Change::Content(NewPolicy::of(&object, request.old_object.map(|old| old.0)))
                } else {
                    Change::Other
                }
            }
            (Operation::Delete, _) if was_policy => Change::Deletion,
            (Operation::Connect | Operation::Delete, _) => Change::Other,
        };
        Ok(Self {
            version,
            uid: request.uid.map(|uid| uid.0.into_owned()).unwrap_or_default(),
            user: user.map(|user| user.0.into_owned()).unwrap_or_default(),
            dry_run: request.dry_run.unwrap_or_default(),
            change,
        })
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether the policy goes away with this edit, if nothing else keeps it.
    #[must_use]
    pub fn deletes_the_policy(&self) -> bool {
        matches!(self.change, Change::Deletion) && !self.dry_run
    }

    /// Whether there is a policy after this edit, by what became of it.
    #[must_use]
    pub fn stores_a_policy(&self, guarded: &Guarded) -> bool {
        let is_accepted = matches!(guarded, Guarded::Accepted(_));
        matches!(self.change, Change::Content(_)) && is_accepted && !self.dry_run
    }

    /// What is left to do in order to judge the edit. The content is handed out once.
    #[must_use]
    pub fn judge(&mut self) -> Judging {
        match &mut self.change {
            Change::Other => Judging::AtOnce(Guarded::Accepted(Vec::new())),
            Change::Deletion => Judging::AtOnce(Guarded::Accepted(vec![DELETED.to_owned()])),
            Change::Content(Ok(policy)) => Judging::Compile(std::mem::take(policy)),
            Change::Content(Err(TooLarge)) => Judging::AtOnce(Guarded::Refused(
                "the policy is larger than a ConfigMap can be".to_owned(),
            )),
        }
    }

    /// Renders the answer.
    #[must_use]
    pub fn answer(&self, guarded: &Guarded) -> Vec<u8> {
        guarded.render(self.version, &self.uid)
    }
}

impl NewPolicy {
    /// `old` is what an update replaces. Whoever makes the ConfigMap anew, or leaves its keys as
    /// they were, overwrites nobody's edit and is told nothing of that.
    fn of(object: &ConfigMap<'_>, old: Option<ConfigMap<'_>>) -> Result<Self, TooLarge> {
        let unchanged_updates = UnchangedUpdates::of(object.match_conditions());
        let (owner, applied) = (object.policy_owner(), object.last_applied());
        let keys = object.to_keys()?;
        let changed = old.is_some_and(|old| old.to_keys().as_ref() != Ok(&keys));
        let overwritten =
            if changed { overwritten::warnings(owner, applied, &keys) } else { Vec::new() };
        let confirmed = object.confirmed().map(str::to_owned);
        Ok(Self { keys, unchanged_updates, overwritten, confirmed })
    }

    /// Compiles the policy and its candidate, each once. A loosening edit is accepted with a
    /// warning that names what it loosens; `variables` are those of the process, `before` is what
    /// the policy would replace. Where the edit changes what the policy means, the images that were
    /// `seen` are judged by both, and its author is told whom it hits; the same for a candidate.
    ///
    /// The limit of the policy in force decides whether the edit is refused for that: an edit cannot
    /// lift the limit that it is held to. Nor does it pass because there was no time to judge all that
    /// was seen, or because the memory did not answer.
    #[must_use]
    pub fn judge<'u, U>(
        self,
        variables: &BTreeMap<String, String>,
        before: Before<'_>,
        seen: &SeenHere<'_, U>,
    ) -> Judged
    where
        U: IntoIterator<Item = Usage<'u>> + Clone,
    {
        let Self { keys, unchanged_updates, overwritten, confirmed } = self;
        let documents = Documents { variables: variables.clone(), volume: Some(keys) };
        let (policy, mut warnings) = match compile(&documents) {
            Ok(compiled) => compiled,
            Err(problems) => return refused("policy", &problems).into(),
        };
        let candidate = match compile_candidate(&documents) {
            None => None,
            Some(Ok((candidate, of_candidate))) => {
                warnings.extend(of_candidate);
                Some(candidate)
            }
            Some(Err(problems)) => return refused("candidate policy", &problems).into(),
        };
        let mut texts = Vec::new();
        let impact = before.policy.and_then(|old| seen.impact(old, &policy));
        if let Some(old) = before.policy
            && confirmed.as_deref() != Some(policy.hash())
            && let Some(why) = seen.refusal(old, &policy, impact.as_ref())
        {
            return Judged { guarded: Guarded::Refused(why), impact, trial: None };
        }
        let unanswered = before.policy.and_then(|old| seen.unanswered(old, &policy));
        texts.extend(unanswered.map(str::to_owned));
        if let Some(impact) = &impact {
            texts.extend(seen.lines(impact, Compared::Policy));
        }
        let is_news =
            |candidate: &Policy| !before.candidate.is_some_and(|old| is_same(old, candidate));
        let trial = candidate.filter(is_news);
        let trial = trial.and_then(|candidate| seen.impact(&policy, &candidate));
        if let Some(trial) = &trial {
            texts.extend(seen.lines(trial, Compared::Candidate));
        }
        if !texts.is_empty() {
            texts.extend(seen.by_whom());
        }
        let hits = texts.len();
        texts.extend(overwritten);
        texts.extend(unchanged_updates.warning(&policy).map(str::to_owned));
        if let Some(in_force) = before.policy {
            let difference = Difference::between(in_force, &policy);
            let left_out = difference.left_out_loosening;
            let loosening = difference.changes.into_iter().filter(|change| change.loosens);
            let said = |change: policy::Change| format!("this loosens the policy: {}", change.text);
            texts.extend(loosening.map(said));
            // One line for the count of those, and one for that of the warnings below.
            cut(&mut texts, (MOST_WARNINGS - 1).max(hits + 1), left_out, "loosening changes");
        }
        // A warning of the API server is one line, so the hint stays behind.
        let without_hint = |Warning(warning)| Problem { hint: None, ..warning }.to_string();
        texts.extend(warnings.into_iter().map(without_hint));
        cut(&mut texts, MOST_WARNINGS, 0, "warnings");
        Judged { guarded: Guarded::Accepted(texts), impact, trial }
    }
}

impl From<Guarded> for Judged {
    fn from(guarded: Guarded) -> Self {
        Self { guarded, impact: None, trial: None }
    }
}

/// Cuts `texts` to `most`, the last of which counts what is not shown, with `more` that never were
/// among them.
fn cut(texts: &mut Vec<String>, most: usize, more: usize, what: &str) {
    if texts.len() <= most && more == 0 {
        return;
    }
    let shown = texts.len().min(most - 1);
    let left_out = texts.len() - shown + more;
    texts.truncate(shown);
    texts.push(format!("and {left_out} more {what}"));
}

fn refused(what: &str, problems: &Problems) -> Guarded {
    Guarded::Refused(format!("the {what} is not valid:\n{problems}"))
}
