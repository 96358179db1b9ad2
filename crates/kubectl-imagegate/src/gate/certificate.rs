//! The certificate that a replica serves, and whether the API server would trust it.

use std::io;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use super::find::Pod;
use super::webhooks::Webhook;
use crate::cluster::{Cluster, Fault, PATIENCE, again_if_broken, or_said_by_kubelet, within};

/// What an API server would make of the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It trusts it.
    Trusted,
    /// It does not, for this reason.
    Untrusted(String),
}

impl Served {
    /// Shakes hands with a replica as the API server would for `webhook`; `None` where that is not
    /// asked by the name of a Service, or trusts what its own host trusts.
    pub(crate) async fn check(
        cluster: &Cluster,
        namespace: &str,
        pod: &Pod,
        webhook: &Webhook,
    ) -> Result<Option<Self>, Fault> {
        let (Some(name), Some(bundle)) = (webhook.server_name(), webhook.ca_bundle()) else {
            return Ok(None);
        };
        let config = match trusting(&bundle) {
            Ok(config) => config,
            Err(why) => return Ok(Some(Self::Untrusted(why))),
        };
        let name = ServerName::try_from(name)
            .map_err(|error| Fault::unreadable(&format!("the Service's name: {error}")))?;
        let connector = TlsConnector::from(Arc::new(config));
        let served = || async {
            let port = cluster.forward(namespace, &pod.name, pod.webhook_port).await?;
            let shaken = async { Ok(connector.connect(name.clone(), port.stream).await) };
            let shaken = within(PATIENCE, "the TLS handshake", shaken);
            of_handshake(or_said_by_kubelet(&mut Some(port.error), shaken).await?.err())
        };
        again_if_broken(served).await.map(Some)
    }
}

/// What a handshake says of the certificate, by what it failed of.
fn of_handshake(error: Option<io::Error>) -> Result<Served, Fault> {
    let Some(error) = error else { return Ok(Served::Trusted) };
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => Ok(Served::Untrusted(in_words(why))),
        // The replica wants a certificate of the client, for which it has shown its own.
        Some(rustls::Error::AlertReceived(_)) => Ok(Served::Trusted),
        _ => Err(Fault::broken(&format!("the TLS handshake failed: {error}"))),
    }
}

/// A client that trusts the certificates of a `caBundle`.
fn trusting(bundle: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|_| "the caBundle is not PEM".to_owned())?;
        roots.add(certificate).map_err(|_| "the caBundle holds no certificate".to_owned())?;
    }
    if roots.is_empty() {
        return Err("the caBundle holds no certificate".to_owned());
    }
    // Named, since there is more than one crate here that could have set another.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "it was not signed by a certificate of the caBundle".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it does not have the name of the Service".to_owned()
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

    use super::{Served, of_handshake};
    use crate::cluster::Kind;

    #[test]
    fn a_handshake_says_what_became_of_the_certificate() {
        let failed = |error| of_handshake(Some(io::Error::new(io::ErrorKind::InvalidData, error)));
        assert_eq!(of_handshake(None), Ok(Served::Trusted));
        let wanted = Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(failed(wanted), Ok(Served::Trusted));
        let expired = failed(Error::InvalidCertificate(CertificateError::Expired));
        assert_eq!(expired, Ok(Served::Untrusted("it has expired".to_owned())));
        let ended = of_handshake(Some(io::ErrorKind::UnexpectedEof.into())).unwrap_err();
        assert_eq!(ended.kind, Kind::Broken, "{ended}");
    }
}
