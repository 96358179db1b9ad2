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

use super::note::Note;
use super::order::{Links, Order};
use super::snapshot::{Asker, SeenImage};
use super::table::Table;
use crate::telemetry::{ImageDecision, Pin};
use imagegate_core::policy::{Rule, Workload};

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
    askers: Table<Arc<Asker>>,
    bytes: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    image: Arc<str>,
    owner: Arc<str>,
    count: u64,
    dry_runs: u32,
    first_seen: i64,
    last_seen: i64,
    namespace: u32,
    asker: u32,
    in_all: Links,
    in_namespace: Links,
    workload: Workload,
    decision: ImageDecision,
    rule: Option<Rule>,
    pin: Pin,
}

/// What tells one image from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    namespace: u32,
    asker: u32,
    is_pod: bool,
    image: &'a str,
}

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
            askers: Table::default(),
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
    /// each how it is pinned down and what was decided.
    pub(super) fn take(&mut self, note: &Note, mut counted: impl FnMut(Pin, ImageDecision)) -> u64 {
        let before = self.evicted;
        let mut images = note.images().peekable();
        if images.peek().is_none() || self.most == 0 {
            return 0;
        }
        let namespace = self.namespace(note.namespace());
        let asker = self.asker(note);
        for (image, decision, rule) in images {
            let pin = self.take_image(note, namespace, asker, (image, decision, rule));
            counted(pin, decision);
        }
        // Owners and groups may have become longer.
        self.make_room(namespace, 0, 0);
        self.release(namespace, asker);
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
        asker: u32,
        (image, decision, rule): (&str, ImageDecision, Option<Rule>),
    ) -> Pin {
        let key = Key { namespace, asker, is_pod: note.workload == Workload::Pod, image };
        let at = match self.find(key) {
            Some(at) => {
                self.order.used(&mut self.entries, in_all, at);
                if let Some(own) = self.namespaces.get_mut(namespace) {
                    own.order.used(&mut self.entries, in_namespace, at);
                }
                at
            }
            None => self.insert(note, key),
        };
        let Some(entry) = self.entries.get_mut(at as usize) else { return Pin::Invalid };
        if note.is_dry_run {
            entry.dry_runs = entry.dry_runs.saturating_add(1);
        } else {
            entry.count += 1;
        }
        entry.first_seen = entry.first_seen.min(note.at);
        entry.last_seen = entry.last_seen.max(note.at);
        (entry.decision, entry.rule) = (decision, rule);
        let pin = entry.pin;
        if *entry.owner != *note.owner() {
            let before = std::mem::replace(&mut entry.owner, note.owner().into());
            self.charge(namespace, allocated(note.owner()), allocated(&before));
        }
        pin
    }

    fn find(&self, key: Key<'_>) -> Option<u32> {
        let is_it =
            |at: &u32| self.entries.get(*at as usize).is_some_and(|entry| entry.key() == key);
        self.index.find(self.hasher.hash_one(key), is_it).copied()
    }

    fn insert(&mut self, note: &Note, key: Key<'_>) -> u32 {
        let Key { namespace, asker, image, .. } = key;
        let entry = Entry {
            image: image.into(),
            owner: note.owner().into(),
            count: 0,
            dry_runs: 0,
            first_seen: note.at,
            last_seen: note.at,
            namespace,
            asker,
            in_all: Links::default(),
            in_namespace: Links::default(),
            workload: note.workload,
            decision: ImageDecision::Allow,
            rule: None,
            pin: Pin::of(image),
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
        self.use_again(namespace, asker);
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
        let (namespace, asker, bytes) = (entry.namespace, entry.asker, entry.bytes());
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
        self.release(namespace, asker);
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

    /// The number of whoever asked, who is used once more.
    fn asker(&mut self, note: &Note) -> u32 {
        let (user, pinned) = (note.user(), note.pinned());
        let make = || {
            Arc::new(Asker {
                user: user.into(),
                groups: note.groups().map(|group| Cow::Owned(group.to_owned())).collect(),
                pinned: pinned.map(Into::into),
            })
        };
        let mut more = 0;
        let at = self.askers.take(
            (user, pinned),
            |asker| *asker.user == *user && asker.pinned.as_deref() == pinned,
            || {
                let asker = make();
                more = bytes_of_asker(&asker);
                asker
            },
        );
        if let Some(asker) = self.askers.get_mut(at)
            && !asker.groups.iter().map(AsRef::as_ref).eq(note.groups())
        {
            let before = bytes_of_asker(asker);
            *asker = make();
            self.bytes = (self.bytes + bytes_of_asker(asker)).saturating_sub(before);
        }
        self.bytes += more;
        at
    }

    fn use_again(&mut self, namespace: u32, asker: u32) {
        self.namespaces.use_again(namespace);
        self.askers.use_again(asker);
    }

    fn release(&mut self, namespace: u32, asker: u32) {
        let namespace = self.namespaces.release(namespace);
        let asker = self.askers.release(asker);
        let freed = namespace.map_or(0, |gone| bytes_of_namespace(&gone.name))
            + asker.map_or(0, |gone| bytes_of_asker(&gone));
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
            asker: Arc::clone(self.askers.get(entry.asker)?),
            owner: Arc::clone(&entry.owner),
            workload: entry.workload,
            count: entry.count,
            dry_runs: entry.dry_runs.into(),
            first_seen: entry.first_seen,
            last_seen: entry.last_seen,
            decision: entry.decision,
            rule: entry.rule,
        })
    }
}

