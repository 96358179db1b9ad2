//! The serving key pair, swapped while handshakes go on.
//!
//! A pair that does not match never replaces one that does: it is logged once and counted, and
//! the old one serves on.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::tls_files::{KeyPair, Served, TlsFiles};
use crate::reload::Lookout;
use crate::settings::Protocol;
use crate::telemetry::Metrics;

/// What accepts handshakes now.
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
    /// What the last look saw; `None` where the files could not be read.
    seen: Option<KeyPair>,
    /// The last failure, so that each is said once.
    failure: Option<String>,
}

impl Tls {
    /// Serves a pair that is in no file.
    ///
    /// # Errors
    /// When the pair does not match.
    pub fn new(pair: &KeyPair, protocols: &[Protocol], metrics: &Metrics) -> Result<Arc<Self>> {
        let config = prepare(pair, protocols, metrics)?;
        Ok(Arc::new(Self { config: ArcSwap::from_pointee(config) }))
    }

    /// An acceptor with the pair that is served now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

impl TlsOwner {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// When they cannot be read or do not match: there is no old pair to serve.
    pub fn new(files: TlsFiles, protocols: Vec<Protocol>, metrics: Arc<Metrics>) -> Result<Self> {
        let pair = files.read()?;
        let tls = Tls::new(&pair, &protocols, &metrics)?;
        Ok(Self { files, protocols, metrics, tls, seen: Some(pair), failure: None })
    }

    /// What is served.
    #[must_use]
    pub fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls)
    }

    /// Looks whenever `lookout` says so, for as long as it is polled.
    pub async fn run(mut self, mut lookout: Lookout) {
        loop {
            lookout.wait().await;
            self.look();
        }
    }

    /// Looks at the files once; whether another pair is served now.
    pub fn look(&mut self) -> bool {
        let read = self.files.read();
        if let (Ok(pair), Some(seen)) = (&read, &self.seen)
            && pair == seen
        {
            return false;
        }
        let prepared = read.as_ref().map_err(|error| format!("{error:#}")).and_then(|pair| {
            prepare(pair, &self.protocols, &self.metrics).map_err(|error| format!("{error:#}"))
        });
        self.seen = read.ok();
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

/// Checks a pair, and shows until when it is valid.
fn prepare(pair: &KeyPair, protocols: &[Protocol], metrics: &Metrics) -> Result<ServerConfig> {
    let Served { config, not_after } = pair.serve(protocols)?;
    metrics.tls_certificate_not_after(not_after);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days_left = not_after.saturating_sub_unsigned(now).div_euclid(86_400);
    if days_left < 0 {
        tracing::warn!(days_left, "the serving certificate has expired");
    } else {
        tracing::info!(days_left, "serving certificate applied");
    }
    Ok(config)
}
