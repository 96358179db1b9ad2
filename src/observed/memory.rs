//! Which images were asked for, by whom and where: bounded in number and in bytes.
//!
//! The one that was not seen for the longest leaves when there is no room. Where the namespace of the
//! newcomer already has a quarter of everything, it is one of that namespace, so that nobody can make a
//! replica forget more than a quarter of what others use, whatever they ask for.
//!
//! Not shared: only the keeper's thread touches it.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use super::note::{Note, OfNote};
use super::order::{Links, Order};
use super::snapshot::{Circumstances, SeenImage};
use super::table::Table;
use crate::telemetry::{ImageDecision, Written};
use imagegate_core::policy::{ContainerKind, KnownLabels, PullPolicy, Rule, Workload};

/// The most images that can be remembered.
pub const MOST_IMAGES: usize = 1 << 20;
/// Bytes for each image that may be remembered, on average; a long one takes the room of others.
pub const BYTES_PER_IMAGE: usize = 224;

/// An allocation for a shared text holds two counts beside it.
const COUNTS: usize = 2 * size_of::<usize>();
/// Bytes of the index for each entry: a number and a control byte, at a load of seven eighths or half
/// of that.
const INDEX: usize = 10;
/// Bytes of a slot of a table, for which it may have reserved as much again, and of its place in the
/// index.
const TABLE: usize = 16 + INDEX;
/// A namespace may displace others up to this part of everything.
const SHARE: usize = 4;

/// The images that are remembered.
#[derive(Debug)]
pub(super) struct Memory {
    most: usize,
    budget: usize,
    entries: Vec<Entry>,
    free: Vec<u32>,
    index: HashTable<u32>,
    /// Of random keys: whoever chooses the texts cannot make them collide.
    hasher: RandomState,
    order: Order,
    namespaces: Table<Namespace>,
    circumstances: Table<Arc<Circumstances>>,
    bytes: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    image: Arc<str>,
    owner: Arc<str>,
    /// Both stop at their largest number.
    count: u32,
    dry_runs: u32,
    first_seen: i64,
    last_seen: i64,
    namespace: u32,
    circumstances: u32,
    in_all: Links,
    in_namespace: Links,
    workload: Workload,
    container: ContainerKind,
    pull_policy: PullPolicy,
    decision: ImageDecision,
    rule: Option<Rule>,
    written: Written,
}

/// What tells one image from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    namespace: u32,
    circumstances: u32,
    form: Form,
    image: &'a str,
}

/// How a container uses an image, in one byte: hashing is most of what a lookup costs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Form(u8);

#[derive(Debug)]
struct Namespace {
    name: Arc<str>,
    order: Order,
    entries: usize,
    bytes: usize,
}

