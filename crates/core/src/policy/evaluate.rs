//! Evaluation: a policy and images in, a verdict out.
//!
//! The accepting path allocates nothing: texts are made only for images that break a rule.

use crate::image::Reference;
use crate::policy::compile::{Override, Policy};
use crate::policy::exemption::Exemption;
use crate::policy::message;
use crate::policy::rules::Rules;
use crate::policy::subject::{ContainerImage, Subject, Workload};
use crate::policy::verdict::{
    Decision, Exempted, Mode, Rule, TemplateMode, UpdateScope, Verdict, Violation,
};

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
        let (rules, override_name) = self.rules_for(subject);
        let mut verdict = Verdict {
            decision: Decision::Allow,
            mode: effective_mode(rules, subject.workload),
            violations: Vec::new(),
            exempted: Vec::new(),
            override_name,
            policy_hash: self.hash(),
        };
        if subject.workload == Workload::Template && rules.templates == TemplateMode::Ignore {
            return verdict;
        }
        for image in images {
            self.judge(image, rules, subject, &mut verdict);
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
    pub(super) fn rules_for(&self, subject: &Subject<'_>) -> (&Rules, Option<&str>) {
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
        let container = image.container.as_ref();
        let violation = |rule, written: &str, message| Violation {
            container: container.to_owned(),
            image: written.to_owned(),
            field: image.field,
            rule,
            message,
        };
        let Some(written) = image.image.as_deref() else {
            let message = message::invalid(container, "", &"the image is missing");
            verdict.violations.push(violation(Rule::InvalidReference, "", message));
            return;
        };
        let reference = match Reference::parse(written) {
            Ok(reference) => reference,
            Err(error) => {
                let message = message::invalid(container, written, &error);
                verdict.violations.push(violation(Rule::InvalidReference, written, message));
                return;
            }
        };
        let Some(broken) = rules.broken_by(&reference) else { return };
        let (active, expired) = self.covering(&reference, subject);
        if let Some(exemption) = active {
            verdict.exempted.push(Exempted {
                exemption: exemption.name(),
                reason: exemption.reason(),
                container: container.to_owned(),
                image: written.to_owned(),
                field: image.field,
            });
            return;
        }
        let mut message = message::broken(rules, broken, container, written);
        if let Some(exemption) = expired {
            message.push_str(&message::expired(exemption));
        }
        verdict.violations.push(violation(broken.rule(), written, message));
    }

    /// The first exemption that covers an image now, and the first that did until it expired.
    pub(super) fn covering(
        &self,
        reference: &Reference<'_>,
        subject: &Subject<'_>,
    ) -> (Option<&Exemption>, Option<&Exemption>) {
        let mut expired = None;
        for exemption in self.exemptions.iter().filter(|each| each.covers(reference, subject)) {
            if !exemption.is_expired(subject.now) {
                return (Some(exemption), expired);
            }
            expired = expired.or(Some(exemption));
        }
        (None, expired)
    }
}

/// Pods follow the policy's mode; templates at most the mode that `templates` gives them.
fn effective_mode(rules: &Rules, workload: Workload) -> Mode {
    match (workload, rules.templates, rules.mode) {
        (Workload::Template, TemplateMode::Warn, Mode::Enforce) => Mode::Warn,
        (_, _, mode) => mode,
    }
}
