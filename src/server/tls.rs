//! The serving key pair, which can be replaced while handshakes are in progress.
//!
//! A pair whose parts do not match never replaces one whose parts do. It is logged once and
//! counted, and the old pair stays in use.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::tls_files::{BadKeyPair, KeyPair, Served, TlsFiles};
use crate::clock;
use crate::reload::{Lookout, in_time};
use crate::settings::Protocol;
use crate::telemetry::{Looks, Metrics};

/// The acceptor in use.
#[derive(Debug)]
pub struct Tls {
    config: ArcSwap<ServerConfig>,
}

/// Reads the key pair again whenever its files change.
#[derive(Debug)]
pub struct TlsOwner {
    files: TlsFiles,
    protocols: Vec<Protocol>,
    metrics: Arc<Metrics>,
    tls: Arc<Tls>,
    /// What was found last time; `None` if the files could not be read.
    seen: Option<Arc<KeyPair>>,
    /// The last failure, so that each is logged once.
    failure: Option<String>,
}

/// What was found, if it differs from last time.
struct Found {
    seen: Option<KeyPair>,
    prepared: Result<ServerConfig, String>,
}

impl Tls {
    /// Serves a pair that does not come from files.
    ///
    /// # Errors
    /// When the parts of the pair do not match.
    pub fn new(
        pair: &KeyPair,
        protocols: &[Protocol],
        metrics: &Metrics,
    ) -> Result<Arc<Self>, BadKeyPair> {
        let config = prepare(pair, protocols, metrics)?;
        Ok(Arc::new(Self { config: ArcSwap::from_pointee(config) }))
    }

    /// An acceptor with the pair in use.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

impl TlsOwner {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// When they cannot be read or do not match, since there is no old pair to fall back on.
    pub async fn new(
        files: TlsFiles,
        protocols: Vec<Protocol>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, BadKeyPair> {
        let (sources, offered, counters) = (files.clone(), protocols.clone(), Arc::clone(&metrics));
        let first = spawn_blocking(move || {
            let pair = sources.read()?;
            let tls = Tls::new(&pair, &offered, &counters)?;
            Ok((pair, tls))
        });
        let (pair, tls) = first.await.unwrap_or(Err(BadKeyPair::Panicked))?;
        Ok(Self { files, protocols, metrics, tls, seen: Some(Arc::new(pair)), failure: None })
    }

    /// The pair in use.
    #[must_use]
    pub fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls)
    }

    /// Looks at the files whenever `lookout` says so, for as long as it is polled.
    pub async fn run(mut self, mut lookout: Lookout) {
        let metrics = Arc::clone(&self.metrics);
        loop {
            lookout.wait().await;
            let (period, look) = (lookout.period(), async {
                lookout.arm().await;
                self.look().await
            });
            in_time(Looks::KeyPair, period, &metrics, look).await;
        }
    }

    /// Looks at the files once. Returns whether another pair is in use now.
    pub async fn look(&mut self) -> bool {
        let (files, seen) = (self.files.clone(), self.seen.clone());
        let (protocols, metrics) = (self.protocols.clone(), Arc::clone(&self.metrics));
        // Reading may block, and the files may hold anything.
        let found = spawn_blocking(move || find(&files, seen.as_deref(), &protocols, &metrics));
        let found = found.await.unwrap_or_else(|_| Some(Found::failed(&BadKeyPair::Panicked)));
        let Some(Found { seen, prepared }) = found else { return false };
        self.seen = seen.map(Arc::new);
        match prepared {
            Ok(config) => {
                self.tls.config.store(Arc::new(config));
                self.failure = None;
                self.metrics.tls_reloaded(true);
                true
            }
            Err(failure) => {
                self.reject(failure);
                false
            }
        }
    }

    fn reject(&mut self, failure: String) {
        if self.failure.as_ref() == Some(&failure) {
            return;
        }
        self.metrics.tls_reloaded(false);
        tracing::error!(
            error = failure.as_str(),
            "the certificate or its key is not valid and was not applied"
        );
        self.failure = Some(failure);
    }
}

/// Reads and checks the files; `None` if they hold what was `seen` before.
fn find(
    files: &TlsFiles,
    seen: Option<&KeyPair>,
    protocols: &[Protocol],
    metrics: &Metrics,
) -> Option<Found> {
    let pair = match files.read() {
        Ok(pair) if seen == Some(&pair) => return None,
        Ok(pair) => pair,
        Err(error) => return Some(Found::failed(&error)),
    };
    let prepared = prepare(&pair, protocols, metrics).map_err(|error| error.to_string());
    Some(Found { seen: Some(pair), prepared })
}

impl Found {
    fn failed(why: &BadKeyPair) -> Self {
        Self { seen: None, prepared: Err(why.to_string()) }
    }
}

/// Checks a pair, and reports how long it is valid.
fn prepare(
    pair: &KeyPair,
    protocols: &[Protocol],
    metrics: &Metrics,
) -> Result<ServerConfig, BadKeyPair> {
    let Served { config, not_after } = pair.serve(protocols)?;
    metrics.tls_certificate_not_after(not_after);
    let days_left = not_after.saturating_sub(clock::unix_seconds()).div_euclid(86_400);
    if days_left < 0 {
        tracing::warn!(days_left, "the serving certificate has expired");
    } else {
        tracing::info!(days_left, "serving certificate applied");
    }
    Ok(config)
}
