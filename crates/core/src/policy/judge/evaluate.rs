//! Evaluation: a policy and images in, a verdict out.
//!
//! The accepting path allocates nothing: texts are made only for images that break a rule, and only
//! for as many as an answer has room for.

use std::fmt::Display;

use crate::image::Reference;
use crate::policy::judge::advice;
use crate::policy::judge::checks::Rule;
use crate::policy::judge::message;
use crate::policy::judge::policy::{Override, Policy};
use crate::policy::judge::standing::Standing;
use crate::policy::judge::subject::{ContainerImage, Subject, Unread, Workload};
use crate::policy::judge::verdict::{
    Decision, Exempted, Mode, TemplateMode, UpdateScope, Verdict, Violation, kept,
};
use crate::policy::rules::fields::Rules;

/// The rules that apply to a subject, looked up once: for what is judged of a request, and for the
/// judging itself.
#[derive(Clone, Copy, Debug)]
pub struct Applicable<'p, 's> {
    policy: &'p Policy,
    rules: &'p Rules,
    override_name: Option<&'p str>,
    subject: &'s Subject<'s>,
}

impl Policy {
    /// The rules for `subject`.
    #[must_use]
    pub fn applicable<'p, 's>(&'p self, subject: &'s Subject<'s>) -> Applicable<'p, 's> {
        let (rules, override_name) = self.rules_for(subject);
        Applicable { policy: self, rules, override_name, subject }
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
        self.applicable(subject).evaluate(images, &[])
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
}

impl<'p> Applicable<'p, '_> {
    /// Which references of an updated object are judged.
    #[must_use]
    pub fn update_scope(&self) -> UpdateScope {
        self.rules.updates
    }

    /// Judges `images` as [`Policy::evaluate`] does, and refuses what is `unread`.
    #[must_use]
    pub fn evaluate<'i>(
        &self,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
        unread: impl IntoIterator<Item = &'i Unread>,
    ) -> Verdict<'p> {
        let Self { policy, rules, override_name, subject } = *self;
        let mut verdict = Verdict {
            denial_hint: Some(&*rules.denial_hint)
                .filter(|hint| rules.denial_warnings && !hint.is_empty()),
            override_name,
            ..Verdict::admitting(rules.effective_mode(subject.workload), policy.hash())
        };
        if subject.workload == Workload::Template && rules.templates == TemplateMode::Ignore {
            return verdict;
        }
        for image in images {
            self.judge(image, &mut verdict);
        }
        for part @ Unread { first, count, why: _ } in unread {
            verdict.violated(Rule::InvalidReference, *count, || Violation {
                container: first.entry(),
                image: String::new(),
                field: first.clone(),
                rule: Rule::InvalidReference,
                message: message::unread(part),
                advice: None,
            });
        }
        if verdict.mode == Mode::Enforce && !verdict.violations.is_empty() {
            verdict.decision = Decision::Deny;
        }
        verdict
    }

    fn judge(&self, image: &ContainerImage<'_>, verdict: &mut Verdict<'p>) {
        let Self { policy, rules, subject, .. } = *self;
        let written = image.image.as_deref();
        let container = || named(image);
        let violation = |rule, container: String, message| Violation {
            image: kept(written.unwrap_or_default()).to_owned(),
            field: image.field.clone(),
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
        let (broken, expired) = match policy.standing(rules, &reference, subject) {
            Standing::Fine => return,
            Standing::Exempt(exemption) => {
                verdict.exempted(|| Exempted {
                    exemption: exemption.name(),
                    reason: exemption.reason(),
                    container: container(),
                    image: kept(written).to_owned(),
                    field: image.field.clone(),
                });
                return;
            }
            Standing::Broken(broken, expired) => (broken, expired),
        };
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
}

/// The container's name; where it has none, the field path at which it stands.
fn named(image: &ContainerImage<'_>) -> String {
    match image.container.as_ref() {
        "" => image.field.entry(),
        name => kept(name).to_owned(),
    }
}
