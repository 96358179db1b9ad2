//! The checks that an image has to pass, one after the other: which of them it breaks, and what decided
//! each.
//!
//! Evaluation stops at the first check that is broken; an explanation goes on to the last. The texts
//! for people are in [`message`](super::message).

use crate::image::Reference;
use crate::policy::judge::subject::Workload;
use crate::policy::judge::verdict::{Mode, TemplateMode};
use crate::policy::rules::fields::{Rules, ShortNames};

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
}

impl Rules {
    /// Pods follow the policy's mode; templates at most the mode that `templates` gives them.
    pub(in crate::policy) fn effective_mode(&self, workload: Workload) -> Mode {
        match (workload, self.templates, self.mode) {
            (Workload::Template, TemplateMode::Warn, Mode::Enforce) => Mode::Warn,
            (_, _, mode) => mode,
        }
    }

    /// The first rule that `reference` breaks, in the order tag missing, registry, tag, digest.
    pub(in crate::policy) fn broken_by(&self, reference: &Reference<'_>) -> Option<Broken> {
        if self.require_tag && reference.tag().is_none() && reference.digest().is_none() {
            return Some(Broken::MissingTag);
        }
        if reference.is_short_name() && self.short_names == ShortNames::Deny {
            return Some(Broken::RegistryNotAllowed);
        }
        if let Some(position) = self.blocked_registries.set.first(reference) {
            return Some(Broken::RegistryBlocked(position));
        }
        if self.allowed_registries.set.first(reference).is_none() {
            return Some(Broken::RegistryNotAllowed);
        }
        if let Some(broken) = self.tag_broken_by(reference) {
            return Some(broken);
        }
        (self.require_digest && reference.digest().is_none()).then_some(Broken::MissingDigest)
    }

    /// A tag counts even beside a digest: `nginx:latest@sha256:…` says `latest`. A reference
    /// without tag and digest is pulled as `latest`, so both lists judge it as that.
    pub(in crate::policy) fn tag_broken_by(&self, reference: &Reference<'_>) -> Option<Broken> {
        let implied = reference.digest().is_none().then_some("latest");
        let tag = reference.tag().or(implied)?;
        if self.blocked_tags.set.first(tag).is_some() {
            return Some(Broken::TagBlocked);
        }
        let allowed = &self.allowed_tags.set;
        (!allowed.is_empty() && allowed.first(tag).is_none()).then_some(Broken::TagNotAllowed)
    }

    /// Every check, whether or not an earlier one is broken, with what decided it.
    pub(in crate::policy) fn steps(&self, reference: &Reference<'_>) -> Vec<Step> {
        let mut steps = vec![Step {
            rule: Rule::InvalidReference,
            passed: true,
            detail: format!("the registry is `{}`", reference.registry()),
        }];
        let mut step = |rule, passed, detail: String| steps.push(Step { rule, passed, detail });

        match (reference.tag(), reference.digest()) {
            (Some(tag), _) => step(Rule::MissingTag, true, format!("the tag is `{tag}`")),
            (None, Some(_)) => step(Rule::MissingTag, true, "a digest stands in for a tag".into()),
            (None, None) if self.require_tag => {
                step(Rule::MissingTag, false, "there is neither a tag nor a digest".into());
            }
            (None, None) => step(Rule::MissingTag, true, "no tag is required".into()),
        }

        let blocked = self.blocked_registries.set.first(reference);
        let allowed = self.allowed_registries.set.first(reference);
        if reference.is_short_name() && self.short_names == ShortNames::Deny {
            let detail = "it names no registry, and short names are refused";
            step(Rule::UntrustedRegistry, false, detail.into());
        } else if let Some(position) = blocked {
            let pattern = self.blocked_registries.written.get(position);
            step(Rule::UntrustedRegistry, false, format!("`{pattern}` is blocked"));
        } else if let Some(position) = allowed {
            let pattern = self.allowed_registries.written.get(position);
            step(Rule::UntrustedRegistry, true, format!("`{pattern}` covers it"));
        } else {
            let count = self.allowed_registries.written.len();
            let detail = match count {
                1 => "the one allowed pattern does not cover it".to_owned(),
                count => format!("none of {count} allowed patterns covers it"),
            };
            step(Rule::UntrustedRegistry, false, detail);
        }

        match (self.tag_broken_by(reference), reference.tag()) {
            (Some(Broken::TagBlocked), tag) => {
                let position = self.blocked_tags.set.first(tag.unwrap_or("latest"));
                let pattern = self.blocked_tags.written.get(position.unwrap_or_default());
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
            None if self.require_digest => {
                step(Rule::MissingDigest, false, "it is not pinned by digest".into());
            }
            None => step(Rule::MissingDigest, true, "no digest is required".into()),
        }
        steps
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
        }
    }
}

impl Rule {
    /// Every rule, in the order in which they are checked.
    pub const ALL: [Self; 5] = [
        Self::InvalidReference,
        Self::MissingTag,
        Self::UntrustedRegistry,
        Self::BlockedTag,
        Self::MissingDigest,
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
        }
    }
}
