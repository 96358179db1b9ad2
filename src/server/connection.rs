//! One connection: HTTP over a socket, with its deadlines, its age and its way out.

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

/// Left to a connection that was asked to go.
const FAREWELL: Duration = Duration::from_mins(1);
/// Bytes of one HTTP/1.1 request's headers, and of the buffer that each connection reads into: a
/// TLS record holds no more.
const HEADER_BYTES: usize = 16 << 10;
/// The same of one HTTP/2 request, as RFC 9113 counts them. The API server sends some 300, and a
/// token where its configuration has one.
const HEADER_LIST: u32 = 8 << 10;
/// Streams of one HTTP/2 connection at once. Whatever connections there are may open theirs in one
/// moment, so this is what a connection costs at most. A Go client opens another connection when it
/// needs more.
const STREAMS: u32 = 32;
/// Bytes that an HTTP/2 client may send ahead, on a stream and on a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;

/// The times that end a connection.
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

/// Serves `socket` until it closes, is too old, or the process is closing.
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
        // An idle HTTP/1.1 connection is not closed until the very end, since the client may be
        // about to use it. Its last response carries `Connection: close` instead.
        Protocol::Http1 => {
            let socket = TokioIo::new(Timed::new(socket, progress, times.header));
            let connection = http1(times.idle).serve_connection(socket, service);
            tokio::select! {
                () = drive(connection, alive, Phase::Closing, retires_at + FAREWELL) => {}
                () = untaken.crowded_out() => {}
            }
        }
        // A GOAWAY makes the client open another connection; its streams are finished here.
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

/// Drives a connection to its end; from `phase` or `at` on, its graceful end.
async fn drive<C: GracefulConnection>(connection: C, mut alive: Alive, phase: Phase, at: Instant) {
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is the client's affair; what was asked on it is counted elsewhere.
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

/// Connections that came at once must not go at once: up to an eighth less than `age`.
fn jittered(age: Duration) -> Duration {
    let noise = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos() % 1024);
    age.saturating_sub((age / 8) * noise / 1024)
}
