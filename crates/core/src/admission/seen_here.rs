//! The images that a replica has seen, beside an edit of the policy: whom would it hit?
//!
//! Where they are remembered is not known here.

use super::config_map::CONFIRM_ANNOTATION;
use crate::policy::Policy;
use crate::usage::{Budget, Impact, Seen, Usage};

/// Images that are named at most, by their number of uses.
const MOST_NAMED: usize = 20;
/// Full lines about the policy, and about the candidate. They break between images, so that there may
/// be half as many again; the rest of the warnings of an answer is for others.
const LINES: usize = 7;
const LINES_OF_CANDIDATE: usize = 4;
/// Characters of a line, as the API documentation asks of a warning.
const LINE: usize = 120;

/// What stands before the first line about a candidate.
const CANDIDATE: &str = "by the candidate, ";

/// What one replica has seen.
#[derive(Clone, Debug)]
pub struct SeenHere<'a, U> {
    /// Each distinct use. Where there is no time for all of them, any part.
    pub usages: U,
    /// How many distinct uses there are.
    pub total: usize,
    /// The name of the replica; empty where it has none.
    pub replica: &'a str,
    /// Since when it remembers, in Unix seconds.
    pub since: i64,
    /// Now, in Unix seconds.
    pub now: i64,
}

/// What is compared with what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Policy,
    Candidate,
}

impl<'u, U: IntoIterator<Item = Usage<'u>> + Clone> SeenHere<'_, U> {
    /// Whom a change hits; `None` where both policies mean the same, or nothing was seen.
    pub(super) fn impact(&self, old: &Policy, new: &Policy) -> Option<Impact> {
        if old.normal_form() == new.normal_form() {
            return None;
        }
        let usages = self.usages.clone();
        let impact = Impact::with_most(Some(old), new, usages, self.now, MOST_NAMED);
        (impact.images > 0).then_some(impact)
    }

    /// Whether there was no time for all that was seen.
    pub(super) fn is_partial(&self, impact: &Impact) -> bool {
        impact.uses < self.total
    }

    /// The impact in warnings.
    pub(super) fn lines(&self, impact: &Impact, of: Compared) -> Vec<String> {
        let (before, lines) = match of {
            Compared::Policy => ("", LINES),
            Compared::Candidate => (CANDIDATE, LINES_OF_CANDIDATE),
        };
        // The API server counts bytes, of which a character that is shown for another has three.
        let line = LINE - before.len();
        let budget = Budget { line, total: line * (lines - 1) };
        let seen = Seen { by: None, since: self.since };
        let mut lines = impact.lines(seen, self.now, budget);
        if let Some(first) = lines.first_mut() {
            first.insert_str(0, before);
        }
        if self.is_partial(impact) {
            lines.push(format!("there was time for {} of {} uses", impact.uses, self.total));
        }
        lines
    }

    /// Why an edit is refused that denies more images in use than `limit`, or may do so, and how to
    /// insist. `hash` is that of the new policy.
    pub(super) fn refusal(&self, impact: &Impact, limit: u32, hash: &str) -> String {
        let count = impact.newly_denied.images_within_a_day;
        let plural = if count == 1 { "" } else { "s" };
        let at_least = if self.is_partial(impact) { "at least " } else { "" };
        let mut lines = vec![format!(
            "this would refuse {at_least}{count} image{plural} seen within the last day, and the policy in force \
             lets an edit refuse {limit} (refuseEditsThatDeny)"
        )];
        lines.extend(self.lines(impact, Compared::Policy));
        lines.extend(self.by_whom());
        lines.push(format!(
            "hint: to store it all the same, set the annotation `{CONFIRM_ANNOTATION}: \"{hash}\"` in \
             this edit"
        ));
        lines.join("\n  ")
    }

    /// Whose memory it is. Another replica has seen other requests.
    pub(super) fn by_whom(&self) -> Option<String> {
        let is_named = !self.replica.is_empty();
        is_named.then(|| format!("seen by `{}`; other replicas may have seen more", self.replica))
    }
}

impl SeenHere<'static, [Usage<'static>; 0]> {
    /// Nothing was seen.
    #[must_use]
    pub fn nothing() -> Self {
        Self { usages: [], total: 0, replica: "", since: 0, now: 0 }
    }
}
