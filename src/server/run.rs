//! Puts the parts together and runs them until a signal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

use super::accept::Listener;
use super::admin::admin_routes;
use super::drain::Drain;
use super::gate::Gate;
use super::limits::Limits;
use super::routes::webhook_routes;
use super::self_signed::self_signed;
use super::tls::{Tls, TlsOwner};
use super::tls_files::{TlsFiles, seed_randomness};
use crate::reload::{Live, Lookout, Owner, PolicySource};
use crate::settings::{DEFAULT_POLICY, Settings};
use crate::telemetry::{Metrics, Telemetry};

/// Serves until SIGTERM or SIGINT, then drains. `variables` are those of the
/// policy's simple form.
///
/// # Errors
/// When a port or the key pair cannot be had. A missing or invalid policy is not an error: the
/// process is alive and not ready until one appears.
pub async fn run(settings: Settings, variables: BTreeMap<String, String>) -> Result<()> {
    let metrics = Arc::new(Metrics::new()?);
    let live = Arc::new(Live::default());
    let drain = Drain::default();
    tokio::task::spawn_blocking(seed_randomness);
    let tls = tls(&settings, &metrics)?;
    // Bound first: a port that is taken is the likeliest mistake.
    let webhook = bind(settings.listen).await?;
    let admin = bind(settings.admin_listen).await?;

    let named = settings.policy.is_some();
    let path = settings.policy.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_POLICY));
    let mut lookout = Lookout::new(&[&path], settings.poll);
    lookout.arm();
    let source = PolicySource { path, named, variables: variables.clone() };
    let mut owner = Owner::new(source, Arc::clone(&live), Arc::clone(&metrics));
    owner.look().await;
    tokio::spawn(owner.run(lookout));

    let routes = admin_routes(Arc::clone(&live), Arc::clone(&metrics), drain.subscribe());
    let listener = |socket, tls, routes, limits| {
        Listener::new(socket, tls, &settings, routes, Arc::clone(&metrics), limits, &drain)
    };
    let (webhook_at, admin_at) = (webhook.local_addr()?, admin.local_addr()?);
    tokio::spawn(listener(admin, None, routes, None).run());
    let telemetry = Telemetry::new(Arc::clone(&metrics), settings.max_log_lines_per_second);
    let gate = Arc::new(Gate::new(Arc::clone(&live), telemetry, variables));
    let limits = Arc::new(Limits::new(&settings));
    let routes = webhook_routes(gate, Arc::clone(&limits));
    tokio::spawn(listener(webhook, Some(tls), routes, Some(limits)).run());

    let (listen, admin) = (webhook_at.to_string(), admin_at.to_string());
    tracing::info!(listen, admin, version = env!("CARGO_PKG_VERSION"), "ImageGate is ready!");
    drain.on_signal(settings.drain_delay, settings.drain_grace).await?;
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on `{address}`"))
}

fn tls(settings: &Settings, metrics: &Arc<Metrics>) -> Result<Arc<Tls>> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        return Tls::new(&self_signed()?, &settings.protocols, metrics);
    };
    let files =
        TlsFiles { cert: cert.clone(), key: key.clone(), client_ca: settings.client_ca.clone() };
    let mut lookout = Lookout::new(&files.paths(), settings.poll);
    lookout.arm();
    let owner = TlsOwner::new(files, settings.protocols.clone(), Arc::clone(metrics))?;
    let tls = owner.tls();
    tokio::spawn(owner.run(lookout));
    Ok(tls)
}
