//! The thread that keeps the memory: it alone takes notes in and answers readers, so that there is
//! nothing to lock.
//!
//! It looks a few times a second, and at once where somebody asks or the queue fills up. Nobody has to
//! wake it for a note, which would cost a request more than the note itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::handle::{MOST_NOTES, Waiting};
use super::memory::Memory;
use super::note::Note;
use super::recent::{Decisions, Following};
use super::snapshot::Snapshot;
use crate::telemetry::Metrics;

/// Between two looks at the queue.
const PERIOD: Duration = Duration::from_millis(250);

/// What a reader asks for.
#[derive(Debug)]
pub(super) enum Ask {
    Images(oneshot::Sender<Snapshot>),
    Follow { after: u64, answer: oneshot::Sender<Following> },
}

/// What was left of the notes.
enum Queue {
    Empty,
    More,
    /// And nobody can add to it any more.
    Ended,
}

/// The memory with the ends of its queues.
#[derive(Debug)]
pub(super) struct Keeper {
    most: usize,
    memory: Memory,
    decisions: Decisions,
    notes: Receiver<Note>,
    asks: Receiver<Ask>,
    waiting: Arc<Waiting>,
    metrics: Arc<Metrics>,
}

impl Keeper {
    pub(super) fn new(
        most: usize,
        notes: Receiver<Note>,
        asks: Receiver<Ask>,
        waiting: Arc<Waiting>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (memory, decisions) = (Memory::new(most), Decisions::default());
        Self { most, memory, decisions, notes, asks, waiting, metrics }
    }

    /// Runs until the handle is gone.
    pub(super) fn run(mut self) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.look())) {
                Ok(Queue::Empty) => thread::park_timeout(PERIOD),
                Ok(Queue::More) => {}
                Ok(Queue::Ended) => return,
                Err(_) => {
                    // Half a change may be worse than none. No request depends on it.
                    self.metrics.panicked();
                    self.memory = Memory::new(self.most);
                }
            }
        }
    }

    /// Takes in what was noted and answers who asked.
    fn look(&mut self) -> Queue {
        let queue = self.take_notes();
        while let Ok(ask) = self.asks.try_recv() {
            // What was noted before somebody asked is part of the answer.
            self.take_notes();
            self.answer(ask);
        }
        queue
    }

    /// As many as the queue can hold: under a flood there is always another.
    fn take_notes(&mut self) -> Queue {
        let (mut evicted, mut queue) = (0, Queue::More);
        for _ in 0..MOST_NOTES {
            match self.notes.try_recv() {
                Ok(note) => evicted += self.take(note),
                Err(TryRecvError::Empty) => {
                    queue = Queue::Empty;
                    break;
                }
                Err(TryRecvError::Disconnected) => {
                    queue = Queue::Ended;
                    break;
                }
            }
        }
        self.metrics.observed.holds(self.memory.len(), self.memory.bytes(), evicted);
        queue
    }

    fn take(&mut self, mut note: Note) -> u64 {
        self.waiting.remove(&note);
        if let Some(recent) = note.recent.take() {
            self.decisions.push(*recent);
        }
        let metrics = &self.metrics.observed;
        self.memory.take(&note, |written, decision| metrics.seen(written, decision))
    }

    fn answer(&self, ask: Ask) {
        // Whoever asked may have left.
        match ask {
            // A copy of everything is not made for nobody.
            Ask::Images(answer) if answer.is_closed() => {}
            Ask::Images(answer) => {
                let (evicted, lost) = (self.memory.evicted(), self.metrics.observed.lost_in_all());
                let images = self.memory.images();
                let _ = answer.send(Snapshot { images, evicted, lost });
            }
            Ask::Follow { after, answer } => {
                let _ = answer.send(self.decisions.follow(after));
            }
        }
    }
}
