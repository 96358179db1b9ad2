//! What a policy makes of one image, without the words: for whoever judges many at once.
//!
//! Agrees with [`Policy::evaluate`] on a request that holds this image alone, always pulled;
//! `tests/core/usage_impact.rs` compares the two.

use crate::image::{Reference, ReferenceError};
use crate::policy::judge::checks::{Breach, Rule};
use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::policy::Policy;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::standing::Standing;
use crate::policy::judge::subject::{ContainerKind, Subject, Workload};
use crate::policy::judge::verdict::{Mode, TemplateMode};

/// What becomes of one image.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'p> {
    /// It breaks no rule, or nobody looks.
    Allowed,
    /// It breaks a rule from which it is exempt.
    Exempt(&'p Exemption),
    /// It breaks a rule, and the mode says what follows.
    Broken(Rule, Mode),
}

impl Outcome<'_> {
    /// Whether the request that holds the image is refused.
    #[must_use]
    pub fn is_denied(self) -> bool {
        matches!(self, Self::Broken(_, Mode::Enforce))
    }

    /// Whether the request is admitted with a warning.
    #[must_use]
    pub fn is_warned(self) -> bool {
        matches!(self, Self::Broken(_, Mode::Warn))
    }

    /// Whether the request is admitted, and logged.
    #[must_use]
    pub fn is_audited(self) -> bool {
        matches!(self, Self::Broken(_, Mode::Audit))
    }

    /// Whether both lead to the same answer for the same rule, whichever exemption helps.
    #[must_use]
    pub fn is_alike(self, other: Outcome<'_>) -> bool {
        match (self, other) {
            (Self::Broken(rule, mode), Outcome::Broken(other_rule, other_mode)) => {
                (rule, mode) == (other_rule, other_mode)
            }
            (Self::Broken(..), _) | (_, Outcome::Broken(..)) => false,
            _ => true,
        }
    }

    /// The rule that is broken, whatever follows; `None` where the image is exempt from it.
    #[must_use]
    pub fn rule(self) -> Option<Rule> {
        match self {
            Self::Broken(rule, _) => Some(rule),
            Self::Allowed | Self::Exempt(_) => None,
        }
    }
}

impl Policy {
    /// What becomes of a reference that was read once, and is maybe judged by several policies, in a
    /// container of a Pod that always pulls it: what is used where does not say more.
    #[must_use]
    pub fn outcome(
        &self,
        subject: &Subject<'_>,
        reference: Result<&Reference<'_>, ReferenceError>,
    ) -> Outcome<'_> {
        let container = ContainerKind::Regular;
        let (rules, _) = self.rules_for(subject, container);
        if subject.workload == Workload::Template && rules.templates == TemplateMode::Ignore {
            return Outcome::Allowed;
        }
        let mode = rules.effective_mode(subject.workload);
        let Ok(reference) = reference else {
            return Outcome::Broken(Rule::InvalidReference, mode);
        };
        let mut text = String::new();
        let Ok(looked_up) = rules.short_names.looked_up(reference, &mut text).transpose() else {
            return Outcome::Broken(Rule::InvalidReference, mode);
        };
        let reference = looked_up.as_ref().unwrap_or(reference);
        match self.standing(rules, reference, (container, PullPolicy::Always), subject) {
            Standing::Fine => Outcome::Allowed,
            Standing::Exempt(exemption) => Outcome::Exempt(exemption),
            Standing::Broken(Breach { broken, terms }, _) => {
                Outcome::Broken(broken.rule(), terms.mode(subject.workload))
            }
        }
    }

    /// The repository, as `host/path`, by which a reference is judged for a subject: where the rules look
    /// short names up below a place, the one there. `None` where that is no repository.
    #[must_use]
    pub fn judged_repository(
        &self,
        subject: &Subject<'_>,
        reference: &Reference<'_>,
    ) -> Option<String> {
        let (rules, _) = self.rules_for(subject, ContainerKind::Regular);
        let mut text = String::new();
        let looked_up = rules.short_names.looked_up(reference, &mut text).transpose().ok()?;
        let judged = looked_up.as_ref().unwrap_or(reference);
        Some(format!("{}/{}", judged.registry(), judged.repository()))
    }
}
