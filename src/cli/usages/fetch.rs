//! Asks an operator port over HTTP/1.1, once.
//!
//! The port listens on the loopback interface of its Pod and has neither TLS nor a password, so it is
//! reached through `kubectl port-forward`, and nothing but a loopback address is asked. No redirect
//! is followed, no proxy is used, and time and size are bounded.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::LARGEST;
use imagegate_core::policy::printable;

/// What is asked for where the URL has no path.
const PATH: &str = "/images";
const CONNECT: Duration = Duration::from_secs(5);
/// From the request to the last byte of the answer.
const ANSWER: Duration = Duration::from_mins(1);
/// Bytes of an answer that was not expected, and characters of it that are shown.
const LARGEST_ERROR: usize = 64 << 10;
const LONGEST_ERROR: usize = 200;

const FORWARD_HINT: &str = "`kubectl -n imagegate port-forward pod/NAME 8081` brings a replica's \
                            operator port to http://127.0.0.1:8081";

const PORT_HINT: &str = "the operator port is 8081, unless it is set otherwise: `kubectl -n imagegate \
                         port-forward pod/NAME 8081`";

/// The body of the answer to `GET url`.
///
/// # Errors
/// When the URL is not plain HTTP to a loopback address, and when there is no answer 200 in time and
/// within the limit.
pub(super) fn fetch(url: &str) -> Result<Vec<u8>> {
    let shown = printable(url).into_owned();
    let place = Place::parse(url).with_context(|| format!("cannot ask `{shown}`"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(place.get());
    answer.with_context(|| format!("cannot ask `{shown}`"))
}

/// What is asked, and where.
#[derive(Debug)]
struct Place {
    addresses: Vec<SocketAddr>,
    host: HeaderValue,
    path: Uri,
}

impl Place {
    fn parse(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().context("it is not a URL")?;
        if uri.scheme_str() != Some("http") {
            bail!("the operator port speaks plain HTTP\n  hint: {FORWARD_HINT}");
        }
        let authority = uri.authority().context("it names no host")?;
        if authority.as_str().contains('@') {
            bail!("the operator port knows no users");
        }
        let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
            "/" => PATH,
            path => path,
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(80);
        let addresses = (host, port).to_socket_addrs().context("its host is not known")?;
        let addresses: Vec<_> = addresses.filter(|address| address.ip().is_loopback()).collect();
        if addresses.is_empty() {
            bail!("its host is not this machine\n  hint: {FORWARD_HINT}");
        }
        let host = HeaderValue::from_str(authority.as_str())?;
        Ok(Self { addresses, host, path: path.parse()? })
    }

    async fn get(self) -> Result<Vec<u8>> {
        let connecting = timeout(CONNECT, TcpStream::connect(&*self.addresses)).await;
        let stream = connecting.context("no connection in time")??;
        timeout(ANSWER, self.get_over(stream)).await.context("no whole answer in time")?
    }

    async fn get_over(self, stream: TcpStream) -> Result<Vec<u8>> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // What goes wrong with it, the request learns too.
        tokio::spawn(connection);
        let asked = self.path.path().to_owned();
        let request = Request::get(self.path)
            .header(header::HOST, self.host)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("imagegate/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            let path = printable(&asked).into_owned();
            bail!("there is no {path} at this port\n  hint: {PORT_HINT}");
        }
        if status != StatusCode::OK {
            let body = body(response.into_body(), LARGEST_ERROR).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            let text: String = text.trim().chars().take(LONGEST_ERROR).collect();
            bail!("it answers {status}: {}", printable(&text));
        }
        body(response.into_body(), LARGEST).await
    }
}

async fn body(body: Incoming, most: usize) -> Result<Vec<u8>> {
    match Limited::new(body, most).collect().await {
        Ok(whole) => Ok(whole.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => bail!("it answers more than {most} bytes"),
        Err(error) => bail!("the answer broke off: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn only_plain_http_to_this_machine_is_asked() {
        let rows = [
            ("http://127.0.0.1:8081", Ok("/images")),
            ("http://127.0.0.1:8081/", Ok("/images")),
            ("http://[::1]:8081/images?namespace=ci", Ok("/images?namespace=ci")),
            ("https://127.0.0.1:8081", Err("speaks plain HTTP")),
            ("ftp://127.0.0.1", Err("speaks plain HTTP")),
            ("http://192.0.2.1:8081/images", Err("not this machine")),
            ("http://kim@127.0.0.1:8081", Err("knows no users")),
            ("http://", Err("not a URL")),
            ("://", Err("not a URL")),
        ];
        for (url, expected) in rows {
            let place = Place::parse(url).map(|place| place.path.to_string());
            match (place, expected) {
                (Ok(path), Ok(expected)) => assert_eq!(path, expected),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{url}: {error:#}");
                }
                (place, _) => panic!("{url}: {place:?}"),
            }
        }
    }
}
