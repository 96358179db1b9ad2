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
use crate::policy::judge::template::Values;
use crate::policy::judge::verdict::{
    Exempted, Mode, TemplateMode, UpdateScope, Verdict, Violation, kept,
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
            let mode = rules.effective_mode(subject.workload);
            verdict.violated(Rule::InvalidReference, mode, *count, || Violation {
                container: first.entry(),
                image: String::new(),
                field: first.clone(),
                rule: Rule::InvalidReference,
                mode,
                message: message::unread(part),
                advice: None,
            });
        }
        verdict
    }

    fn judge(&self, image: &ContainerImage<'_>, verdict: &mut Verdict<'p>) {
        let Self { policy, rules, subject, .. } = *self;
        let written = image.image.as_deref();
        let container = || named(image);
        let violation = |rule, mode, container: String, message| Violation {
            image: kept(written.unwrap_or_default()).to_owned(),
            field: image.field.clone(),
            container,
            rule,
            mode,
            message,
            advice: None,
        };
        let mode = rules.effective_mode(subject.workload);
        let invalid = |why: &dyn Display| {
            let container = container();
            let message = message::invalid(&container, written.unwrap_or_default(), why);
            violation(Rule::InvalidReference, mode, container, message)
        };
        let Some(written) = written else {
            let why = "the image is missing";
            verdict.violated(Rule::InvalidReference, mode, 1, || invalid(&why));
            return;
        };
        let reference = match Reference::parse(written) {
            Ok(reference) => reference,
            Err(error) => {
                verdict.violated(Rule::InvalidReference, mode, 1, || invalid(&error));
                return;
            }
        };
        let mut text = String::new();
        let reference = match rules.short_names.looked_up(&reference, &mut text) {
            None => reference,
            Some(Ok(looked_up)) => looked_up,
            Some(Err(error)) => {
                verdict.violated(Rule::InvalidReference, mode, 1, || invalid(&error));
                return;
            }
        };
        let (breach, expired) = match policy.standing(rules, &reference, subject) {
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
            Standing::Broken(breach, expired) => (breach, expired),
        };
        let (rule, mode) = (breach.broken.rule(), breach.terms.mode(subject.workload));
        let is_advised = rules.denial_warnings && mode == Mode::Enforce;
        verdict.violated(rule, mode, 1, || {
            let container = container();
            let mut message = message::broken(
                breach,
                Values {
                    reference: &reference,
                    container: &container,
                    image: kept(written),
                    namespace: subject.namespace,
                    policy: policy.hash(),
                },
            );
            if let Some(exemption) = expired {
                message.push_str(&message::expired(exemption));
            }
            Violation {
                advice: is_advised.then(|| advice::on(breach, &reference)),
                ..violation(rule, mode, container, message)
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
