//! What is in flight at once: requests and the bytes of their bodies.
//!
//! Nothing waits in a queue: what does not fit is refused at once, and the API server asks again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::settings::Settings;

/// Bytes per permit of the budget, so that any sensible budget fits a semaphore.
const GRAIN: usize = 1024;

/// The shared limits of all connections.
#[derive(Debug)]
pub struct Limits {
    requests: Arc<Semaphore>,
    budget: Arc<Semaphore>,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The time for a whole body.
    pub body_time: Duration,
}

/// A part of the byte budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Budget {
    shared: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    grains: usize,
}

impl Limits {
    /// The limits that the settings give.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let permits = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            requests: permits(settings.max_requests),
            budget: permits(settings.max_body_bytes_total / GRAIN),
            max_body: settings.max_body_bytes,
            body_time: settings.body,
        }
    }

    /// A place among the requests in flight, if there is one left.
    pub(super) fn request(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.requests).try_acquire_owned().ok()
    }

    /// An empty part of the byte budget.
    pub(super) fn budget(&self) -> Budget {
        Budget { shared: Arc::clone(&self.budget), held: None, grains: 0 }
    }
}

impl Budget {
    /// Raises the part to at least `bytes`; false where the budget is spent.
    pub(super) fn raise_to(&mut self, bytes: usize) -> bool {
        let more = bytes.div_ceil(GRAIN).saturating_sub(self.grains);
        if more == 0 {
            return true;
        }
        let Ok(count) = u32::try_from(more) else { return false };
        let Ok(permit) = Arc::clone(&self.shared).try_acquire_many_owned(count) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        self.grains += more;
        true
    }
}
