//! Uses of images from several sources, each distinct one once.
//!
//! Grows with what it is given: who reads the sources bounds them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::distinct::{Owner, Usage};
use crate::policy::{ContainerKind, KnownLabels, ObjectKind, PullPolicy, Workload};

/// Distinct uses, in the order of their namespaces, images and users.
#[derive(Clone, Debug, Default)]
pub struct Inventory(BTreeMap<Key, Seen>);

/// What makes a use distinct.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    namespace: Box<str>,
    image: Box<str>,
    user: Box<str>,
    groups: Box<[Cow<'static, str>]>,
    /// Its kind and name.
    owner: Option<(Box<str>, Box<str>)>,
    is_template: bool,
    /// Its group and kind.
    kind: (Box<str>, Box<str>),
    labels: KnownLabels<'static>,
    container: ContainerKind,
    pull_policy: PullPolicy,
    pinned: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    first: Option<i64>,
    last: Option<i64>,
}

impl Inventory {
    /// Adds a use. One that is known already is counted there, be it from another replica.
    pub fn add(&mut self, usage: &Usage<'_>) {
        let key = Key {
            namespace: usage.namespace.into(),
            image: usage.image.into(),
            user: usage.user.into(),
            groups: usage.groups.iter().map(|group| Cow::Owned(group.to_string())).collect(),
            owner: usage.owner.map(|owner| (owner.kind.into(), owner.name.into())),
            is_template: usage.workload == Workload::Template,
            kind: (usage.kind.group.into(), usage.kind.kind.into()),
            labels: usage.labels.to_owned(),
            container: usage.container,
            pull_policy: usage.pull_policy,
            pinned: usage.pinned.map(Into::into),
        };
        let none = Seen { count: 0, first: None, last: None };
        let seen = self.0.entry(key).or_insert(none);
        seen.count = seen.count.saturating_add(usage.count);
        seen.first = [seen.first, usage.first_seen].into_iter().flatten().min();
        seen.last = seen.last.max(usage.last_seen);
    }

    /// How many distinct uses there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The distinct images, as written.
    #[must_use]
    pub fn images(&self) -> BTreeSet<&str> {
        self.0.keys().map(|key| &*key.image).collect()
    }

    /// The uses, always in the same order.
    pub fn usages(&self) -> impl Iterator<Item = Usage<'_>> + Clone {
        self.0.iter().map(|(key, seen)| Usage {
            namespace: &key.namespace,
            image: &key.image,
            user: &key.user,
            groups: &key.groups,
            owner: key.owner.as_ref().map(|(kind, name)| Owner { kind, name }),
            workload: if key.is_template { Workload::Template } else { Workload::Pod },
            kind: ObjectKind { group: &key.kind.0, kind: &key.kind.1 },
            labels: &key.labels,
            container: key.container,
            pull_policy: key.pull_policy,
            pinned: key.pinned.as_deref(),
            count: seen.count,
            first_seen: seen.first,
            last_seen: seen.last,
        })
    }
}
