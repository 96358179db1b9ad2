//! Reads the serving key pair and the client CA, and checks that they belong together.
//!
//! Prefer elliptic-curve keys: an RSA signature costs the server ten times as much per handshake.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::files::read_regular;
use crate::settings::Protocol;

/// The largest PEM file, in bytes.
const LARGEST: u64 = 1 << 20;

/// Where the key pair and the client CA are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, leaf first, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// The CA that clients must have a certificate of, PEM.
    pub client_ca: Option<PathBuf>,
}

/// The content of the files, compared to detect changes.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// A configuration for handshakes, with the first second at which its certificate is no longer
/// valid.
pub(super) struct Served {
    pub(super) config: ServerConfig,
    pub(super) not_after: i64,
}

impl fmt::Debug for KeyPair {
    /// Shows nothing: the key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

impl TlsFiles {
    /// The paths of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let Self { cert, key, client_ca } = self;
        [Some(cert), Some(key), client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect()
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, is no regular file, or is larger than 1 MiB.
    pub fn read(&self) -> Result<KeyPair> {
        let read = |path: &Path| {
            read_regular(path, LARGEST).with_context(|| format!("cannot read `{}`", path.display()))
        };
        Ok(KeyPair {
            cert: read(&self.cert)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }
}

impl KeyPair {
    /// A pair that does not come from files; both parts are PEM.
    #[must_use]
    pub fn from_pem(cert: String, key: String) -> Self {
        Self { cert: cert.into_bytes(), key: key.into_bytes(), client_ca: None }
    }

    /// Checks the pair and prepares it for serving.
    pub(super) fn serve(&self, protocols: &[Protocol]) -> Result<Served> {
        let chain = certificates(&self.cert).context("the certificate")?;
        let leaf = chain.first().context("the certificate file holds no certificate")?;
        let not_after = not_after(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| anyhow::anyhow!("the private key: {error}"))?;
        // Passed explicitly, so that no other crate in the process can change it.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_ca {
            Some(pem) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots(pem)?, provider).build()?,
            ),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .context("the certificate and the private key do not belong together")?;
        config.alpn_protocols = protocols.iter().map(|protocol| alpn(*protocol)).collect();
        Ok(Served { config, not_after })
    }
}

/// Draws a random number. The first one in a process takes about 30 ms to seed the generator, which
/// no client should have to wait for in its handshake.
pub(super) fn seed_randomness() {
    // If this fails, the first handshake will report it.
    let _ = aws_lc_rs::default_provider().secure_random.fill(&mut [0]);
}

fn alpn(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Http1 => b"http/1.1".to_vec(),
        Protocol::Http2 => b"h2".to_vec(),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<_, _> = CertificateDer::pem_slice_iter(pem).collect();
    certificates.map_err(|error| anyhow::anyhow!("not PEM: {error}"))
}

fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).context("the client CA")? {
        roots.add(certificate).context("the client CA")?;
    }
    ensure!(!roots.is_empty(), "the client CA file holds no certificate");
    Ok(Arc::new(roots))
}

/// The end of a certificate's validity, in Unix seconds.
fn not_after(certificate: &CertificateDer<'_>) -> Result<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| anyhow::anyhow!("the certificate is not X.509: {error}"))?;
    Ok(parsed.validity().not_after.timestamp())
}
