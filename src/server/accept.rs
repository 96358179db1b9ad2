//! The accept loop: every connection is counted, bounded and served in a task of its own.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::connection::{self, Times};
use super::drain::{Alive, Drain, Phase};
use super::places::Places;
use super::tls::Tls;
use crate::settings::{Protocol, Settings};
use crate::telemetry::Metrics;

/// Wait so long when the system has nothing left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Said at most this often, since it may last for as long as it likes.
const SAID: Duration = Duration::from_secs(10);

/// A bound socket with what its connections need.
pub struct Listener {
    socket: TcpListener,
    tls: Option<Arc<Tls>>,
    handshake: Duration,
    places: Places,
    times: Times,
    routes: BoxedFilter<(Response,)>,
    metrics: Arc<Metrics>,
    alive: Alive,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves `routes` on `socket`, as plain HTTP where `tls` is `None`.
    #[must_use]
    pub fn new(
        socket: TcpListener,
        tls: Option<Arc<Tls>>,
        settings: &Settings,
        routes: BoxedFilter<(Response,)>,
        metrics: Arc<Metrics>,
        drain: &Drain,
    ) -> Self {
        let places = match tls {
            Some(_) => Places::for_the_first(settings.max_connections),
            None => Places::for_the_last(settings.max_admin_connections),
        };
        let (handshake, times) = (settings.handshake, Times::new(settings));
        let alive = drain.alive();
        Self { socket, tls, handshake, places, times, routes, metrics, alive }
    }

    /// Accepts until the process is closing.
    pub async fn run(self) {
        let Self { socket, tls, handshake, mut places, times, routes, metrics, mut alive } = self;
        let closing = alive.clone();
        let mut said = None;
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = alive.reached(Phase::Closing) => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    failed(&error, &mut said).await;
                    continue;
                }
            };
            let (place, shed) = places.take().await;
            if shed {
                metrics.request_shed();
            }
            let Some(place) = place else { continue };
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                stream,
                tls: tls.clone(),
                handshake,
                times,
                routes: routes.clone(),
                metrics: Arc::clone(&metrics),
                alive: closing.clone(),
                _place: place,
            };
            places.taken_by(tokio::spawn(connection.serve()).abort_handle());
        }
    }
}

struct Connection {
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    handshake: Duration,
    times: Times,
    routes: BoxedFilter<(Response,)>,
    metrics: Arc<Metrics>,
    alive: Alive,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self) {
        let Self { stream, tls, handshake, times, routes, metrics, alive, _place } = self;
        let Some(tls) = tls else {
            return connection::serve(stream, Protocol::Http1, routes, times, alive).await;
        };
        let _held = metrics.connection();
        match timeout(handshake, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                connection::serve(stream, protocol, routes, times, alive).await;
            }
            Ok(Err(error)) => {
                metrics.tls_handshake_error();
                tracing::debug!(error = error.to_string(), "TLS handshake failed");
            }
            Err(_) => metrics.tls_handshake_error(),
        }
    }
}

/// A connection that went away before it was accepted is none of our business; anything else is
/// the system's, which needs time. `said` is when it was last logged.
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
