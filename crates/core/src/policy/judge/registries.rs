//! The allowed registries: which entry of the list decides on a reference, and the rules that the entry
//! has of its own.
//!
//! A list without such rules is nothing but a list of patterns, and costs nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::image::Reference;
use crate::policy::judge::list::{List, Written};
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::template::Template;
use crate::policy::judge::verdict::Mode;
use crate::policy::pattern::registry_set::RegistrySet;
use crate::policy::pattern::tag_set::TagSet;
use crate::policy::rules::value::Value;

/// The allowed registries of a policy, or of an override that names some.
#[derive(Clone, Debug)]
pub(in crate::policy) struct AllowedRegistries {
    list: Arc<List<RegistrySet>>,
    /// `None` where every entry is only a pattern, as in nearly every policy.
    own: Option<Arc<OwnRules>>,
}

/// The entries that have rules of their own, by rising position in the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct OwnRules(Box<[(u32, Entry)]>);

/// What an entry says about its images. What it leaves out comes from the policy.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Entry {
    pub(in crate::policy) mode: Option<Mode>,
    pub(in crate::policy) blocked_tags: Option<Arc<List<TagSet>>>,
    pub(in crate::policy) allowed_tags: Option<Arc<List<TagSet>>>,
    pub(in crate::policy) require_tag: Option<bool>,
    pub(in crate::policy) require_digest: Option<bool>,
    pub(in crate::policy) pull_rule: Option<PullRule>,
    /// Its own words for the rules that it decides.
    pub(in crate::policy) message: Option<Template>,
    /// Why the entry has rules of its own, for readers of the policy and of an explanation.
    pub(in crate::policy) reason: Option<Box<str>>,
}

impl AllowedRegistries {
    /// A list whose entries are only patterns.
    pub(in crate::policy) fn plain(list: Arc<List<RegistrySet>>) -> Self {
        Self { list, own: None }
    }

    /// A list in which some entries have rules of their own, which come by rising position; the set of
    /// the list has the most specific pattern decide.
    pub(in crate::policy) fn with_own_rules(
        list: Arc<List<RegistrySet>>,
        own: Vec<(u32, Entry)>,
    ) -> Self {
        Self { list, own: Some(Arc::new(OwnRules(own.into()))) }
    }

    /// The position of the entry that decides on a reference: the most specific one where an entry has
    /// rules of its own, else the first. `None` where no entry covers it.
    pub(in crate::policy) fn deciding(&self, reference: &Reference<'_>) -> Option<usize> {
        self.list.set.first(reference)
    }

    /// The rules of the entry at `position`, where it has some.
    pub(in crate::policy) fn own_rules(&self, position: usize) -> Option<&Entry> {
        self.own.as_ref()?.of(position)
    }

    /// Whether some entry has rules of its own.
    pub(in crate::policy) fn have_own_rules(&self) -> bool {
        self.own.is_some()
    }

    /// Every entry with rules of its own, by rising position.
    pub(in crate::policy) fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.own.iter().flat_map(|own| own.0.iter()).map(|(at, entry)| (*at as usize, entry))
    }

    /// The patterns as written.
    pub(in crate::policy) fn written(&self) -> &Written {
        &self.list.written
    }

    /// The patterns joined for a message.
    pub(in crate::policy) fn joined(&self) -> &str {
        &self.list.joined
    }

    /// Whether a pattern names some image of the reference's repository, by tag or digest.
    pub(in crate::policy) fn name_some_of(&self, reference: &Reference<'_>) -> bool {
        self.list.set.names_some_of(reference)
    }

    /// Whether a pattern names this host, without a glob, and a path below it.
    pub(in crate::policy) fn have_paths_of(&self, host: &str) -> bool {
        self.list.set.has_paths_of(host)
    }
}

impl OwnRules {
    fn of(&self, position: usize) -> Option<&Entry> {
        let found = self.0.binary_search_by_key(&position, |(at, _)| *at as usize).ok()?;
        self.0.get(found).map(|(_, entry)| entry)
    }
}

impl Entry {
    /// The fields that it has, in alphabetical order, as the normal form shows them.
    pub(in crate::policy) fn fields(&self) -> Vec<(&'static str, Value)> {
        let Self {
            mode,
            blocked_tags,
            allowed_tags,
            require_tag,
            require_digest,
            pull_rule,
            message,
            reason,
        } = self;
        let text = |template: &Template| Value::Text(template.written().into());
        let items = |list: &Arc<List<TagSet>>| Value::Items(list.written.clone());
        let fields = [
            ("allowedTags", allowed_tags.as_ref().map(items)),
            ("blockedTags", blocked_tags.as_ref().map(items)),
            ("imagePullPolicy", pull_rule.map(Value::choice)),
            ("message", message.as_ref().map(text)),
            ("mode", mode.map(Value::choice)),
            ("reason", reason.clone().map(Value::Text)),
            ("requireDigest", require_digest.map(Value::Flag)),
            ("requireTag", require_tag.map(Value::Flag)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl PartialEq for Entry {
    /// Whether both say the same.
    fn eq(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }
}

impl Eq for Entry {}

impl PartialEq for AllowedRegistries {
    /// Whether both were written alike.
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written() && self.own == other.own
    }
}

impl Eq for AllowedRegistries {}

impl Serialize for AllowedRegistries {
    /// A list of texts, and of mappings for the entries with rules of their own.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.written().len()))?;
        for (position, registry) in self.written().iter().enumerate() {
            match self.own_rules(position) {
                None => list.serialize_element(registry)?,
                Some(entry) => {
                    let mut fields = entry.fields();
                    fields.push(("registry", Value::Text(registry.into())));
                    let fields: BTreeMap<_, _> = fields.into_iter().collect();
                    list.serialize_element(&fields)?;
                }
            }
        }
        list.end()
    }
}
