//! The compiled rules that judge one image.

use std::sync::Arc;

use crate::image::Reference;
use crate::policy::message;
use crate::policy::registry_set::RegistrySet;
use crate::policy::source::ShortNames;
use crate::policy::tag_set::TagSet;
use crate::policy::verdict::{Mode, Rule, TemplateMode, UpdateScope};

/// A list of the policy: as written, and compiled. Shared between a policy and its overrides.
#[derive(Debug)]
pub(super) struct List<T> {
    pub(super) written: Vec<String>,
    /// The written items joined for a message, cut where they are many.
    pub(super) joined: String,
    pub(super) set: T,
}

/// The rules in force for some namespaces.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) mode: Mode,
    pub(super) allowed_registries: Arc<List<RegistrySet>>,
    pub(super) blocked_registries: Arc<List<RegistrySet>>,
    pub(super) blocked_tags: Arc<List<TagSet>>,
    pub(super) allowed_tags: Arc<List<TagSet>>,
    pub(super) require_tag: bool,
    pub(super) require_digest: bool,
    pub(super) short_names: ShortNames,
    pub(super) updates: UpdateScope,
    pub(super) templates: TemplateMode,
}

/// The first rule that an image breaks, with what its message needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    MissingTag,
    /// Not covered by the allowed registries, or a short name.
    RegistryNotAllowed,
    /// Covered by the blocked registry at this position.
    RegistryBlocked(usize),
    TagBlocked,
    TagNotAllowed,
    MissingDigest,
}

impl<T> List<T> {
    pub(super) fn new(written: Vec<String>, set: T) -> Self {
        Self { joined: message::join(&written), written, set }
    }
}

impl Rules {
    /// The first rule that `reference` breaks, in the order tag missing, registry, tag, digest.
    pub(super) fn broken_by(&self, reference: &Reference<'_>) -> Option<Broken> {
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
    /// without a tag is pulled as `latest`, so an allow-list of tags judges it as that; the
    /// block-list leaves it to `requireTag`.
    pub(super) fn tag_broken_by(&self, reference: &Reference<'_>) -> Option<Broken> {
        if let Some(tag) = reference.tag()
            && self.blocked_tags.set.first(tag).is_some()
        {
            return Some(Broken::TagBlocked);
        }
        let implied = reference.digest().is_none().then_some("latest");
        let tag = reference.tag().or(implied)?;
        let allowed = &self.allowed_tags.set;
        (!allowed.is_empty() && allowed.first(tag).is_none()).then_some(Broken::TagNotAllowed)
    }
}

impl Broken {
    /// The rule's name in answers, metrics and logs.
    pub(super) fn rule(self) -> Rule {
        match self {
            Self::MissingTag => Rule::MissingTag,
            Self::RegistryNotAllowed | Self::RegistryBlocked(_) => Rule::UntrustedRegistry,
            Self::TagBlocked | Self::TagNotAllowed => Rule::BlockedTag,
            Self::MissingDigest => Rule::MissingDigest,
        }
    }
}
