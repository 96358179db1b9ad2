//! A key pair in memory, for trying ImageGate out without files.

use rcgen::{CertificateParams, KeyPair as SigningKey};
use time::{Duration, OffsetDateTime};

use super::tls_files::KeyPair;

/// The names by which such a server is reached.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes an ECDSA P-256 pair for localhost that is valid for 30 days.
///
/// # Errors
/// When the system cannot supply random numbers.
pub fn self_signed() -> Result<KeyPair, rcgen::Error> {
    let key = SigningKey::generate()?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    // Valid from an hour ago, for clients whose clock is slow.
    params.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    let certificate = params.self_signed(&key)?;
    Ok(KeyPair::from_pem(certificate.pem(), key.serialize_pem()))
}
