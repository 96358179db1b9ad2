//! What a policy makes of one image, without the words: for whoever judges many at once.
//!
//! Agrees with [`Policy::evaluate`] on a request that holds this image alone; `tests/core/usage_impact.rs`
//! compares the two.
//!
//! Of what was judged long ago not all labels may be known. Then there is an outcome for each way in which
//! the selectors of the policy may go: which of its overrides is the first to select the Pod, and whether
//! the exemptions that may cover it do.

use crate::image::{Reference, ReferenceError};
use crate::policy::judge::checks::{Breach, Rule};
use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::labels::{KnownLabels, PodLabels};
use crate::policy::judge::policy::Policy;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::selector::PodSelector;
use crate::policy::judge::standing::Standing;
use crate::policy::judge::subject::{ContainerKind, Subject, Workload};
use crate::policy::judge::verdict::{Mode, TemplateMode};
use crate::policy::rules::fields::Rules;
use smallvec::SmallVec;

/// Overrides that may select one Pod that are looked at; beyond, nothing is known.
const MOST_MAYBE: usize = 8;

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

/// What may become of one image: by each override that may be the first to select its Pod.
#[derive(Debug)]
pub(crate) struct Outcomes<'p> {
    possible: SmallVec<[Possible<'p>; 1]>,
    /// Whether there are more than those.
    is_cut: bool,
}

/// What becomes of an image by the rules of one override, or of none.
#[derive(Debug)]
struct Possible<'p> {
    /// The selector on which it depends that these are the rules; `None` where they surely are, unless one
    /// before is.
    selector: Option<&'p PodSelector>,
    /// By the exemptions that surely cover it.
    surely: Outcome<'p>,
    /// By those, too, that may cover it.
    perhaps: Outcome<'p>,
}

impl<'p> Outcomes<'p> {
    /// The image, and the request with it, is let through.
    pub(crate) fn allowed() -> Self {
        let allowed = Outcome::Allowed;
        let possible = Possible { selector: None, surely: allowed, perhaps: allowed };
        Self { possible: [possible].into_iter().collect(), is_cut: false }
    }

    /// Hands out what may become of an image by two policies, each by itself and both with the same labels,
    /// as far as that can be told. `are_exempt_alike` says that they have the same exemptions.
    pub(crate) fn pairs(
        &self,
        other: &Self,
        are_exempt_alike: bool,
        mut each: impl FnMut(Outcome<'p>, Outcome<'p>),
    ) {
        let mut both = |one: &Possible<'p>, other: &Possible<'p>| {
            each(one.surely, other.surely);
            if one.is_sure() && other.is_sure() {
                return;
            }
            each(one.perhaps, other.perhaps);
            if !are_exempt_alike {
                each(one.surely, other.perhaps);
                each(one.perhaps, other.surely);
            }
        };
        // The same selectors in the same order select by the same labels.
        if self.selectors().eq(other.selectors()) {
            for (one, other) in self.possible.iter().zip(&other.possible) {
                both(one, other);
            }
            return;
        }
        for one in &self.possible {
            for other in &other.possible {
                both(one, other);
            }
        }
    }

    fn selectors(&self) -> impl Iterator<Item = Option<&'p PodSelector>> {
        self.possible.iter().map(|each| each.selector)
    }

    /// Whether there are more outcomes than were looked at.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl Possible<'_> {
    fn is_sure(&self) -> bool {
        self.surely.is_alike(self.perhaps)
    }
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
    /// container of this kind whose image is pulled so.
    #[must_use]
    pub fn outcome(
        &self,
        subject: &Subject<'_>,
        (container, pull_policy): (ContainerKind, PullPolicy),
        reference: Result<&Reference<'_>, ReferenceError>,
    ) -> Outcome<'_> {
        let (rules, _) = self.rules_for(subject, container);
        self.outcome_by(rules, subject, (container, pull_policy), reference)
    }

    /// What may become of it, where of the labels of the Pod these are known.
    pub(crate) fn outcomes(
        &self,
        subject: &Subject<'_>,
        (container, pull_policy): (ContainerKind, PullPolicy),
        known: &KnownLabels<'_>,
        reference: Result<&Reference<'_>, ReferenceError>,
    ) -> Outcomes<'_> {
        let surely = Subject { labels: PodLabels::Some(known, false), ..*subject };
        let perhaps = Subject { labels: PodLabels::Some(known, true), ..*subject };
        let use_of_it = (container, pull_policy);
        let by = |rules| {
            let surely = self.outcome_by(rules, &surely, use_of_it, reference);
            let perhaps = match surely {
                Outcome::Broken(..) if !self.label_keys.is_empty() => {
                    self.outcome_by(rules, &perhaps, use_of_it, reference)
                }
                // More exemptions do it no harm.
                _ => surely,
            };
            (surely, perhaps)
        };
        let mut possible = SmallVec::new();
        let mut passed = SmallVec::<[usize; MOST_MAYBE]>::new();
        loop {
            let position = self.position_for(&perhaps, container, &passed);
            let own = position.and_then(|position| self.overrides.get(position));
            let selector = own.and_then(|own| own.selector.as_deref());
            let selector = selector.filter(|selector| !selector.selects(&surely, container));
            let (surely, perhaps) = by(self.rules_at(position).0);
            let selector = selector.and_then(|selector| selector.pods.as_deref());
            possible.push(Possible { selector, surely, perhaps });
            let (Some(position), Some(_)) = (position, selector) else {
                return Outcomes { possible, is_cut: false };
            };
            if passed.len() == MOST_MAYBE {
                return Outcomes { possible, is_cut: true };
            }
            passed.push(position);
        }
    }

    fn outcome_by<'p>(
        &'p self,
        rules: &'p Rules,
        subject: &Subject<'_>,
        (container, pull_policy): (ContainerKind, PullPolicy),
        reference: Result<&Reference<'_>, ReferenceError>,
    ) -> Outcome<'p> {
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
        match self.standing(rules, reference, (container, pull_policy), subject) {
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
