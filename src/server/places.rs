//! The limit on connections, and which one is closed when it is reached.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How long to wait for a connection that was told to end. It ends at once, unless the process is
/// short of CPU.
const LEAVING: Duration = Duration::from_secs(1);
/// How many ended connections may be remembered beyond the number of open ones.
const FEW: usize = 16;

/// A limited number of connections, each of which holds a place.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    leaves: Leaves,
    /// The connections with their addresses, oldest first. A handle keeps all that its task took, some
    /// 14 KiB, so those that have ended go soon.
    oldest_first: VecDeque<(IpAddr, AbortHandle)>,
}

/// Which connection is closed when all places are taken.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    Oldest,
    OldestOfTheMost,
}

impl Places {
    /// The oldest of the address with the most connections, if the newcomer's address has fewer;
    /// otherwise the newcomer. So nobody can lock the API server out from a few addresses.
    pub(super) fn for_every_address(most: usize) -> Self {
        Self::new(most, Leaves::OldestOfTheMost)
    }

    /// The oldest. Probes need this, since each is a new connection: whoever holds all the other
    /// connections open must not make the process look dead.
    pub(super) fn for_the_last(most: usize) -> Self {
        Self::new(most, Leaves::Oldest)
    }

    fn new(most: usize, leaves: Leaves) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, leaves, oldest_first: VecDeque::new() }
    }

    /// A place for a new connection from an address (`None` if it has to be closed), and whether
    /// any connection was shed.
    pub(super) async fn take(&mut self, from: IpAddr) -> (Option<OwnedSemaphorePermit>, bool) {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return (Some(place), false);
        }
        let leaver = match self.leaves {
            Leaves::Oldest => self.oldest_first.pop_front(),
            Leaves::OldestOfTheMost => self.oldest_of_the_most(from),
        };
        let Some((_, oldest)) = leaver else { return (None, true) };
        oldest.abort();
        let place = timeout(LEAVING, Arc::clone(&self.free).acquire_owned()).await;
        (place.ok().and_then(Result::ok), true)
    }

    /// Records the connection that took the last place.
    pub(super) fn taken_by(&mut self, from: IpAddr, connection: AbortHandle) {
        let open = self.most.saturating_sub(self.free.available_permits());
        if self.oldest_first.len() >= self.most.min(2 * open + FEW) {
            self.oldest_first.retain(|(_, each)| !each.is_finished());
        }
        self.oldest_first.push_back((from, connection));
    }

    /// The oldest connection of the address that has the most, if those are more than the
    /// newcomer's address will have.
    fn oldest_of_the_most(&mut self, newcomer: IpAddr) -> Option<(IpAddr, AbortHandle)> {
        self.oldest_first.retain(|(_, each)| !each.is_finished());
        let mut counts = HashMap::<IpAddr, usize>::new();
        for (address, _) in &self.oldest_first {
            *counts.entry(*address).or_default() += 1;
        }
        let (most, count) = counts.iter().max_by_key(|(_, count)| **count)?;
        if *count <= counts.get(&newcomer).map_or(1, |own| own + 1) {
            return None;
        }
        let oldest = self.oldest_first.iter().position(|(address, _)| address == most)?;
        self.oldest_first.remove(oldest)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use std::net::IpAddr;

    use super::Places;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[tokio::test]
    async fn the_first_of_an_address_keep_their_places() {
        let mut places = Places::for_every_address(1);
        let (first, _) = places.take(ONE).await;
        assert!(matches!(places.take(ONE).await, (None, true)));
        drop(first);
        assert!(matches!(places.take(ONE).await, (Some(_), false)));
    }

    #[tokio::test]
    async fn those_that_have_ended_are_forgotten_long_before_the_last_place() {
        let mut places = Places::for_every_address(2048);
        let mut open = Vec::new();
        for number in 0..1000 {
            let (place, _) = places.take(ONE).await;
            let stays = number % 100 == 0;
            let task = tokio::spawn(async move {
                let _place = place;
                if stays {
                    pending::<()>().await;
                }
            });
            places.taken_by(ONE, task.abort_handle());
            if stays {
                open.push(task);
            } else {
                task.await.unwrap();
            }
            let most = 2 * (open.len() + 1) + super::FEW;
            assert!(places.oldest_first.len() <= most, "{number}: {}", places.oldest_first.len());
        }
        let held = |task: &tokio::task::JoinHandle<()>| {
            places.oldest_first.iter().any(|(_, each)| each.id() == task.id())
        };
        assert!(open.iter().all(held), "those that are open are not");
    }

    #[tokio::test]
    async fn an_address_with_many_connections_makes_room_for_one_with_fewer() {
        makes_room(6, 3).await;
        // Whoever has one more gives none up: the two would go on taking it from each other.
        makes_room(5, 2).await;
    }

    /// Of all places, held by one address, another one gets so many.
    async fn makes_room(most: usize, fewer: usize) {
        let mut places = Places::for_every_address(most);
        let mut held = async |from| {
            let (place, _) = places.take(from).await;
            let place = place?;
            let task = tokio::spawn(async move {
                let _place = place;
                pending::<()>().await;
            });
            places.taken_by(from, task.abort_handle());
            Some(task)
        };
        let mut many = Vec::new();
        for _ in 0..most {
            many.push(held(ONE).await.unwrap());
        }
        assert!(held(ONE).await.is_none());
        let mut few = Vec::new();
        for _ in 0..fewer {
            few.push(held(OTHER).await.unwrap());
        }
        assert!(held(OTHER).await.is_none(), "{fewer} of {most}");
        let stays = many.split_off(fewer);
        for task in many {
            assert!(task.await.unwrap_err().is_cancelled(), "the oldest goes first");
        }
        assert!(few.iter().chain(&stays).all(|task| !task.is_finished()));
    }

    #[tokio::test]
    async fn connections_that_ended_are_forgotten_and_others_are_not() {
        let mut places = Places::for_the_last(2);
        let (stays, _) = places.take(ONE).await;
        let stays = tokio::spawn(async move {
            let _place = stays;
            pending::<()>().await;
        });
        places.taken_by(ONE, stays.abort_handle());
        for _ in 0..10 {
            let (place, left) = places.take(OTHER).await;
            assert!(place.is_some() && !left);
            let ends = tokio::spawn(async move { drop(place) });
            places.taken_by(OTHER, ends.abort_handle());
            ends.await.unwrap();
            assert!(places.oldest_first.len() <= 2);
            assert_eq!(places.oldest_first[0].0, ONE);
        }
    }

    #[tokio::test]
    async fn the_oldest_goes_for_the_last() {
        let mut places = Places::for_the_last(2);
        let mut tasks = Vec::new();
        for _ in 0..5 {
            let (place, _) = places.take(ONE).await;
            let place = place.unwrap();
            let task = tokio::spawn(async move {
                let _place = place;
                pending::<()>().await;
            });
            places.taken_by(ONE, task.abort_handle());
            tasks.push(task);
        }
        let last = tasks.split_off(3);
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert!(last.iter().all(|task| !task.is_finished()));
    }
}
