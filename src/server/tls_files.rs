//! Reads the serving key pair and the client CA, and checks that they belong together.
//!
//! Prefer elliptic-curve keys: an RSA signature costs the server ten times as much per handshake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

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

/// Why a key pair cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyPair {
    /// A file cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The certificate file is not PEM.
    #[error("the certificate: not PEM: {0}")]
    CertificateNotPem(pem::Error),
    /// The certificate file is PEM without a certificate.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The certificate cannot be parsed.
    #[error("the certificate is not X.509: {0}")]
    NotX509(String),
    /// The key file holds no private key.
    #[error("the private key: {0}")]
    NoPrivateKey(pem::Error),
    /// The client CA file is not PEM.
    #[error("the client CA: not PEM: {0}")]
    ClientCaNotPem(pem::Error),
    /// The client CA file is PEM without a certificate.
    #[error("the client CA file holds no certificate")]
    NoClientCa,
    /// A certificate of the client CA cannot be used.
    #[error("the client CA: {0}")]
    UnusableClientCa(rustls::Error),
    /// No verifier can be built of the client CA.
    #[error("the client CA: {0}")]
    NoVerifier(#[from] VerifierBuilderError),
    /// The key is not that of the certificate, or of a kind that is not supported.
    #[error("the certificate and the private key do not belong together: {0}")]
    Mismatch(rustls::Error),
    /// The files were not read to their end, by a defect of ImageGate or at shutdown.
    #[error("reading it panicked")]
    Panicked,
    /// The library offers no protocol version that is safe.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
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
    pub fn read(&self) -> Result<KeyPair, BadKeyPair> {
        let read = |path: &Path| {
            let unreadable = |error| BadKeyPair::Unreadable { path: path.to_owned(), error };
            read_regular(path, LARGEST).map_err(unreadable)
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
    pub(super) fn serve(&self, protocols: &[Protocol]) -> Result<Served, BadKeyPair> {
        let chain = certificates(&self.cert).map_err(BadKeyPair::CertificateNotPem)?;
        let leaf = chain.first().ok_or(BadKeyPair::NoCertificate)?;
        let not_after = not_after(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(BadKeyPair::NoPrivateKey)?;
        // Passed explicitly, so that no other crate in the process can change it.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(BadKeyPair::Tls)?;
        let builder = match &self.client_ca {
            Some(pem) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(roots(pem)?, provider).build()?,
            ),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(BadKeyPair::Mismatch)?;
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

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>, BadKeyPair> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).map_err(BadKeyPair::ClientCaNotPem)? {
        roots.add(certificate).map_err(BadKeyPair::UnusableClientCa)?;
    }
    if roots.is_empty() {
        return Err(BadKeyPair::NoClientCa);
    }
    Ok(Arc::new(roots))
}

/// The end of a certificate's validity, in Unix seconds.
fn not_after(certificate: &CertificateDer<'_>) -> Result<i64, BadKeyPair> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| BadKeyPair::NotX509(error.to_string()))?;
    Ok(parsed.validity().not_after.timestamp())
}