impl Entry {
    fn key(&self) -> Key<'_> {
        let Self { namespace, asker, workload, ref image, .. } = *self;
        Key { namespace, asker, is_pod: workload == Workload::Pod, image }
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

fn bytes_of_asker(asker: &Asker) -> usize {
    let groups = asker.groups.iter().map(|group| rounded(group.len())).sum::<usize>();
    let own = rounded(COUNTS + size_of::<Asker>()) + rounded(asker.user.len());
    let pinned = asker.pinned.as_ref().map_or(0, |pinned| rounded(pinned.len()));
    own + groups + asker.groups.len() * size_of::<Cow<'_, str>>() + pinned + 32 + TABLE
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::note::tests::{note_of, review};
    use super::{BYTES_PER_IMAGE, Entry, Memory};

    fn seen(memory: &mut Memory, namespace: &str, user: &str, image: &str, at: i64) {
        let note = note_of(&review(namespace, user, &[image]), at).unwrap();
        memory.take(&note, |_, _| ());
    }

    fn images(memory: &Memory) -> Vec<String> {
        let mut images: Vec<_> =
            memory.images().iter().map(|each| each.image.to_string()).collect();
        images.sort();
        images
    }

    #[test]
    fn the_same_image_is_counted_and_others_are_told_apart() {
        let mut memory = Memory::new(100);
        for at in [5, 3, 9] {
            seen(&mut memory, "ci", "bob", "docker.io/a:1", at);
        }
        let mut dry = review("ci", "bob", &["docker.io/a:1"]);
        dry["request"]["dryRun"] = json!(true);
        dry["request"]["name"] = json!("other");
        memory.take(&note_of(&dry, 4).unwrap(), |_, _| ());
        let [one] = &memory.images()[..] else { panic!("one image") };
        assert_eq!((one.count, one.dry_runs, one.first_seen, one.last_seen), (3, 1, 3, 9));
        assert_eq!(&*one.owner, "Pod/other", "the last one");
        seen(&mut memory, "other", "bob", "docker.io/a:1", 1);
        seen(&mut memory, "ci", "alice", "docker.io/a:1", 1);
        seen(&mut memory, "ci", "bob", "docker.io/a:2", 1);
        assert_eq!(memory.len(), 4);
        assert_eq!((memory.namespaces.len(), memory.askers.len()), (2, 2));
    }

    #[test]
    fn groups_are_those_of_the_last_request() {
        let mut memory = Memory::new(100);
        seen(&mut memory, "ci", "bob", "docker.io/a:1", 1);
        let before = memory.bytes();
        let mut body = review("ci", "bob", &["docker.io/a:1"]);
        body["request"]["userInfo"]["groups"] = json!(["one", "two", "x".repeat(1000)]);
        memory.take(&note_of(&body, 2).unwrap(), |_, _| ());
        assert_eq!((memory.images()[0].asker.groups.len(), memory.len()), (3, 1));
        assert!(memory.bytes() > before + 1000, "{} and {before}", memory.bytes());
        seen(&mut memory, "ci", "bob", "docker.io/a:1", 3);
        assert_eq!(memory.bytes(), before);
    }

    #[test]
    fn the_one_that_was_not_seen_for_the_longest_leaves() {
        let mut memory = Memory::within(8, usize::MAX);
        // None of the namespaces has its share.
        for (namespace, image) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)] {
            seen(&mut memory, namespace, "bob", &format!("docker.io/{image}"), image);
        }
        seen(&mut memory, "a", "bob", "docker.io/1", 7);
        for (namespace, image) in [("g", 7), ("h", 8), ("i", 9), ("j", 10)] {
            seen(&mut memory, namespace, "bob", &format!("docker.io/{image}"), image);
        }
        let left = [1, 10, 4, 5, 6, 7, 8, 9].map(|image| format!("docker.io/{image}"));
        assert_eq!((images(&memory), memory.evicted()), (left.to_vec(), 2));
    }

    #[test]
    fn a_namespace_displaces_no_more_than_its_share() {
        let mut memory = Memory::within(16, usize::MAX);
        for image in 0..16 {
            seen(&mut memory, "quiet", "bob", &format!("docker.io/quiet:{image}"), image);
        }
        for image in 0..1000 {
            seen(&mut memory, "loud", "eve", &format!("docker.io/loud:{image}"), image);
        }
        let quiet = images(&memory).iter().filter(|each| each.contains("quiet")).count();
        assert_eq!((quiet, memory.len()), (12, 16));
        assert!(images(&memory).contains(&"docker.io/loud:999".to_owned()));
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_asked_for() {
        let mut memory = Memory::new(0);
        seen(&mut memory, "ci", "bob", "docker.io/a:1", 1);
        assert_eq!((memory.len(), memory.bytes()), (0, 0));
    }

    #[test]
    fn an_entry_has_room_for_texts_of_a_usual_length() {
        // Beside the two counts of each: an image of 60 bytes and an owner of 28.
        let texts = super::allocated(&"a".repeat(60)) + super::allocated(&"a".repeat(28));
        assert!(size_of::<Entry>() + super::INDEX + texts <= BYTES_PER_IMAGE + 8);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against one that looks at everything: it forgets in the same order, keeps the books, and
        /// never holds more than it may.
        #[test]
        fn it_stays_within_its_bounds_and_keeps_its_books(
            most in 1_usize..12,
            steps in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..20, 0_usize..900), 1..120),
        ) {
            let mut memory = Memory::new(most);
            let mut last_seen = HashMap::new();
            for (at, (namespace, user, image, length)) in (0_i64..).zip(&steps) {
                let namespace = format!("n{namespace}{}", "x".repeat(length % 40));
                let user = format!("u{user}{}", "x".repeat(length / 4));
                let image = format!("docker.io/{image}{}:1", "x".repeat(length / 2));
                let mut body = review(&namespace, &user, &[&image]);
                body["request"]["name"] = json!("w".repeat(length / 4));
                memory.take(&note_of(&body, at).unwrap(), |_, _| ());
                last_seen.insert((namespace, user, image), at);
                prop_assert!(memory.len() <= most);
                prop_assert!(memory.bytes() <= most * BYTES_PER_IMAGE);
                let kept = memory.images();
                prop_assert_eq!(kept.len(), memory.len());
                for each in &kept {
                    let key = (
                        each.namespace.to_string(), each.asker.user.to_string(), each.image.to_string(),
                    );
                    prop_assert_eq!(last_seen.get(&key), Some(&each.last_seen));
                }
            }
            while let Some(at) = memory.order.oldest() {
                memory.forget(at);
            }
            prop_assert_eq!((memory.len(), memory.bytes()), (0, 0));
            prop_assert_eq!((memory.namespaces.len(), memory.askers.len()), (0, 0));
        }
    }
}
