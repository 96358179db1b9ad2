//! Starts all parts and runs them until a signal arrives or one of them ends.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpSocket};

use super::accept::Listener;
use super::admin::admin_routes;
use super::budgets::Budgets;
use super::drain::Drain;
use super::gate::Gate;
use super::operator::operator_routes;
use super::routes::webhook_routes;
use super::self_signed::self_signed;
use super::supervise::{Ended, Tasks};
use super::tls::{Tls, TlsOwner};
use super::tls_files::{TlsFiles, seed_randomness};
use crate::observed::Observed;
use crate::reload::{Live, Lookout, Owner, PolicySource, in_time};
use crate::settings::{DEFAULT_POLICY, Settings};
use crate::telemetry::{Looks, Metrics, Telemetry};

/// What the kernel may hold for one connection, either way, in bytes; Linux doubles it for what it needs
/// besides. Left to itself it lets each buffer grow to some MiB, and a container's memory limit counts
/// them. Across one millisecond this is 64 MB/s.
const SOCKET_BUFFER: u32 = 64 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Said where more than this Pod can reach the operator port.
const EXPOSED: &str = "whoever reaches it reads which images, namespaces and users there are";

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A signal asked for it.
    Asked,
    /// A task that serving depends on has ended. The log names it.
    Failed,
}

/// Serves until SIGTERM, SIGINT or the failure of a part, then shuts down gracefully. `variables`
/// are those of the policy's simple form.
///
/// # Errors
/// When a port cannot be bound or the key pair cannot be loaded. A missing or invalid policy is no
/// error: the process is alive, and not ready until there is a valid one.
pub async fn run(settings: Settings, variables: BTreeMap<String, String>) -> Result<Ending> {
    let metrics = Arc::new(Metrics::new()?);
    let live = Arc::new(Live::default());
    let drain = Drain::default();
    let mut tasks = Tasks::default();
    tokio::task::spawn_blocking(seed_randomness);
    let tls = tls(&settings, &metrics, &mut tasks).await?;
    // The ports come first: one that is in use is the likeliest mistake.
    let webhook = bind(settings.listen)?;
    let admin = bind(settings.admin_listen)?;
    let operator = settings.operator_listen.map(bind).transpose()?;

    let named = settings.policy.is_some();
    let path = settings.policy.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_POLICY));
    let mut lookout = Lookout::new(&[&path], settings.poll);
    let source = PolicySource { path, named, variables: variables.clone() };
    let mut owner = Owner::new(source, Arc::clone(&live), Arc::clone(&metrics));
    let first = async {
        lookout.arm().await;
        owner.look().await
    };
    in_time(Looks::Policy, settings.poll, &metrics, first).await;
    tasks.spawn("the owner of the policy", owner.run(lookout));

    let routes = admin_routes(Arc::clone(&live), Arc::clone(&metrics), drain.subscribe());
    let listener = |socket, tls, routes, budgets| {
        Listener::new(socket, tls, &settings, routes, Arc::clone(&metrics), budgets, &drain)
    };
    let (webhook_at, admin_at) = (webhook.local_addr()?, admin.local_addr()?);
    let admin_listener = listener(admin, None, routes, None);
    tasks.spawn("the listener of the admin port", admin_listener.run());
    let observed = Observed::start(settings.observed_images, Arc::clone(&metrics))?;
    let observed = Arc::new(observed);
    let mut operator_at = None;
    if let Some(operator) = operator {
        let at = operator.local_addr()?;
        if !at.ip().is_loopback() {
            let operator = at.to_string();
            tracing::warn!(operator, "the operator port is not on loopback: {EXPOSED}");
        }
        let (live, observed) = (Arc::clone(&live), Arc::clone(&observed));
        let metrics = Arc::clone(&metrics);
        let routes = operator_routes(live, observed, metrics, drain.subscribe(), at);
        let operator_listener = listener(operator, None, routes, None);
        tasks.spawn("the listener of the operator port", operator_listener.run());
        operator_at = Some(at.to_string());
    }
    let telemetry = Telemetry::new(Arc::clone(&metrics), settings.max_log_lines_per_second);
    let gate = Gate::new(Arc::clone(&live), telemetry, variables).remembering(observed);
    let gate = Arc::new(gate);
    let budgets = Arc::new(Budgets::new(&settings));
    let routes = webhook_routes(gate, Arc::clone(&budgets));
    let webhook_listener = listener(webhook, Some(tls), routes, Some(budgets));
    tasks.spawn("the listener of the webhook", webhook_listener.run());

    let (listen, admin) = (webhook_at.to_string(), admin_at.to_string());
    let (operator, version) = (operator_at, env!("CARGO_PKG_VERSION"));
    tracing::info!(listen, admin, operator, version, "ImageGate is ready!");
    let failure = async {
        let Ended { task, panicked } = tasks.ended().await;
        tracing::error!(task, panicked, "a task that serving depends on has ended: shutting down");
    };
    let failed = drain.after(failure, settings.drain_delay, settings.drain_grace).await?;
    Ok(if failed.is_some() { Ending::Failed } else { Ending::Asked })
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    listening(address).with_context(|| format!("cannot listen on `{address}`"))
}

/// What is accepted has the buffers of the socket that listens. Set before it listens, since the
/// window that a peer is offered depends on it.
fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port whose last connections are not forgotten yet can be had at once after a restart.
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn tls(settings: &Settings, metrics: &Arc<Metrics>, tasks: &mut Tasks) -> Result<Arc<Tls>> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        return Ok(Tls::new(&self_signed()?, &settings.protocols, metrics)?);
    };
    let files =
        TlsFiles { cert: cert.clone(), key: key.clone(), client_ca: settings.client_ca.clone() };
    let mut lookout = Lookout::new(&files.paths(), settings.poll);
    let first = async {
        lookout.arm().await;
        TlsOwner::new(files, settings.protocols.clone(), Arc::clone(metrics)).await
    };
    let owner = in_time(Looks::KeyPair, settings.poll, metrics, first).await?;
    let tls = owner.tls();
    tasks.spawn("the owner of the key pair", owner.run(lookout));
    Ok(tls)
}