impl Memory {
    /// Room for so many images.
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(MOST_IMAGES);
        Self::within(most, most * BYTES_PER_IMAGE)
    }

    fn within(most: usize, budget: usize) -> Self {
        Self {
            most,
            budget,
            // What is reserved and not used yet takes no memory.
            entries: Vec::with_capacity(most),
            free: Vec::new(),
            index: HashTable::with_capacity(most),
            hasher: RandomState::new(),
            order: Order::default(),
            namespaces: Table::default(),
            circumstances: Table::default(),
            bytes: 0,
            evicted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes the images of a note in, and returns how many others had to leave. Tells `counted` of
    /// each what it says of itself and what was decided.
    pub(super) fn take(
        &mut self,
        note: &Note,
        mut counted: impl FnMut(Written, ImageDecision),
    ) -> u64 {
        let before = self.evicted;
        let mut images = note.images().peekable();
        if images.peek().is_none() || self.most == 0 {
            return 0;
        }
        let namespace = self.namespace(note.namespace());
        let circumstances = self.circumstances(note);
        for image in images {
            let written = self.take_image(note, namespace, circumstances, &image);
            counted(written, image.decision);
        }
        // Owners and groups may have become longer.
        self.make_room(namespace, 0, 0);
        self.release(namespace, circumstances);
        self.evicted - before
    }

    /// All of it.
    pub(super) fn images(&self) -> Vec<SeenImage> {
        let mut images = Vec::with_capacity(self.len());
        images.extend(self.index.iter().filter_map(|at| self.seen(*at)));
        images
    }

    fn take_image(
        &mut self,
        note: &Note,
        namespace: u32,
        circumstances: u32,
        noted: &OfNote<'_>,
    ) -> Written {
        let OfNote { image, container, pull_policy, decision, rule } = *noted;
        let form = Form::of(container, pull_policy);
        let key = Key { namespace, circumstances, form, image };
        let at = match self.find(key) {
            Some(at) => {
                self.order.used(&mut self.entries, in_all, at);
                if let Some(own) = self.namespaces.get_mut(namespace) {
                    own.order.used(&mut self.entries, in_namespace, at);
                }
                at
            }
            None => self.insert(note, key, (container, pull_policy)),
        };
        let Some(entry) = self.entries.get_mut(at as usize) else { return Written::INVALID };
        if note.is_dry_run {
            entry.dry_runs = entry.dry_runs.saturating_add(1);
        } else {
            entry.count = entry.count.saturating_add(1);
        }
        entry.first_seen = entry.first_seen.min(note.at);
        entry.last_seen = entry.last_seen.max(note.at);
        (entry.decision, entry.rule) = (decision, rule);
        let written = entry.written;
        if *entry.owner != *note.owner() {
            let before = std::mem::replace(&mut entry.owner, note.owner().into());
            self.charge(namespace, allocated(note.owner()), allocated(&before));
        }
        written
    }

    fn find(&self, key: Key<'_>) -> Option<u32> {
        let is_it =
            |at: &u32| self.entries.get(*at as usize).is_some_and(|entry| entry.key() == key);
        self.index.find(self.hasher.hash_one(key), is_it).copied()
    }

    fn insert(
        &mut self,
        note: &Note,
        key: Key<'_>,
        (container, pull_policy): (ContainerKind, PullPolicy),
    ) -> u32 {
        let Key { namespace, circumstances, image, form: _ } = key;
        let entry = Entry {
            image: image.into(),
            owner: note.owner().into(),
            count: 0,
            dry_runs: 0,
            first_seen: note.at,
            last_seen: note.at,
            namespace,
            circumstances,
            in_all: Links::default(),
            in_namespace: Links::default(),
            workload: note.workload,
            container,
            pull_policy,
            decision: ImageDecision::Allow,
            rule: None,
            written: Written::of(image),
        };
        let bytes = entry.bytes();
        self.make_room(namespace, 1, bytes);
        let at = if let Some(at) = self.free.pop() {
            if let Some(free) = self.entries.get_mut(at as usize) {
                *free = entry;
            }
            at
        } else {
            self.entries.push(entry);
            // There are at most MOST_IMAGES.
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        let hash =
            |at: &u32| entries.get(*at as usize).map_or(0, |each| hasher.hash_one(each.key()));
        self.index.insert_unique(hasher.hash_one(key), at, hash);
        self.order.push(&mut self.entries, in_all, at);
        self.use_again(namespace, circumstances);
        if let Some(own) = self.namespaces.get_mut(namespace) {
            own.order.push(&mut self.entries, in_namespace, at);
            own.entries += 1;
        }
        self.charge(namespace, bytes, 0);
        at
    }

    /// Forgets images until so many more, of so many bytes, have room.
    fn make_room(&mut self, namespace: u32, entries: usize, bytes: usize) {
        while self.len() + entries > self.most || self.bytes + bytes > self.budget {
            let own = self.namespaces.get(namespace);
            let has_its_share = own.is_some_and(|own| {
                own.entries >= self.most.div_ceil(SHARE)
                    || own.bytes + bytes > self.budget.div_ceil(SHARE)
            });
            let oldest_of_own = own.and_then(|own| own.order.oldest());
            let leaves = if has_its_share { oldest_of_own } else { None };
            let Some(at) = leaves.or_else(|| self.order.oldest()) else { return };
            self.forget(at);
            self.evicted += 1;
        }
    }

    fn forget(&mut self, at: u32) {
        self.order.remove(&mut self.entries, in_all, at);
        let Some(entry) = self.entries.get(at as usize) else { return };
        let (namespace, circumstances) = (entry.namespace, entry.circumstances);
        let bytes = entry.bytes();
        let hash = self.hasher.hash_one(entry.key());
        if let Some(own) = self.namespaces.get_mut(namespace) {
            own.order.remove(&mut self.entries, in_namespace, at);
            own.entries -= 1;
        }
        if let Ok(entry) = self.index.find_entry(hash, |each| *each == at) {
            entry.remove();
        }
        if let Some(entry) = self.entries.get_mut(at as usize) {
            (entry.image, entry.owner) = Default::default();
        }
        self.free.push(at);
        self.charge(namespace, 0, bytes);
        self.release(namespace, circumstances);
    }

    /// The number of a namespace that is used once more.
    fn namespace(&mut self, name: &str) -> u32 {
        let mut more = 0;
        let at = self.namespaces.take(
            name,
            |namespace| *namespace.name == *name,
            || {
                let name: Arc<str> = name.into();
                more = bytes_of_namespace(&name);
                Namespace { name, order: Order::default(), entries: 0, bytes: 0 }
            },
        );
        self.bytes += more;
        at
    }

    /// The number of the circumstances of a note, which are met once more.
    fn circumstances(&mut self, note: &Note) -> u32 {
        let (user, pinned, kind) = (note.user(), note.pinned(), note.kind());
        let make = || {
            let owned = |text: &str| Cow::Owned(text.to_owned());
            let labels = note.labels().map(|(key, value)| (owned(key), value.map(owned)));
            Arc::new(Circumstances {
                user: user.into(),
                groups: note.groups().map(owned).collect(),
                pinned: pinned.map(Into::into),
                kind: kind.into(),
                labels: KnownLabels::new(labels.collect()),
            })
        };
        let has_labels = |known: &KnownLabels<'_>| {
            known.len() == note.labels().len()
                && note.labels().all(|(key, value)| known.get(key) == Some(value))
        };
        // Hashing costs, and a Pod whose labels no policy selects by has neither.
        let labels = note.text_of_labels();
        let rare = (!kind.is_empty() || !labels.is_empty()).then_some((kind, labels));
        let mut more = 0;
        let at = self.circumstances.take(
            (user, pinned, rare),
            |met| {
                *met.user == *user
                    && met.pinned.as_deref() == pinned
                    && *met.kind == *kind
                    && has_labels(&met.labels)
            },
            || {
                let met = make();
                more = bytes_of_circumstances(&met);
                met
            },
        );
        if let Some(met) = self.circumstances.get_mut(at)
            && !met.groups.iter().map(AsRef::as_ref).eq(note.groups())
        {
            let before = bytes_of_circumstances(met);
            *met = make();
            self.bytes = (self.bytes + bytes_of_circumstances(met)).saturating_sub(before);
        }
        self.bytes += more;
        at
    }

    fn use_again(&mut self, namespace: u32, circumstances: u32) {
        self.namespaces.use_again(namespace);
        self.circumstances.use_again(circumstances);
    }

    fn release(&mut self, namespace: u32, circumstances: u32) {
        let namespace = self.namespaces.release(namespace);
        let circumstances = self.circumstances.release(circumstances);
        let freed = namespace.map_or(0, |gone| bytes_of_namespace(&gone.name))
            + circumstances.map_or(0, |gone| bytes_of_circumstances(&gone));
        self.bytes = self.bytes.saturating_sub(freed);
    }

    fn charge(&mut self, namespace: u32, more: usize, less: usize) {
        self.bytes = (self.bytes + more).saturating_sub(less);
        if let Some(own) = self.namespaces.get_mut(namespace) {
            own.bytes = (own.bytes + more).saturating_sub(less);
        }
    }

    fn seen(&self, at: u32) -> Option<SeenImage> {
        let entry = self.entries.get(at as usize)?;
        Some(SeenImage {
            namespace: Arc::clone(&self.namespaces.get(entry.namespace)?.name),
            image: Arc::clone(&entry.image),
            circumstances: Arc::clone(self.circumstances.get(entry.circumstances)?),
            owner: Arc::clone(&entry.owner),
            workload: entry.workload,
            container: entry.container,
            pull_policy: entry.pull_policy,
            count: entry.count.into(),
            dry_runs: entry.dry_runs.into(),
            first_seen: entry.first_seen,
            last_seen: entry.last_seen,
            decision: entry.decision,
            rule: entry.rule,
        })
    }
}

impl Form {
    fn of(container: ContainerKind, pull_policy: PullPolicy) -> Self {
        Self(container as u8 * 8 + pull_policy as u8)
    }
}

impl Entry {
    fn key(&self) -> Key<'_> {
        let Self { namespace, circumstances, container, pull_policy, ref image, .. } = *self;
        Key { namespace, circumstances, form: Form::of(container, pull_policy), image }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + INDEX + allocated(&self.image) + allocated(&self.owner)
    }
}

