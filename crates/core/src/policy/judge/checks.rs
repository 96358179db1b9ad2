//! The checks that an image has to pass, one after the other: which of them it breaks, and what decided
//! each.
//!
//! Evaluation stops at the first check that is broken; an explanation goes on to the last. The texts
//! for people are in [`message`].

use crate::image::Reference;
use crate::policy::judge::message;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::judge::subject::Workload;
use crate::policy::judge::terms::Terms;
use crate::policy::judge::verdict::{Mode, TemplateMode};
use crate::policy::rules::fields::Rules;
use crate::policy::rules::short_names::ShortNames;

/// The rules an image can break, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `invalid-reference`: outside the reference grammar.
    InvalidReference,
    /// `missing-tag`: neither tag nor digest.
    MissingTag,
    /// `untrusted-registry`: not in the allowed registries, or in the blocked ones.
    UntrustedRegistry,
    /// `blocked-tag`: in the blocked tags, or not in the allowed ones.
    BlockedTag,
    /// `missing-digest`: not pinned by digest.
    MissingDigest,
    /// `pull-policy`: may be taken from what the node has.
    PullPolicy,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule that is checked.
    pub rule: Rule,
    /// Whether the image passes.
    pub passed: bool,
    /// What decided: the pattern, the setting, or the part of the reference.
    pub detail: String,
}

/// The first rule that an image breaks, with what its message needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Broken {
    MissingTag,
    /// Not covered by the allowed registries, or a short name.
    RegistryNotAllowed,
    /// Covered by the blocked registry at this position.
    RegistryBlocked(usize),
    TagBlocked,
    TagNotAllowed,
    MissingDigest,
    PullPolicy,
}

/// A rule that a reference breaks, and the terms that it was judged by.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Breach<'p> {
    pub(in crate::policy) broken: Broken,
    pub(in crate::policy) terms: Terms<'p>,
}

impl Rules {
    /// The mode of a Pod or a template by the policy alone.
    pub(in crate::policy) fn effective_mode(&self, workload: Workload) -> Mode {
        self.limited(self.mode, workload)
    }

    /// A mode for this workload: for a template at most the one that `templates` gives it.
    pub(in crate::policy) fn limited(&self, mode: Mode, workload: Workload) -> Mode {
        match (workload, self.templates, mode) {
            (Workload::Template, TemplateMode::Warn, Mode::Enforce) => Mode::Warn,
            (_, _, mode) => mode,
        }
    }

