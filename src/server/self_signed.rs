//! A key pair in memory, for a try-out without files.

use anyhow::Result;
use rcgen::{CertificateParams, KeyPair as SigningKey};
use time::{Duration, OffsetDateTime};

use super::tls_files::KeyPair;

/// The names that a try-out is reached by.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes an ECDSA P-256 pair for localhost that is valid for 30 days.
///
/// # Errors
/// When the system has no randomness.
pub fn self_signed() -> Result<KeyPair> {
    let key = SigningKey::generate()?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    // An hour back, for clients whose clock is behind.
    params.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    let certificate = params.self_signed(&key)?;
    Ok(KeyPair::from_pem(certificate.pem(), key.serialize_pem()))
}
