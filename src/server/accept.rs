//! The accept loop: every connection is counted, limited and served in its own task.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::allowance::Weighed;
use super::budgets::Budgets;
use super::connection::{self, Times};
use super::drain::{Alive, Drain, Phase};
use super::places::Places;
use super::service::{Surface, contained};
use super::tls::Tls;
use crate::settings::{Protocol, Settings};
use crate::telemetry::Metrics;

/// The pause after the system could not give a connection what it needs, such as a descriptor.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// A failure to accept is logged at most this often, since the cause may persist.
const SAID: Duration = Duration::from_secs(10);

/// A bound socket, with everything that its connections share.
pub struct Listener {
    socket: TcpListener,
    tls: Option<Arc<Tls>>,
    handshake: Duration,
    turn: Arc<Semaphore>,
    places: Places,
    times: Times,
    surface: Surface,
    alive: Alive,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves `routes` on `socket`: those of the webhook, or those of the admin port over plain
    /// HTTP, for which `tls` and `budgets` are `None`.
    #[must_use]
    pub fn new(
        socket: TcpListener,
        tls: Option<Arc<Tls>>,
        settings: &Settings,
        routes: BoxedFilter<(Response,)>,
        metrics: Arc<Metrics>,
        budgets: Option<Arc<Budgets>>,
        drain: &Drain,
    ) -> Self {
        let places = match tls {
            Some(_) => Places::for_every_address(settings.max_connections),
            None => Places::for_the_last(settings.max_admin_connections),
        };
        let (handshake, times) = (settings.handshake, Times::new(settings));
        let surface = Surface { routes, metrics, budgets, untaken: Arc::default() };
        let alive = drain.alive();
        let turn = Arc::new(Semaphore::new(1));
        Self { socket, tls, handshake, turn, places, times, surface, alive }
    }

    /// Accepts connections until the process shuts down or the socket fails.
    pub async fn run(self) {
        let Self { socket, tls, handshake, turn, mut places, times, surface, mut alive } = self;
        let closing = alive.clone();
        let mut said = None;
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = alive.reached(Phase::Closing) => return,
            };
            let (stream, from) = match accepted {
                Ok((stream, from)) => (stream, from.ip()),
                Err(error) if is_for_good(&error) => {
                    tracing::error!(
                        error = error.to_string(),
                        "the listening socket has failed: no more connections are accepted"
                    );
                    return;
                }
                Err(error) => {
                    failed(&error, &mut said).await;
                    continue;
                }
            };
            let (place, shed) = places.take(from).await;
            if shed {
                surface.metrics.request_shed();
            }
            let Some(place) = place else { continue };
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                stream,
                tls: tls.clone(),
                handshake,
                turn: Arc::clone(&turn),
                times,
                surface: surface.clone(),
                alive: closing.clone(),
                _place: place,
            };
            places.taken_by(from, tokio::spawn(connection.contained()).abort_handle());
        }
    }
}

struct Connection {
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    handshake: Duration,
    turn: Arc<Semaphore>,
    times: Times,
    surface: Surface,
    alive: Alive,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// A panic outside a request ends that connection, and is counted like any other panic.
    async fn contained(self) {
        let metrics = Arc::clone(&self.surface.metrics);
        if contained(pin!(self.serve())).await.is_err() {
            metrics.panicked();
        }
    }

    async fn serve(self) {
        let Self { stream, tls, handshake, turn, times, surface, alive, _place } = self;
        let (stream, allowance) = Weighed::new(stream);
        let Some(tls) = tls else {
            let http1 = Protocol::Http1;
            return connection::serve(stream, http1, surface, allowance, times, alive).await;
        };
        let metrics = Arc::clone(&surface.metrics);
        let _held = metrics.connection();
        match timeout(handshake, in_turns(&turn, pin!(tls.acceptor().accept(stream)))).await {
            Ok(Ok(stream)) => {
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                connection::serve(stream, protocol, surface, allowance, times, alive).await;
            }
            Ok(Err(error)) => {
                metrics.tls_handshake_error();
                tracing::debug!(error = error.to_string(), "TLS handshake failed");
            }
            Err(_) => metrics.tls_handshake_error(),
        }
    }
}

/// Lets one handshake compute at a time, so that thousands of them still leave the other processors
/// to reviews. A turn ends as soon as the peer has to answer, so that no peer can hold on to it.
async fn in_turns<F: Future>(turn: &Semaphore, mut handshake: Pin<&mut F>) -> F::Output {
    loop {
        let step = {
            // The semaphore is never closed.
            let _turn = turn.acquire().await;
            poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await
        };
        if let Poll::Ready(done) = step {
            return done;
        }
        // The handshake can go on, whatever woke this task.
        let mut is_woken = false;
        poll_fn(|_| {
            if std::mem::replace(&mut is_woken, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Whether an error concerns the listening socket itself, so that retrying is pointless.
///
/// Source: accept(2).
fn is_for_good(error: &io::Error) -> bool {
    let of_the_socket = [libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EOPNOTSUPP];
    error.raw_os_error().is_some_and(|code| of_the_socket.contains(&code))
}

/// A connection that was aborted before it was accepted needs no action. Any other error is a
/// shortage in the system, so wait before the next attempt. `said` is when the last one was logged.
async fn failed(error: &io::Error, said: &mut Option<Instant>) {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        if said.is_none_or(|said| said.elapsed() >= SAID) {
            tracing::warn!(error = error.to_string(), "cannot accept a connection, will retry");
            *said = Some(Instant::now());
        }
        sleep(EXHAUSTED).await;
    }
}
