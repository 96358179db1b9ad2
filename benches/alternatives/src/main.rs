//! What it costs a request to have its image remembered, by three ways to do so. docs/adr/0016 has the
//! figures and what was decided.
//!
//! `alternatives` prints nanoseconds for each; `alternatives WAY COUNT` notes so many images, for
//! valgrind to count instructions of.

use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{collections::HashMap, thread};

use quick_cache::Equivalent;

/// What the caches hold, and what they are bounded to.
const ENTRIES: usize = 65_536;
/// Images in use: a cluster has hundreds.
const IMAGES: usize = 1_000;
const USER: &str = "system:serviceaccount:kube-system:replicaset-controller";
const OWNER: &str = "ReplicaSet/web-6d4cf56db6";

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    namespace: Box<str>,
    image: Box<str>,
    user: Box<str>,
}

#[derive(PartialEq, Eq, Hash)]
struct Borrowed<'a> {
    namespace: &'a str,
    image: &'a str,
    user: &'a str,
}

impl Equivalent<Key> for Borrowed<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *key.namespace == *self.namespace && *key.image == *self.image && *key.user == *self.user
    }
}

#[derive(Default)]
struct Seen {
    count: AtomicU64,
    last_seen: AtomicU64,
    owner: std::sync::Mutex<Box<str>>,
}

impl Seen {
    fn note(&self, at: u64, owner: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.last_seen.store(at, Ordering::Relaxed);
        if let Ok(mut kept) = self.owner.try_lock()
            && **kept != *owner
        {
            *kept = owner.into();
        }
    }
}

trait Remembers: Sync {
    fn note(&self, namespace: &str, image: &str, at: u64);
}

/// quick_cache: a hit borrows its key; each shard has a lock, which whoever iterates holds.
struct Quick(quick_cache::sync::Cache<Key, Arc<Seen>>);

impl Remembers for Quick {
    fn note(&self, namespace: &str, image: &str, at: u64) {
        let borrowed = Borrowed { namespace, image, user: USER };
        if let Some(seen) = self.0.get(&borrowed) {
            return seen.note(at, OWNER);
        }
        let seen = Arc::new(Seen::default());
        seen.note(at, OWNER);
        self.0.insert(Key { namespace: namespace.into(), image: image.into(), user: USER.into() }, seen);
    }
}

/// moka: entries without a lock of their own; its bookkeeping takes turns on the threads that use it.
struct Moka(moka::sync::Cache<Key, Arc<Seen>>);

impl Remembers for Moka {
    fn note(&self, namespace: &str, image: &str, at: u64) {
        let key = Key { namespace: namespace.into(), image: image.into(), user: USER.into() };
        self.0.get_with(key, Arc::default).note(at, OWNER);
    }
}

/// A bounded queue to a thread that alone has a map; nobody wakes it for a note.
struct Queue {
    notes: SyncSender<(Box<str>, [u16; 4], u64)>,
    lost: AtomicU64,
    waiting: Arc<AtomicU64>,
    thread: thread::Thread,
}

impl Queue {
    fn start() -> Self {
        let (notes, taken) = sync_channel::<(Box<str>, [u16; 4], u64)>(1024);
        let waiting = Arc::new(AtomicU64::new(0));
        let left = Arc::clone(&waiting);
        let thread = thread::spawn(move || {
            let mut map = HashMap::<Box<str>, (u64, u64)>::with_capacity(ENTRIES);
            loop {
                while let Ok((texts, _, at)) = taken.try_recv() {
                    left.fetch_sub(1, Ordering::Relaxed);
                    let entry = map.entry(texts).or_default();
                    (entry.0, entry.1) = (entry.0 + 1, at);
                }
                thread::park_timeout(Duration::from_millis(250));
            }
        });
        Self { notes, lost: AtomicU64::new(0), waiting, thread: thread.thread().clone() }
    }
}

impl Remembers for Queue {
    fn note(&self, namespace: &str, image: &str, at: u64) {
        let mut texts = String::with_capacity(384);
        let mut ends = [0; 4];
        for (text, end) in [namespace, USER, OWNER, image].into_iter().zip(&mut ends) {
            texts.push_str(text);
            *end = u16::try_from(texts.len()).unwrap_or(u16::MAX);
        }
        if self.notes.try_send((texts.into_boxed_str(), ends, at)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= 512 && waiting.is_multiple_of(128) {
            self.thread.unpark();
        }
    }
}

fn main() {
    let ways: [(&str, Arc<dyn Remembers + Send>); 3] = [
        ("quick_cache", Arc::new(Quick(quick_cache::sync::Cache::new(ENTRIES)))),
        ("moka", Arc::new(Moka(moka::sync::Cache::new(ENTRIES as u64)))),
        ("queue", Arc::new(Queue::start())),
    ];
    let images: Vec<_> = (0..IMAGES).map(|n| format!("quay.io/acme/service-{n}:1.{n}.0")).collect();
    let namespaces: Vec<_> = (0..20).map(|n| format!("team-{n}")).collect();
    let note = |way: &dyn Remembers, n: usize| {
        way.note(black_box(&namespaces[n % 20]), black_box(&images[n % IMAGES]), n as u64);
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, count] = arguments.as_slice() {
        let (_, way) = ways.iter().find(|(each, _)| each == name).expect("a way");
        for n in 0..count.parse().expect("a number") {
            note(&**way, n);
        }
        return;
    }
    for (name, way) in &ways {
        for n in 0..2 * IMAGES {
            note(&**way, n);
        }
        // Paced as requests come, so that the queue is not measured at its end alone.
        let (mut least, mut all) = (Duration::MAX, Vec::new());
        for _ in 0..200 {
            let started = Instant::now();
            for n in 0..200 {
                note(&**way, n);
            }
            least = least.min(started.elapsed());
            all.push(started.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        all.sort();
        println!("{name:12} {:4} ns median, {:4} ns least", all[100].as_nanos() / 200, least.as_nanos() / 200);
    }
}
