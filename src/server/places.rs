//! The places for connections, and who has to go when none is left.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// A connection that was told to end does so at once; this is for a process that is starved.
const LEAVING: Duration = Duration::from_secs(1);

/// A bounded number of places.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    /// The connections in the order in which they came; `None` where a newcomer is turned away.
    oldest_first: Option<VecDeque<AbortHandle>>,
}

impl Places {
    /// A newcomer is turned away when all places are taken.
    pub(super) fn for_the_first(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, oldest_first: None }
    }

    /// The oldest goes when all places are taken. Probes need that: they bring new connections,
    /// and whoever holds the others open must not make the process look dead.
    pub(super) fn for_the_last(most: usize) -> Self {
        Self { oldest_first: Some(VecDeque::new()), ..Self::for_the_first(most) }
    }

    /// A place, and whether somebody had to go for it; `None` for a newcomer who is turned away.
    pub(super) async fn take(&mut self) -> (Option<OwnedSemaphorePermit>, bool) {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return (Some(place), false);
        }
        let oldest = self.oldest_first.as_mut().and_then(VecDeque::pop_front);
        let Some(oldest) = oldest else { return (None, true) };
        oldest.abort();
        let place = timeout(LEAVING, Arc::clone(&self.free).acquire_owned()).await;
        (place.ok().and_then(Result::ok), true)
    }

    /// Remembers whose place was taken last.
    pub(super) fn taken_by(&mut self, connection: AbortHandle) {
        let Some(oldest_first) = &mut self.oldest_first else { return };
        if oldest_first.len() >= self.most {
            oldest_first.retain(|each| !each.is_finished());
        }
        oldest_first.push_back(connection);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::Places;

    #[tokio::test]
    async fn the_first_keep_their_places() {
        let mut places = Places::for_the_first(1);
        let (first, _) = places.take().await;
        assert!(matches!(places.take().await, (None, true)));
        drop(first);
        assert!(matches!(places.take().await, (Some(_), false)));
    }

    #[tokio::test]
    async fn the_oldest_goes_for_the_last() {
        let mut places = Places::for_the_last(2);
        let mut tasks = Vec::new();
        for _ in 0..5 {
            let (place, _) = places.take().await;
            let place = place.unwrap();
            let task = tokio::spawn(async move {
                let _place = place;
                pending::<()>().await;
            });
            places.taken_by(task.abort_handle());
            tasks.push(task);
        }
        let last = tasks.split_off(3);
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert!(last.iter().all(|task| !task.is_finished()));
    }
}