fn in_all(entry: &mut Entry) -> &mut Links {
    &mut entry.in_all
}

fn in_namespace(entry: &mut Entry) -> &mut Links {
    &mut entry.in_namespace
}

/// Bytes of a shared text, as the allocator rounds them.
fn allocated(text: &str) -> usize {
    rounded(COUNTS + text.len())
}

/// jemalloc has sizes in steps of 16 bytes up to 128, and four for each doubling beyond.
///
/// Source: jemalloc(3), section "Implementation notes".
fn rounded(bytes: usize) -> usize {
    let step = if bytes <= 128 { 16 } else { bytes.next_power_of_two() / 8 };
    bytes.next_multiple_of(step)
}

fn bytes_of_namespace(name: &str) -> usize {
    rounded(size_of::<Namespace>() + 16) + TABLE + allocated(name)
}

fn bytes_of_circumstances(met: &Circumstances) -> usize {
    let Circumstances { user, groups, pinned, kind, labels } = met;
    let of_groups = groups.iter().map(|group| rounded(group.len())).sum::<usize>()
        + rounded(groups.len() * size_of::<Cow<'_, str>>());
    let label = |(key, value): (&str, Option<&str>)| {
        rounded(key.len()) + value.map_or(0, |value| rounded(value.len()))
    };
    let of_labels = labels.iter().map(label).sum::<usize>()
        + rounded(labels.len() * 2 * size_of::<Cow<'_, str>>());
    let texts = [Some(user), pinned.as_ref(), Some(kind)];
    let of_texts = texts.into_iter().flatten().map(|text| rounded(text.len())).sum::<usize>();
    rounded(COUNTS + size_of::<Circumstances>()) + of_texts + of_groups + of_labels + 32 + TABLE
}

#[cfg(test)]
mod tests;
