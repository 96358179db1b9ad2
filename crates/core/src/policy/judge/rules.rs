//! The compiled rules that judge one image.

use std::sync::Arc;

use crate::image::Reference;
use crate::policy::judge::list::List;
use crate::policy::judge::subject::Workload;
use crate::policy::judge::verdict::{Mode, Rule, TemplateMode, UpdateScope};
use crate::policy::pattern::registry_set::RegistrySet;
use crate::policy::pattern::tag_set::TagSet;

/// The rules in force for some namespaces.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Rules {
    pub(in crate::policy) mode: Mode,
    pub(in crate::policy) allowed_registries: Arc<List<RegistrySet>>,
    pub(in crate::policy) blocked_registries: Arc<List<RegistrySet>>,
    pub(in crate::policy) blocked_tags: Arc<List<TagSet>>,
    pub(in crate::policy) allowed_tags: Arc<List<TagSet>>,
    pub(in crate::policy) require_tag: bool,
    pub(in crate::policy) require_digest: bool,
    pub(in crate::policy) short_names: ShortNames,
    pub(in crate::policy) updates: UpdateScope,
    pub(in crate::policy) templates: TemplateMode,
    /// Whether a denial says what to do about it, beside its message.
    pub(in crate::policy) denial_warnings: bool,
    /// A line of the policy's own beside a denial; empty where there is none.
    pub(in crate::policy) denial_hint: Arc<str>,
}

/// What short names such as `nginx:1.27` are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum ShortNames {
    /// Refused: the node decides where a short name is pulled from.
    Deny,
    /// Names of Docker Hub, as most runtimes read them.
    DockerHub,
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
