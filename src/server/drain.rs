//! Graceful shutdown, from serving to stopped.
//!
//! The API server does not retry a request whose connection broke. So a replica that is told to
//! stop first reports that it is not ready, goes on serving while it asks each connection to close,
//! and stops accepting only once no more traffic is routed to it.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Ready.
    Serving,
    /// Not ready; still serving, while connections are asked to close.
    Leaving,
    /// Accepts no more connections; finishes the requests in flight.
    Closing,
}

/// Publishes the phase, and learns when the last connection has closed.
#[derive(Debug)]
pub struct Drain {
    phase: watch::Sender<Phase>,
    /// Cloned into each connection; the channel closes with the last clone.
    alive: mpsc::Sender<()>,
    last: mpsc::Receiver<()>,
}

/// What a connection holds as long as it is open.
#[derive(Clone, Debug)]
pub(super) struct Alive {
    phase: watch::Receiver<Phase>,
    _alive: mpsc::Sender<()>,
}

impl Default for Drain {
    fn default() -> Self {
        let (alive, last) = mpsc::channel(1);
        Self { phase: watch::Sender::new(Phase::Serving), alive, last }
    }
}

impl Drain {
    /// Follows the phase.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// For a listener and its connections.
    pub(super) fn alive(&self) -> Alive {
        Alive { phase: self.phase.subscribe(), _alive: self.alive.clone() }
    }

    /// Waits for a signal or for `failure`, then shuts down. After SIGTERM or a failure, `delay`
    /// passes first, so that the endpoints are updated; after SIGINT it does not. Another signal
    /// ends each wait. Requests in flight have at most `grace`. Returns the failure, if that was
    /// the reason.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub async fn after<T>(
        self,
        failure: impl Future<Output = T>,
        delay: Duration,
        grace: Duration,
    ) -> std::io::Result<Option<T>> {
        let mut signals = Signals::new()?;
        let (failed, delay) = tokio::select! {
            signal = signals.next() => {
                (None, if signal == SignalKind::terminate() { delay } else { Duration::ZERO })
            }
            failed = failure => (Some(failed), delay),
        };
        self.phase.send_replace(Phase::Leaving);
        tracing::info!(delay_seconds = delay.as_secs(), "shutting down: not ready, still serving");
        tokio::select! {
            () = sleep(delay) => {}
            _ = signals.next() => {}
        }
        tokio::select! {
            () = self.close(grace) => {}
            _ = signals.next() => tracing::warn!("stopped by a second signal"),
        }
        Ok(failed)
    }

    /// Stops accepting and waits for the connections.
    async fn close(self, grace: Duration) {
        let Self { phase, alive, mut last } = self;
        phase.send_replace(Phase::Closing);
        drop(alive);
        if timeout(grace, last.recv()).await.is_ok() {
            tracing::info!("stopped with no request in flight");
        } else {
            tracing::warn!(grace_seconds = grace.as_secs(), "stopped with requests in flight");
        }
    }
}

impl Alive {
    /// The phase now.
    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until the phase is at least `phase`.
    pub(super) async fn reached(&mut self, phase: Phase) {
        // An error means that the drain itself was dropped, which counts as the end too.
        let _ = self.phase.wait_for(|now| *now >= phase).await;
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}
