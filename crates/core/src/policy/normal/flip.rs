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
        let rule = denying.deciding().map(|violation| violation.rule);
        Some(Self { to: candidate.decision, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::Flip;
    use crate::policy::{Decision, Field, ImageList, Mode, Rule, Verdict, Violation};

    fn verdict(decision: Decision, rule: Option<Rule>) -> Verdict<'static> {
        let field = Field { pod_spec: "spec".into(), list: ImageList::Containers, index: 0 };
        let violation = |rule| Violation {
            container: String::new(),
            image: String::new(),
            field,
            rule,
            mode: Mode::Enforce,
            message: String::new(),
            advice: None,
        };
        Verdict {
            decision,
            violations: rule.map(violation).into_iter().collect(),
            ..Verdict::admitting(Mode::Enforce, "")
        }
    }

    #[test]
    fn rows() {
        let allow = verdict(Decision::Allow, None);
        let warn = verdict(Decision::Allow, Some(Rule::BlockedTag));
        let deny = verdict(Decision::Deny, Some(Rule::MissingTag));
        let to = |to, rule| Some(Flip { to, rule: Some(rule) });
        let rows = [
            (&allow, &warn, None),
            (&deny, &deny, None),
            (&deny, &warn, to(Decision::Allow, Rule::MissingTag)),
            (&warn, &deny, to(Decision::Deny, Rule::MissingTag)),
            (&allow, &deny, to(Decision::Deny, Rule::MissingTag)),
        ];
        for (given, candidate, expected) in rows {
            assert_eq!(Flip::between(given, candidate), expected, "{given:?}, {candidate:?}");
        }
    }
}