    /// The first rule that `reference` breaks, in the order tag missing, registry, tag, digest, pull
    /// policy.
    pub(in crate::policy) fn broken_by(
        &self,
        reference: &Reference<'_>,
        pull_policy: PullPolicy,
    ) -> Option<Breach<'_>> {
        self.broken_beyond(reference, pull_policy, |_| false)
    }

    /// As [`broken_by`](Self::broken_by), without the rules that are lifted.
    pub(in crate::policy) fn broken_beyond(
        &self,
        reference: &Reference<'_>,
        pull_policy: PullPolicy,
        is_lifted: impl Fn(Rule) -> bool,
    ) -> Option<Breach<'_>> {
        // An entry can have rules for the first check, so it is looked up before that one.
        let known = self.allowed_registries.have_own_rules().then(|| self.registry(reference));
        let is_accepted = is_lifted(Rule::UntrustedRegistry);
        let terms = self.terms_by(reference, known, is_accepted);
        let breach = |broken| Some(Breach { broken, terms });
        let has_neither = reference.tag().is_none() && reference.digest().is_none();
        if terms.require_tag() && has_neither && !is_lifted(Rule::MissingTag) {
            return breach(Broken::MissingTag);
        }
        if !is_accepted && let Err(broken) = known.unwrap_or_else(|| self.registry(reference)) {
            return breach(broken);
        }
        if !is_lifted(Rule::BlockedTag)
            && let Some(broken) = terms.tag_broken_by(reference)
        {
            return breach(broken);
        }
        let is_unpinned = terms.require_digest() && reference.digest().is_none();
        if is_unpinned && !is_lifted(Rule::MissingDigest) {
            return breach(Broken::MissingDigest);
        }
        let is_cached = terms.pull_rule().is_broken_by(reference, pull_policy);
        if is_cached && !is_lifted(Rule::PullPolicy) {
            return breach(Broken::PullPolicy);
        }
        None
    }

    /// The position of the entry that allows the registry, or why nothing does.
    fn registry(&self, reference: &Reference<'_>) -> Result<usize, Broken> {
        if reference.is_short_name() && self.short_names == ShortNames::Deny {
            return Err(Broken::RegistryNotAllowed);
        }
        if let Some(position) = self.blocked_registries.set.first(reference) {
            return Err(Broken::RegistryBlocked(position));
        }
        self.allowed_registries.deciding(reference).ok_or(Broken::RegistryNotAllowed)
    }

    /// The rules for a reference, of whose registry this is known. Where it is refused, an entry that
    /// covers the reference all the same is overruled, unless an exemption accepts the registry.
    fn terms_by(
        &self,
        reference: &Reference<'_>,
        registry: Option<Result<usize, Broken>>,
        is_accepted: bool,
    ) -> Terms<'_> {
        let Some(registry) = registry else { return Terms::new(self, None) };
        let entries = &self.allowed_registries;
        let position = registry.ok().or_else(|| entries.deciding(reference));
        let entry = position.and_then(|at| entries.own_rules(at));
        if registry.is_ok() || is_accepted {
            Terms::new(self, entry)
        } else {
            Terms::overruled(self, entry)
        }
    }

    /// Every check, whether or not an earlier one is broken, with what decided it.
    pub(in crate::policy) fn steps(
        &self,
        reference: &Reference<'_>,
        pull_policy: PullPolicy,
    ) -> Vec<Step> {
        let registry = self.registry(reference);
        let terms = self.terms_by(reference, Some(registry), false);
        let mut steps = vec![Step {
            rule: Rule::InvalidReference,
            passed: true,
            detail: format!("the registry is `{}`", reference.registry()),
        }];
        let mut step = |rule, passed, detail: String| steps.push(Step { rule, passed, detail });

        match (reference.tag(), reference.digest()) {
            (Some(tag), _) => step(Rule::MissingTag, true, format!("the tag is `{tag}`")),
            (None, Some(_)) => step(Rule::MissingTag, true, "a digest stands in for a tag".into()),
            (None, None) if terms.require_tag() => {
                step(Rule::MissingTag, false, "there is neither a tag nor a digest".into());
            }
            (None, None) => step(Rule::MissingTag, true, "no tag is required".into()),
        }

        match registry {
            Ok(position) => {
                let pattern = self.allowed_registries.written().get(position);
                let own = self.allowed_registries.own_rules(position);
                let own = own.map(message::own_rules).unwrap_or_default();
                step(Rule::UntrustedRegistry, true, format!("`{pattern}` covers it{own}"));
            }
            Err(Broken::RegistryBlocked(position)) => {
                let pattern = self.blocked_registries.written.get(position);
                step(Rule::UntrustedRegistry, false, format!("`{pattern}` is blocked"));
            }
            Err(_) if reference.is_short_name() && self.short_names == ShortNames::Deny => {
                let detail = "it names no registry, and short names are refused";
                step(Rule::UntrustedRegistry, false, detail.into());
            }
            Err(_) => {
                let detail = match self.allowed_registries.written().len() {
                    1 => "the one allowed pattern does not cover it".to_owned(),
                    count => format!("none of {count} allowed patterns covers it"),
                };
                step(Rule::UntrustedRegistry, false, detail);
            }
        }

        match (terms.tag_broken_by(reference), reference.tag()) {
            (Some(Broken::TagBlocked), tag) => {
                let position = terms.blocked_tags().set.first(tag.unwrap_or("latest"));
                let pattern = terms.blocked_tags().written.get(position.unwrap_or_default());
                let detail = match tag {
                    Some(_) => format!("`{pattern}` is blocked"),
                    None => format!("it would be pulled as `latest`, and `{pattern}` is blocked"),
                };
                step(Rule::BlockedTag, false, detail);
            }
            (Some(_), tag) => {
                let detail = match tag {
                    Some(tag) => format!("`{tag}` is not among the allowed tags"),
                    None => "it would be pulled as `latest`, which is not allowed".to_owned(),
                };
                step(Rule::BlockedTag, false, detail);
            }
            (None, Some(tag)) => step(Rule::BlockedTag, true, format!("`{tag}` is not blocked")),
            (None, None) => step(Rule::BlockedTag, true, "there is no tag to judge".into()),
        }

        match reference.digest() {
            Some(_) => step(Rule::MissingDigest, true, "it is pinned by digest".into()),
            None if terms.require_digest() => {
                step(Rule::MissingDigest, false, "it is not pinned by digest".into());
            }
            None => step(Rule::MissingDigest, true, "no digest is required".into()),
        }

        let pull_rule = terms.pull_rule();
        let passed = !pull_rule.is_broken_by(reference, pull_policy);
        step(Rule::PullPolicy, passed, message::pulled(pull_rule, reference, pull_policy));
        steps
    }
}

impl Terms<'_> {
    /// A tag counts even beside a digest: `nginx:latest@sha256:…` says `latest`. A reference
    /// without tag and digest is pulled as `latest`, so both lists judge it as that.
    fn tag_broken_by(self, reference: &Reference<'_>) -> Option<Broken> {
        let tag = reference.judged_tag()?;
        if self.blocked_tags().set.first(tag).is_some() {
            return Some(Broken::TagBlocked);
        }
        let allowed = &self.allowed_tags().set;
        (!allowed.is_empty() && allowed.first(tag).is_none()).then_some(Broken::TagNotAllowed)
    }
}

impl Broken {
    /// The rule's name in answers, metrics and logs.
    pub(in crate::policy) fn rule(self) -> Rule {
        match self {
            Self::MissingTag => Rule::MissingTag,
            Self::RegistryNotAllowed | Self::RegistryBlocked(_) => Rule::UntrustedRegistry,
            Self::TagBlocked | Self::TagNotAllowed => Rule::BlockedTag,
            Self::MissingDigest => Rule::MissingDigest,
            Self::PullPolicy => Rule::PullPolicy,
        }
    }
}

impl Rule {
    /// Every rule, in the order in which they are checked.
    pub const ALL: [Self; 6] = [
        Self::InvalidReference,
        Self::MissingTag,
        Self::UntrustedRegistry,
        Self::BlockedTag,
        Self::MissingDigest,
        Self::PullPolicy,
    ];

    /// The name used in metrics, logs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidReference => "invalid-reference",
            Self::MissingTag => "missing-tag",
            Self::UntrustedRegistry => "untrusted-registry",
            Self::BlockedTag => "blocked-tag",
            Self::MissingDigest => "missing-digest",
            Self::PullPolicy => "pull-policy",
        }
    }
}
