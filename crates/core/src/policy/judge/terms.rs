//! The rules for one reference: those of the policy or the override, with what the entry of the allowed
//! registries that decides on the reference says instead.

use crate::policy::judge::checks::Rule;
use crate::policy::judge::list::List;
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::registries::Entry;
use crate::policy::judge::subject::Workload;
use crate::policy::judge::template::Template;
use crate::policy::judge::verdict::Mode;
use crate::policy::pattern::tag_set::TagSet;
use crate::policy::rules::fields::Rules;

/// The rules for one reference.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Terms<'p> {
    rules: &'p Rules,
    /// Of a reference whose registry is accepted.
    entry: Option<&'p Entry>,
    /// Of one whose registry is refused. It must not soften what is said of its images; nor do they fare
    /// better for being refused.
    overruled: Option<&'p Entry>,
}

impl<'p> Terms<'p> {
    pub(in crate::policy) fn new(rules: &'p Rules, entry: Option<&'p Entry>) -> Self {
        Self { rules, entry, overruled: None }
    }

    /// For a reference that an entry covers, and whose registry is refused all the same.
    pub(in crate::policy) fn overruled(rules: &'p Rules, entry: Option<&'p Entry>) -> Self {
        Self { rules, entry: None, overruled: entry }
    }

    /// The rules of the policy or the override, for what no entry can say.
    pub(in crate::policy) fn rules(self) -> &'p Rules {
        self.rules
    }

    pub(in crate::policy) fn require_tag(self) -> bool {
        self.own(|entry| entry.require_tag).unwrap_or(self.rules.require_tag)
    }

    pub(in crate::policy) fn require_digest(self) -> bool {
        self.own(|entry| entry.require_digest).unwrap_or(self.rules.require_digest)
    }

    pub(in crate::policy) fn blocked_tags(self) -> &'p List<TagSet> {
        let own = self.own(|entry| entry.blocked_tags.as_ref());
        own.unwrap_or(&self.rules.blocked_tags)
    }

    pub(in crate::policy) fn allowed_tags(self) -> &'p List<TagSet> {
        let own = self.own(|entry| entry.allowed_tags.as_ref());
        own.unwrap_or(&self.rules.allowed_tags)
    }

    pub(in crate::policy) fn pull_rule(self) -> PullRule {
        self.own(|entry| entry.pull_rule).unwrap_or(self.rules.pull_rule)
    }

    /// The policy's own words for a rule, where it has some. An entry has them for the rules that it may
    /// decide, so not for where an image comes from.
    pub(in crate::policy) fn message(self, rule: Rule) -> Option<&'p Template> {
        let own = self.own(|entry| entry.message.as_ref());
        own.filter(|_| rule != Rule::UntrustedRegistry)
            .or_else(|| self.rules.messages.get(rule.as_str()))
    }

    /// What follows a rule that is broken. Pods follow the mode; templates at most the one that
    /// `templates` gives them.
    pub(in crate::policy) fn mode(self, workload: Workload) -> Mode {
        let mode = self.own(|entry| entry.mode).unwrap_or(self.rules.mode);
        let overruled = self.overruled.and_then(|entry| entry.mode);
        let mode = overruled.map_or(mode, |overruled| mode.stricter(overruled));
        self.rules.limited(mode, workload)
    }

    fn own<T>(self, field: impl FnOnce(&'p Entry) -> Option<T>) -> Option<T> {
        self.entry.and_then(field)
    }
}
