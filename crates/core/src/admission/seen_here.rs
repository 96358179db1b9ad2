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

/// Said of an edit that changes what the policy means.
const UNANSWERED: &str = "the memory of images does not answer: whom this edit hits is not known";

/// What stands before the first line about a candidate.
const CANDIDATE: &str = "by the candidate, ";

/// What one replica has seen.
#[derive(Clone, Debug)]
pub struct SeenHere<'a, U> {
    /// Each distinct use. Where there is no time for all of them, any part; `None` where the memory
    /// does not answer.
    pub usages: Option<U>,
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
    /// Whom a change hits; `None` where both policies mean the same, nothing was seen, or the memory
    /// does not answer.
    pub(super) fn impact(&self, old: &Policy, new: &Policy) -> Option<Impact> {
        if is_same(old, new) {
            return None;
        }
        let usages = self.usages.clone()?;
        let impact = Impact::with_most(Some(old), new, usages, self.now, MOST_NAMED);
        (impact.images > 0).then_some(impact)
    }

    /// The warning that nobody knows whom a change hits; `None` where the memory answers, or both
    /// policies mean the same.
    pub(super) fn unanswered(&self, old: &Policy, new: &Policy) -> Option<&'static str> {
        (self.usages.is_none() && !is_same(old, new)).then_some(UNANSWERED)
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

    /// Why an edit from `old` to `new` is refused that denies more images in use than `old` allows,
    /// or may do so, and how to insist. `None` where it is not.
    pub(super) fn refusal(
        &self,
        old: &Policy,
        new: &Policy,
        impact: Option<&Impact>,
    ) -> Option<String> {
        let limit = old.refuses_edits_that_deny()?;
        let allows =
            format!("the policy in force lets an edit refuse {limit} (refuseEditsThatDeny)");
        let mut lines = Vec::new();
        if let Some(impact) = impact {
            let count = impact.newly_denied.images_within_a_day;
            let perhaps = impact.perhaps_denied.images_within_a_day;
            let partial = self.is_partial(impact);
            // What nobody knows does not pass either.
            if count + perhaps <= limit as usize && !partial {
                return None;
            }
            let plural = if count == 1 { "" } else { "s" };
            let at_least = if partial { "at least " } else { "" };
            let perhaps = match perhaps {
                0 => String::new(),
                perhaps => format!(", and perhaps {perhaps} more by their labels"),
            };
            lines.push(format!(
                "this would refuse {at_least}{count} image{plural} seen within the last day{perhaps}, \
                 and {allows}"
            ));
            lines.extend(self.lines(impact, Compared::Policy));
        } else {
            lines.push(format!("{}, and {allows}", self.unanswered(old, new)?));
        }
        lines.extend(self.by_whom());
        let hash = new.hash();
        lines.push(format!(
            "hint: to store it all the same, set the annotation `{CONFIRM_ANNOTATION}: \"{hash}\"` in \
             this edit"
        ));
        Some(lines.join("\n  "))
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
        Self { usages: Some([]), total: 0, replica: "", since: 0, now: 0 }
    }
}

/// Whether two policies mean the same.
pub(super) fn is_same(old: &Policy, new: &Policy) -> bool {
    old.normal_form() == new.normal_form()
}
