//! Evaluation: a policy and images in, a verdict out.
//!
//! The accepting path allocates nothing: texts are made only for images that break a rule, and only
//! for as many as an answer has room for.

use std::fmt::Display;

use crate::policy::judge::advice;
use crate::policy::judge::checks::Rule;
use crate::policy::judge::message;
use crate::policy::judge::policy::{Distinguishes, Override, Policy, Selecting};
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::standing::Standing;
use crate::policy::judge::subject::{
    ContainerImage, ContainerKind, ImageList, Subject, Unread, Workload,
};
use crate::policy::judge::template::Values;
use crate::policy::judge::verdict::{
    Exempted, Mode, TemplateMode, UpdateScope, Verdict, Violation, kept,
};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::rules::fields::Rules;

/// The rules that apply to a subject, looked up once: for what is judged of a request, and for the
/// judging itself.
#[derive(Clone, Copy, Debug)]
pub struct Applicable<'p, 's> {
    policy: &'p Policy,
    /// For each kind of container, in the order of [`ContainerKind::ALL`].
    rules: [Applied<'p>; ContainerKind::ALL.len()],
    subject: &'s Subject<'s>,
}

/// Rules, and the name of the override that they come from.
type Applied<'p> = (&'p Rules, Option<&'p str>);

impl Policy {
    /// The rules for `subject`.
    #[must_use]
    pub fn applicable<'p, 's>(&'p self, subject: &'s Subject<'s>) -> Applicable<'p, 's> {
        let rules = if self.selecting.is_empty() {
            [self.rules_for(subject, ContainerKind::Regular); ContainerKind::ALL.len()]
        } else {
            ContainerKind::ALL.map(|container| self.rules_for(subject, container))
        };
        Applicable { policy: self, rules, subject }
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

    /// The rules for a subject's containers of one kind, and the name of the override they come from.
    ///
    /// A pinned name stands in for the namespaces of its override, and not for its selector. One that does
    /// not exist falls back to the namespace; callers ask [`Policy::has_override`] first and refuse the
    /// request.
    pub(in crate::policy) fn rules_for(
        &self,
        subject: &Subject<'_>,
        container: ContainerKind,
    ) -> Applied<'_> {
        self.rules_at(self.position_for(subject, container, &[]))
    }

    /// The rules of the override at a position, or those of no override.
    pub(in crate::policy) fn rules_at(&self, position: Option<usize>) -> Applied<'_> {
        match position.and_then(|position| self.overrides.get(position)) {
            Some(Override { name, rules, selector: _ }) => (rules, Some(name)),
            None => (&self.base, None),
        }
    }

    /// The position of the override that has the rules for a subject's containers of one kind, as if those
    /// that are `passed` did not select it.
    pub(in crate::policy) fn position_for(
        &self,
        subject: &Subject<'_>,
        container: ContainerKind,
        passed: &[usize],
    ) -> Option<usize> {
        let selects = |position: &usize| {
            let found = self.overrides.get(*position);
            let selector = found.map(|each| each.selector.as_deref());
            selector.is_some_and(|it| it.is_none_or(|it| it.selects(subject, container)))
                && !passed.contains(position)
        };
        let pinned = subject.pinned.and_then(|name| self.by_name.get(name).copied());
        pinned.filter(selects).or_else(|| {
            let plain = self.by_namespace.first(subject.namespace);
            let earlier = self.selecting.iter().map_while(|Selecting { position, namespaces }| {
                let is_earlier = plain.is_none_or(|plain| *position < plain);
                is_earlier.then_some((position, namespaces))
            });
            let is_here = |namespaces: &Option<PatternIndex>| {
                let first = |index: &PatternIndex| index.first(subject.namespace);
                namespaces.as_ref().is_none_or(|index| first(index).is_some())
            };
            let mut here =
                earlier.filter(|(position, namespaces)| is_here(namespaces) && selects(position));
            here.next().map(|(position, _)| *position).or(plain)
        })
    }
}

