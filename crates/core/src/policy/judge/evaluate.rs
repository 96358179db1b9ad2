//! Evaluation: a policy and images in, a verdict out.
//!
//! The accepting path allocates nothing: texts are made only for images that break a rule, and only
//! for as many as an answer has room for.

use std::fmt::Display;

use crate::image::Reference;
use crate::policy::judge::advice;
use crate::policy::judge::checks::Rule;
use crate::policy::judge::exemption::{Exemption, RuleSet};
use crate::policy::judge::message;
use crate::policy::judge::policy::{Override, Policy};
use crate::policy::judge::subject::{ContainerImage, Excess, Subject, Workload};
use crate::policy::judge::verdict::{
    Decision, Exempted, Mode, TemplateMode, UpdateScope, Verdict, Violation, kept,
};
use crate::policy::rules::fields::Rules;

impl Policy {
    /// Which references of an updated object this policy judges for `subject`.
    #[must_use]
    pub fn update_scope(&self, subject: &Subject<'_>) -> UpdateScope {
        self.rules_for(subject).0.updates
    }

    /// Judges `images`, which the caller has already narrowed to the update scope.
    ///
    /// An image that is not a reference, or is not there at all, breaks
    /// [`Rule::InvalidReference`], and no exemption helps it.
    #[must_use]
    pub fn evaluate<'p, 'i>(
        &'p self,
        subject: &Subject<'_>,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
    ) -> Verdict<'p> {
        self.evaluate_lists(subject, images, &[])
    }

    /// Judges `images` as [`Policy::evaluate`] does, and refuses what is in `excess` unread.
    #[must_use]
    pub fn evaluate_lists<'p, 'i>(
        &'p self,
        subject: &Subject<'_>,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
        excess: &[Excess],
    ) -> Verdict<'p> {
        let (rules, override_name) = self.rules_for(subject);
        let mut verdict = Verdict {
            denial_hint: Some(&*rules.denial_hint)
                .filter(|hint| rules.denial_warnings && !hint.is_empty()),
            override_name,
            ..Verdict::admitting(effective_mode(rules, subject.workload), self.hash())
        };
        if subject.workload == Workload::Template && rules.templates == TemplateMode::Ignore {
            return verdict;
        }
        for image in images {
            self.judge(image, rules, subject, &mut verdict);
        }
        for Excess { first, count } in excess {
            verdict.violated(Rule::InvalidReference, *count, || Violation {
                container: first.entry(),
                image: String::new(),
                field: *first,
                rule: Rule::InvalidReference,
                message: message::excess(*first),
                advice: None,
            });
        }
        if verdict.mode == Mode::Enforce && !verdict.violations.is_empty() {
            verdict.decision = Decision::Deny;
        }
        verdict
    }

    /// Whether an override of this name exists, for paths that pin one.
    #[must_use]
    pub fn has_override(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The rules for a subject, and the name of the override they come from.
    ///
    /// A pinned name that does not exist falls back to the namespace; callers ask
    /// [`Policy::has_override`] first and refuse the request.
    pub(in crate::policy) fn rules_for(&self, subject: &Subject<'_>) -> (&Rules, Option<&str>) {
        let pinned = subject.pinned.and_then(|name| self.by_name.get(name).copied());
        let position = pinned.or_else(|| self.by_namespace.first(subject.namespace));
        match position.and_then(|position| self.overrides.get(position)) {
            Some(Override { name, rules }) => (rules, Some(name)),
            None => (&self.base, None),
        }
    }

    fn judge<'p>(
        &'p self,
        image: &ContainerImage<'_>,
        rules: &Rules,
        subject: &Subject<'_>,
        verdict: &mut Verdict<'p>,
    ) {
        let written = image.image.as_deref();
        let container = || named(image);
        let violation = |rule, container: String, message| Violation {
            image: kept(written.unwrap_or_default()).to_owned(),
            field: image.field,
            container,
            rule,
            message,
            advice: None,
        };
        let invalid = |why: &dyn Display| {
            let container = container();
            let message = message::invalid(&container, written.unwrap_or_default(), why);
            violation(Rule::InvalidReference, container, message)
        };
        let Some(written) = written else {
            verdict.violated(Rule::InvalidReference, 1, || invalid(&"the image is missing"));
            return;
        };
        let reference = match Reference::parse(written) {
            Ok(reference) => reference,
            Err(error) => {
                verdict.violated(Rule::InvalidReference, 1, || invalid(&error));
                return;
            }
        };
        let Some(first) = rules.broken_by(&reference) else { return };
        let Covering { lifted, active, mut expired } =
            self.covering(&reference, subject, first.rule());
        let left = match active {
            // Nothing lifts the first rule, so it decides.
            None => Some(first),
            Some(_) => rules.broken_beyond(&reference, |rule| lifted.contains(rule)),
        };
        let Some(broken) = left else {
            verdict.exempted(|| Exempted {
                exemption: active.map(Exemption::name).unwrap_or_default(),
                reason: active.map(Exemption::reason).unwrap_or_default(),
                container: container(),
                image: kept(written).to_owned(),
                field: image.field,
            });
            return;
        };
        if broken != first {
            expired = self.covering(&reference, subject, broken.rule()).expired;
        }
        let is_advised = rules.denial_warnings && verdict.mode == Mode::Enforce;
        verdict.violated(broken.rule(), 1, || {
            let container = container();
            let mut message = message::broken(rules, broken, &container, kept(written));
            if let Some(exemption) = expired {
                message.push_str(&message::expired(exemption));
            }
            Violation {
                advice: is_advised.then(|| advice::on(rules, broken, &reference)),
                ..violation(broken.rule(), container, message)
            }
        });
    }

    /// What the exemptions make of an image that breaks `rule`.
    fn covering(
        &self,
        reference: &Reference<'_>,
        subject: &Subject<'_>,
        rule: Rule,
    ) -> Covering<'_> {
        let mut covering = Covering { lifted: RuleSet::default(), active: None, expired: None };
        for exemption in self.exemptions.iter().filter(|each| each.covers(reference, subject)) {
            let lifts = exemption.lifts.contains(rule);
            if exemption.is_expired(subject.now) {
                covering.expired = covering.expired.or(Some(exemption).filter(|_| lifts));
                continue;
            }
            covering.lifted = covering.lifted.and(exemption.lifts);
            covering.active = covering.active.or(Some(exemption).filter(|_| lifts));
            if covering.lifted == RuleSet::ALL {
                break;
            }
        }
        covering
    }
}

/// The exemptions that cover an image.
struct Covering<'p> {
    /// The rules that those in force lift together.
    lifted: RuleSet,
    /// The first in force that lifts the rule that was asked about.
    active: Option<&'p Exemption>,
    /// The first that did until it expired.
    expired: Option<&'p Exemption>,
}

/// The container's name; where it has none, the field path at which it stands.
fn named(image: &ContainerImage<'_>) -> String {
    match image.container.as_ref() {
        "" => image.field.entry(),
        name => kept(name).to_owned(),
    }
}

/// Pods follow the policy's mode; templates at most the mode that `templates` gives them.
fn effective_mode(rules: &Rules, workload: Workload) -> Mode {
    match (workload, rules.templates, rules.mode) {
        (Workload::Template, TemplateMode::Warn, Mode::Enforce) => Mode::Warn,
        (_, _, mode) => mode,
    }
}
