//! The handle of the memory: the way in for requests, and the way out for readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, Thread};

use tokio::sync::oneshot;

use super::keeper::{Ask, Keeper};
use super::note::{Lost, Note, Noted};
use super::recent::Following;
use super::snapshot::Snapshot;
use crate::clock;
use crate::telemetry::{Loss, Metrics};

/// Notes that wait for the keeper.
pub(super) const MOST_NOTES: usize = 1024;
/// Bytes of all notes that wait.
const ALL_NOTES: usize = 1 << 20;
/// Readers that wait for the keeper.
const MOST_ASKS: usize = 64;

/// The memory of this replica. Dropping it ends its thread.
#[derive(Debug)]
pub struct Observed {
    notes: SyncSender<Note>,
    asks: SyncSender<Ask>,
    keeper: Thread,
    waiting: Arc<Waiting>,
    metrics: Arc<Metrics>,
    most: usize,
    since: i64,
}

/// How much waits for the keeper.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    bytes: AtomicUsize,
    notes: AtomicUsize,
}

/// The keeper does not answer: too many readers ask at once, or it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory does not answer")]
pub struct Unanswered;

impl Observed {
    /// Remembers up to `most` distinct images; 0 remembers none. The last decisions are kept in any
    /// case.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(most: usize, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let (notes, notes_of_keeper) = mpsc::sync_channel(MOST_NOTES);
        let (asks, asks_of_keeper) = mpsc::sync_channel(MOST_ASKS);
        let waiting = Arc::<Waiting>::default();
        let keeper = Keeper::new(
            most,
            notes_of_keeper,
            asks_of_keeper,
            Arc::clone(&waiting),
            Arc::clone(&metrics),
        );
        let thread = thread::Builder::new().name("observed".to_owned());
        let keeper = thread.spawn(move || keeper.run())?.thread().clone();
        let since = clock::unix_seconds();
        Ok(Self { notes, asks, keeper, waiting, metrics, most, since })
    }

    /// Since when it remembers, in Unix seconds.
    #[must_use]
    pub fn since(&self) -> i64 {
        self.since
    }

    /// How many images it may remember.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Notes what became of a request. Never waits: what there is no room for is lost and counted.
    #[expect(
        clippy::result_large_err,
        reason = "a note that has no room comes back as it was sent"
    )]
    pub fn note(&self, noted: &Noted<'_, '_>) {
        let Some(note) = Note::of(noted, self.most > 0) else { return };
        let Lost { too_long, too_many } = note.lost;
        if note.lost != Lost::default() {
            self.metrics.observed.lost(Loss::TooLong, too_long.into());
            self.metrics.observed.lost(Loss::TooMany, too_many.into());
        }
        let images = note.images().count() as u64;
        match self.waiting.add(&note).then(|| self.notes.try_send(note)) {
            Some(Ok(())) => {}
            Some(Err(mpsc::TrySendError::Full(note) | mpsc::TrySendError::Disconnected(note))) => {
                self.waiting.remove(&note);
                self.metrics.observed.lost(Loss::Busy, images);
            }
            None => self.metrics.observed.lost(Loss::Busy, images),
        }
        if self.waiting.wakes() {
            self.keeper.unpark();
        }
    }

    /// All images as they are remembered now, what was noted before included.
    ///
    /// # Errors
    /// When the keeper does not answer.
    pub async fn images(&self) -> Result<Snapshot, Unanswered> {
        self.ask(Ask::Images).await
    }

    /// The decisions behind the one with the number `after`, and those to come.
    ///
    /// # Errors
    /// When the keeper does not answer.
    pub async fn follow(&self, after: u64) -> Result<Following, Unanswered> {
        self.ask(|answer| Ask::Follow { after, answer }).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Unanswered> {
        let (answer, answered) = oneshot::channel();
        self.asks.try_send(ask(answer)).map_err(|_| Unanswered)?;
        self.keeper.unpark();
        answered.await.map_err(|_| Unanswered)
    }
}

impl Waiting {
    /// Counts a note that is about to wait. Whether it has room.
    fn add(&self, note: &Note) -> bool {
        let bytes = note.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > ALL_NOTES {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.notes.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// A note does not wait any more.
    pub(super) fn remove(&self, note: &Note) {
        self.bytes.fetch_sub(note.bytes(), Ordering::Relaxed);
        self.notes.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the keeper should look now: at a half, and with each eighth beyond.
    fn wakes(&self) -> bool {
        let notes = self.notes.load(Ordering::Relaxed);
        let half = notes >= MOST_NOTES / 2 && notes.is_multiple_of(MOST_NOTES / 8);
        half || self.bytes.load(Ordering::Relaxed) >= ALL_NOTES / 2
    }
}
