//! Where a candidate policy would decide differently.

use crate::policy::{Decision, Rule, Verdict};

/// A decision that another policy would turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// What the other policy would decide.
    pub to: Decision,
    /// The first rule that is broken on the side that denies.
    pub rule: Option<Rule>,
}

impl Flip {
    /// From the verdict that was given to that of a candidate; `None` where both decide alike.
    #[must_use]
    pub fn between(given: &Verdict<'_>, candidate: &Verdict<'_>) -> Option<Self> {
        let denying = match (given.decision, candidate.decision) {
            (Decision::Deny, Decision::Allow) => given,
            (Decision::Allow, Decision::Deny) => candidate,
            _ => return None,
        };
        let rule = denying.violations.first().map(|violation| violation.rule);
        Some(Self { to: candidate.decision, rule })
    }
}