impl<'p> Applicable<'p, '_> {
    /// Which references of an updated object are judged, in containers of this kind.
    #[must_use]
    pub fn update_scope(&self, container: ContainerKind) -> UpdateScope {
        self.applied(container).0.updates
    }

    /// Whether the image that an update has, is judged as it was in its use before the update: in a list,
    /// with a pull policy. A pull that is forced is never worse than before.
    pub(crate) fn judges_alike(
        &self,
        image: &ContainerImage<'_>,
        list: ImageList,
        pull_policy: PullPolicy,
    ) -> bool {
        let Distinguishes { containers, pull_policies } = self.policy.distinguishes;
        (!containers || image.field.list.containers() == list.containers())
            && (!pull_policies
                || image.pull_policy == pull_policy
                || image.pull_policy == PullPolicy::Always)
    }

    /// The rules for containers of this kind.
    fn applied(&self, container: ContainerKind) -> Applied<'p> {
        let [regular, init, ephemeral, volume] = self.rules;
        match container {
            ContainerKind::Regular => regular,
            ContainerKind::Init => init,
            ContainerKind::Ephemeral => ephemeral,
            ContainerKind::ImageVolume => volume,
        }
    }

    /// The verdict while nothing is wrong.
    pub(crate) fn admitting(&self) -> Verdict<'p> {
        let (rules, override_name) = self.applied(ContainerKind::Regular);
        let mode = rules.effective_mode(self.subject.workload);
        let denial_hint = rules.hint();
        Verdict { denial_hint, override_name, ..Verdict::admitting(mode, self.policy.hash()) }
    }

    /// Judges `images` as [`Policy::evaluate`] does, and refuses what is `unread`.
    #[must_use]
    pub fn evaluate<'i>(
        &self,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
        unread: impl IntoIterator<Item = &'i Unread>,
    ) -> Verdict<'p> {
        let mut verdict = self.admitting();
        self.judge_all(images, &mut verdict);
        self.refuse_all(unread, &mut verdict);
        verdict
    }

    /// Judges `images` as part of a request of which this is the verdict so far.
    pub(crate) fn judge_all<'i>(
        &self,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
        verdict: &mut Verdict<'p>,
    ) {
        for image in images {
            self.judge(image, verdict);
        }
    }

    /// Refuses what is `unread`.
    pub(crate) fn refuse_all<'i>(
        &self,
        unread: impl IntoIterator<Item = &'i Unread>,
        verdict: &mut Verdict<'p>,
    ) {
        for part @ Unread { first, count, why: _ } in unread {
            let applied @ (rules, _) = self.applied(first.list.containers());
            if self.ignores(rules) {
                continue;
            }
            let mode = rules.effective_mode(self.subject.workload);
            verdict.violated(Rule::InvalidReference, (mode, applied), *count, || Violation {
                container: first.entry(),
                image: String::new(),
                field: first.clone(),
                rule: Rule::InvalidReference,
                mode,
                message: message::unread(part),
                advice: None,
            });
        }
    }

    fn ignores(&self, rules: &Rules) -> bool {
        self.subject.workload == Workload::Template && rules.templates == TemplateMode::Ignore
    }

    fn judge(&self, image: &ContainerImage<'_>, verdict: &mut Verdict<'p>) {
        let Self { policy, subject, .. } = *self;
        let kind = image.field.list.containers();
        let applied @ (rules, _) = self.applied(kind);
        if self.ignores(rules) {
            return;
        }
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
            verdict.violated(Rule::InvalidReference, (mode, applied), 1, || invalid(&why));
            return;
        };
        let mut text = String::new();
        let reference = match rules.short_names.read(written, &mut text) {
            Ok(reference) => reference,
            Err(error) => {
                verdict.violated(Rule::InvalidReference, (mode, applied), 1, || invalid(&error));
                return;
            }
        };
        let (breach, expired) =
            match policy.standing(rules, &reference, (kind, image.pull_policy), subject) {
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
        verdict.violated(rule, (mode, applied), 1, || {
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
                advice: is_advised.then(|| advice::on(breach, &reference, image.pull_policy)),
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
