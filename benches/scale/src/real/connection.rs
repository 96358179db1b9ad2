//! A connection of HTTP/1.1 over TLS, as an API server has it to a webhook.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::constants::TIMEOUT;

/// An open one.
#[derive(Debug)]
pub(crate) struct Connection(StreamOwned<ClientConnection, TcpStream>);

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) allowed: bool,
    /// Whether the server asks for the connection's end.
    pub(crate) closes: bool,
}

/// Trusts one certificate and resumes no session, as Go's client does without a cache for them.
pub(crate) fn trusting(certificate: &Path) -> io::Result<Arc<ClientConfig>> {
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(io::Error::other)?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Connection {
    /// Opens one, handshake included.
    pub(crate) fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs_f64(TIMEOUT)))?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self(StreamOwned::new(tls, socket)))
    }

    /// Whether the other side has not closed it, as far as this one can know.
    pub(crate) fn is_open(&mut self) -> bool {
        self.look().unwrap_or(false)
    }

    fn look(&mut self) -> io::Result<bool> {
        let StreamOwned { conn, sock } = &mut self.0;
        sock.set_nonblocking(true)?;
        let open = loop {
            match conn.read_tls(sock) {
                Ok(0) => break false,
                Ok(_) => {
                    let state = conn.process_new_packets().map_err(io::Error::other)?;
                    if state.peer_has_closed() {
                        break false;
                    }
                }
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        sock.set_nonblocking(false)?;
        Ok(open)
    }

    /// Sends a review and reads the answer.
    pub(crate) fn ask(&mut self, body: &[u8]) -> io::Result<Answer> {
        let mut request = format!(
            "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.0.write_all(&request)?;
        self.0.flush()?;
        let mut answer = Vec::new();
        let mut buffer = [0; 8 << 10];
        loop {
            let read = self.0.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..read]);
            if let Some(answer) = whole(&answer) {
                return Ok(answer);
            }
        }
    }
}

/// The answer, once all of it is there.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let field = |name: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, it)| it)
    };
    if body.len() < field("content-length")?.parse().ok()? {
        return None;
    }
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        allowed: body.contains("\"allowed\":true"),
        closes: field("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")),
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, whole};

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let text =
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 14\r\n\r\n\"allowed\":true";
        let expected = Answer { status: 200, allowed: true, closes: true };
        assert_eq!(whole(text), Some(expected));
        assert!((0..text.len()).all(|end| whole(&text[..end]).is_none()));
    }
}
