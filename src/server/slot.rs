//! A slot for work that may occupy a processor for a long time: one job at a time, on a thread that
//! serves no requests.
//!
//! Such a thread cannot be cancelled. So the slot becomes free when the work has really ended, not
//! when its caller has given up waiting: however many callers come and go, the work never takes
//! more than one processor.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The slot, with the time limits for getting it and for the work.
#[derive(Debug)]
pub(super) struct Slot {
    free: Arc<Semaphore>,
    turn: Duration,
    work: Duration,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoResult {
    /// The slot did not become free in time; nothing was started.
    Busy,
    /// The work did not finish in time. It goes on, and holds the slot until it ends.
    TooSlow,
    /// The work panicked.
    Panicked,
}

impl Slot {
    /// A slot whose callers wait up to `turn` for it, first come, first served, and then up to
    /// `work` for the result.
    pub(super) fn new(turn: Duration, work: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(1)), turn, work }
    }

    /// Runs `work` and waits for its result.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let turn = timeout(self.turn, Arc::clone(&self.free).acquire_owned()).await;
        // The semaphore is never closed.
        let Ok(Ok(permit)) = turn else { return Err(NoResult::Busy) };
        let working = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match timeout(self.work, working).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(NoResult::Panicked),
            Err(_) => Err(NoResult::TooSlow),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{NoResult, Slot};

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn work_that_is_too_slow_holds_the_slot_until_it_really_ends() {
        let slot = Slot::new(Duration::from_millis(10), Duration::from_millis(10));
        let (end, ended) = mpsc::channel::<()>();
        let first = slot.run(move || ended.recv().is_ok()).await;
        assert_eq!(first, Err(NoResult::TooSlow));
        assert_eq!(slot.run(|| ()).await, Err(NoResult::Busy), "it goes on");
        end.send(()).unwrap();
        let patient = Slot { turn: PATIENCE, work: PATIENCE, ..slot };
        assert_eq!(patient.run(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn whoever_leaves_does_not_free_the_slot() {
        let slot = Slot::new(Duration::from_millis(10), PATIENCE);
        let (end, ended) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let work = move || {
            let _ = begun.send(());
            let _ = ended.recv();
        };
        tokio::select! {
            biased;
            _ = slot.run(work) => panic!("it waits for the channel"),
            begun = begins => begun.unwrap(),
        }
        assert_eq!(slot.run(|| ()).await, Err(NoResult::Busy));
        drop(end);
    }

    #[tokio::test]
    async fn a_panic_frees_the_slot() {
        let slot = Slot::new(PATIENCE, PATIENCE);
        let work: fn() = || panic!("on purpose");
        assert_eq!(slot.run(work).await, Err(NoResult::Panicked));
        assert_eq!(slot.run(|| 1).await, Ok(1));
    }
}
