//! One connection: HTTP over a socket, with its timeouts, its maximum age and its graceful
//! shutdown.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};

use super::allowance::Allowance;
use super::drain::{Alive, Phase};
use super::progress::{Progress, Timed};
use super::service::{Requests, Surface};
use crate::settings::{Protocol, Settings};

/// Time that a connection has to finish once it was asked to close.
const FAREWELL: Duration = Duration::from_mins(1);
/// Bytes of one HTTP/1.1 request's headers, and of the buffer that each connection reads into. A
/// TLS record holds no more.
const HEADER_BYTES: usize = 16 << 10;
/// The same limit for an HTTP/2 request, as RFC 9113 counts header bytes. The API server sends
/// about 300, plus a token if one is configured.
const HEADER_LIST: u32 = 8 << 10;
/// Concurrent streams of one HTTP/2 connection. All connections may open all their streams at the
/// same moment, so this limits what a connection can cost. A Go client opens another connection
/// when it needs more.
const STREAMS: u32 = 32;
/// The HTTP/2 flow-control windows in bytes, of a stream and of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;

/// The timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    header: Duration,
    idle: Duration,
    age: Duration,
}

impl Times {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { header: settings.header, idle: settings.idle, age: settings.connection_age }
    }
}

/// Serves `socket` until it closes, reaches its maximum age, or the process shuts down.
pub(super) async fn serve<S>(
    socket: S,
    protocol: Protocol,
    surface: Surface,
    allowance: Allowance,
    times: Times,
    alive: Alive,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (progress, untaken) = (Progress::default(), surface.untaken.connection());
    let retires_at = Instant::now() + jittered(times.age);
    let service = Requests {
        part: surface.budgets.as_ref().map(|budgets| budgets.part()),
        surface,
        progress: progress.clone(),
        answers: untaken.answers(),
        allowance,
        alive: alive.clone(),
        retires_at,
    };
    match protocol {
        // An idle HTTP/1.1 connection stays open until the very end, since the client may be about
        // to use it. Its last response carries `Connection: close` instead.
        Protocol::Http1 => {
            let socket = TokioIo::new(Timed::new(socket, progress, times.header));
            let connection = http1(times.idle).serve_connection(socket, service);
            tokio::select! {
                () = drive(connection, alive, Phase::Closing, retires_at + FAREWELL) => {}
                () = untaken.crowded_out() => {}
            }
        }
        // On GOAWAY the client opens another connection; the streams of this one are completed
        // here.
        Protocol::Http2 => {
            let socket = TokioIo::new(Timed::first(socket, progress, times.header));
            let connection = http2().serve_connection(socket, service);
            tokio::select! {
                () = drive(connection, alive, Phase::Leaving, retires_at) => {}
                () = untaken.stalled(times.header) => {}
                () = untaken.crowded_out() => {}
            }
        }
    }
}

/// Drives a connection until it ends. From `phase` or `at` on, it is being shut down gracefully.
async fn drive<C: GracefulConnection>(connection: C, mut alive: Alive, phase: Phase, at: Instant) {
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is up to the client. Its requests are counted elsewhere.
        _ = connection.as_mut() => return,
        () = sleep_until(at) => {}
        () = alive.reached(phase) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(FAREWELL, connection).await;
}

fn http1(idle: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(HEADER_BYTES);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

/// `age` less a random part of up to an eighth, so that connections opened together do not close
/// together.
fn jittered(age: Duration) -> Duration {
    let noise = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos() % 1024);
    age.saturating_sub((age / 8) * noise / 1024)
}
