//! The compiled rules that judge one image.

use std::sync::Arc;

use crate::image::Reference;
use crate::policy::judge::message;
use crate::policy::judge::verdict::{Mode, Rule, TemplateMode, UpdateScope};
use crate::policy::pattern::registry_set::RegistrySet;
use crate::policy::pattern::tag_set::TagSet;
use crate::policy::read::source::{ShortNames, Texts};

/// A list of the policy: as written, and compiled. Shared between a policy and its overrides.
#[derive(Debug)]
pub(in crate::policy) struct List<T> {
    pub(in crate::policy) written: Written,
    /// The written items joined for a message, cut where they are many.
    pub(in crate::policy) joined: String,
    pub(in crate::policy) set: T,
}

/// The items of a list as written, in one piece: there may be hundreds of thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Written {
    texts: Box<str>,
    /// Where each item ends.
    ends: Box<[u32]>,
}

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

impl<T> List<T> {
    pub(in crate::policy) fn new(written: Written, set: T) -> Self {
        Self { joined: message::join(&written), written, set }
    }
}

impl Written {
    pub(in crate::policy) fn of(raw: &Texts<'_>) -> Self {
        let mut texts = String::with_capacity(raw.items.iter().map(|item| item.value.len()).sum());
        let mut ends = Vec::with_capacity(raw.items.len());
        for item in &raw.items {
            texts.push_str(&item.value);
            // Documents are far smaller than 4 GiB.
            ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
        }
        Self { texts: texts.into(), ends: ends.into() }
    }

    pub(in crate::policy) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The item at `position`; empty where there is none.
    pub(in crate::policy) fn get(&self, position: usize) -> &str {
        let end = |position: usize| self.ends.get(position).map(|end| *end as usize);
        let start = position.checked_sub(1).map_or(Some(0), end);
        let (Some(start), Some(end)) = (start, end(position)) else { return "" };
        self.texts.get(start..end).unwrap_or_default()
    }

    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// Whether `raw` says the same.
    pub(in crate::policy) fn is(&self, raw: &Texts<'_>) -> bool {
        self.len() == raw.items.len() && self.iter().eq(raw.items.iter().map(|item| &*item.value))
    }
}

impl Rules {
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
