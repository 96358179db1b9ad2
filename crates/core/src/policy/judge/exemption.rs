//! Exemptions: images that may break the rules, for someone, somewhere, until a day.

use std::sync::Arc;

use crate::image::Reference;
use crate::policy::judge::checks::Rule;
use crate::policy::judge::list::List;
use crate::policy::judge::selector::Selector;
use crate::policy::judge::subject::{ContainerKind, Subject};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::registry_set::RegistrySet;

/// Some of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct RuleSet(u8);

impl RuleSet {
    pub(in crate::policy) const ALL: Self = Self(u8::MAX);

    /// With one more rule.
    pub(in crate::policy) fn with(self, rule: Rule) -> Self {
        Self(self.0 | Self::bit(rule))
    }

    /// The rules of both sets.
    pub(in crate::policy) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(in crate::policy) fn contains(self, rule: Rule) -> bool {
        self.0 & Self::bit(rule) != 0
    }

    fn bit(rule: Rule) -> u8 {
        match rule {
            Rule::InvalidReference => 1,
            Rule::MissingTag => 2,
            Rule::UntrustedRegistry => 4,
            Rule::BlockedTag => 8,
            Rule::MissingDigest => 16,
            Rule::PullPolicy => 32,
        }
    }
}

/// A compiled exemption.
#[derive(Debug)]
pub struct Exemption {
    pub(in crate::policy) name: String,
    pub(in crate::policy) images: Arc<List<RegistrySet>>,
    /// The rules that its images may break.
    pub(in crate::policy) lifts: RuleSet,
    pub(in crate::policy) namespaces: Option<PatternIndex>,
    /// `None` where it covers every Pod, container and kind.
    pub(in crate::policy) selector: Option<Box<Selector>>,
    pub(in crate::policy) users: Option<PatternIndex>,
    pub(in crate::policy) groups: Option<PatternIndex>,
    pub(in crate::policy) reason: String,
    pub(in crate::policy) owner: Option<String>,
    /// The day as written, and the first second at which the exemption no longer applies.
    pub(in crate::policy) expires: Option<(String, i64)>,
}

impl Exemption {
    /// The name by which it is counted and logged.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it exists.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Who answers for it.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The first second, since the Unix epoch, at which it no longer applies.
    #[must_use]
    pub fn expires_at(&self) -> Option<i64> {
        self.expires.as_ref().map(|(_, at)| *at)
    }

    /// The last day, or moment, as written in the policy.
    #[must_use]
    pub fn expires_as_written(&self) -> Option<&str> {
        self.expires.as_ref().map(|(written, _)| written.as_str())
    }

    /// Whether it no longer applies at `now`, in Unix seconds.
    #[must_use]
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires_at().is_some_and(|at| at <= now)
    }

    /// Whether its selector, if it has one, covers containers of this kind.
    pub(in crate::policy) fn selects(
        &self,
        subject: &Subject<'_>,
        container: ContainerKind,
    ) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.selects(subject, container))
    }

    /// Whether it is about this image in a container of this kind, asked for by this subject; its expiry is
    /// not looked at.
    pub(in crate::policy) fn covers(
        &self,
        reference: &Reference<'_>,
        container: ContainerKind,
        subject: &Subject<'_>,
    ) -> bool {
        let named = |index: &Option<PatternIndex>, text: &str| {
            index.as_ref().is_none_or(|index| index.first(text).is_some())
        };
        // A user named one way is enough: by name or by a group.
        let asked_by = match (&self.users, &self.groups) {
            (None, None) => true,
            (users, groups) => {
                let by_name = |index: &PatternIndex| index.first(subject.user).is_some();
                let by_group = |index: &PatternIndex| {
                    subject.groups.iter().any(|group| index.first(group).is_some())
                };
                users.as_ref().is_some_and(by_name) || groups.as_ref().is_some_and(by_group)
            }
        };
        asked_by
            && named(&self.namespaces, subject.namespace)
            && self.selects(subject, container)
            && self.images.set.first(reference).is_some()
    }
}
