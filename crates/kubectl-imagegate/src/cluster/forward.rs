//! A port of a Pod, reached through the API server, and HTTP over it.
//!
//! `pods/portforward` is a WebSocket that the API server hands on to the kubelet. Nothing listens on
//! this machine, so nobody else on it can use what is forwarded.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::{Cluster, Events, Fault, Kind};

/// Bytes of a page about the replica itself: `/policy` is of a ConfigMap's size, and `/metrics` smaller.
const LARGEST_PAGE: usize = 16 << 20;
/// Bytes of all that a replica remembers: 512 for each use of an image.
const LARGEST_MEMORY: usize = 512 * imagegate_core::usage::MOST_ENTRIES;
/// The time for a connection, and for one page.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// The time for all that a replica remembers.
const PATIENCE_FOR_MEMORY: Duration = Duration::from_mins(1);

/// An answer of a replica.
#[derive(Debug)]
pub(crate) enum Asked {
    /// There is no such page: an older version.
    Missing,
    /// The page.
    Page(Bytes),
}

/// An HTTP connection to one port of a replica.
pub(crate) struct AtPort {
    sender: http1::SendRequest<Empty<Bytes>>,
    error: Option<oneshot::Receiver<String>>,
}

/// A stream to a port, and what the kubelet says if it cannot be used.
pub(crate) struct Forwarded {
    pub(crate) stream: tokio::io::DuplexStream,
    pub(crate) error: oneshot::Receiver<String>,
}

impl Cluster {
    /// A stream to a port of a Pod. Needs the right to get `pods/portforward`, since a WebSocket
    /// begins with a GET, and from Kubernetes 1.35 on to create it, too. Source: KEP-4006, "Synthetic RBAC CREATE
    /// Authorization Check".
    pub(crate) async fn forward(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<Forwarded, Fault> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let opened = async {
            pods.portforward(pod, &[port])
                .await
                .map_err(|error| Fault::of_client(&error, &self.address))
        };
        let mut forwarder = within(PATIENCE, "the port-forward", opened).await?;
        let nothing = || Fault::unreadable("the port-forward has no stream");
        let stream = forwarder.take_stream(port).ok_or_else(nothing)?;
        let failed = forwarder.take_error(port).ok_or_else(nothing)?;
        let (said, error) = oneshot::channel();
        // The forwarder lives as long as its stream is in use.
        tokio::spawn(async move {
            if let Some(text) = failed.await {
                let _ = said.send(text);
            }
            let _ = forwarder.join().await;
        });
        Ok(Forwarded { stream, error })
    }

    /// HTTP at a port of a Pod.
    pub(crate) async fn at_port(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<AtPort, Fault> {
        let Forwarded { stream, error } = self.forward(namespace, pod, port).await?;
        AtPort::over(stream, Some(error)).await
    }
}

impl AtPort {
    /// HTTP at an address of this machine's network: `http://HOST:PORT`.
    pub(crate) async fn at_address(address: &Uri) -> Result<Self, Fault> {
        let host = address.host().unwrap_or_default();
        let port = address.port_u16().unwrap_or(80);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connected = async {
            TcpStream::connect((host, port))
                .await
                .map_err(|error| Fault::lost(&format!("cannot connect to {address}: {error}")))
        };
        Self::over(within(PATIENCE, "the connection", connected).await?, None).await
    }

    async fn over<S>(stream: S, error: Option<oneshot::Receiver<String>>) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Fault::lost(&error.to_string()))?;
        tokio::spawn(connection);
        Ok(Self { sender, error })
    }

    /// The page at a path.
    pub(crate) async fn page(&mut self, path: &str) -> Result<Asked, Fault> {
        self.read(path, PATIENCE, LARGEST_PAGE).await
    }

    /// The page at a path that has what the replica remembers.
    pub(crate) async fn memory(&mut self, path: &str) -> Result<Asked, Fault> {
        self.read(path, PATIENCE_FOR_MEMORY, LARGEST_MEMORY).await
    }

    async fn read(&mut self, path: &str, limit: Duration, most: usize) -> Result<Asked, Fault> {
        let sender = &mut self.sender;
        let exchange = async {
            let response = send(sender, path, None).await?;
            match response.status() {
                StatusCode::OK => {
                    let body = Limited::new(response.into_body(), most).collect().await;
                    let lost = |error| Fault::lost(&format!("{path}: {error}"));
                    Ok(Asked::Page(body.map_err(lost)?.to_bytes()))
                }
                StatusCode::NOT_FOUND => Ok(Asked::Missing),
                status => Err(refused(path, status)),
            }
        };
        or_said_by_kubelet(&mut self.error, within(limit, path, exchange)).await
    }

    /// The events at a path, behind the one with the id `after`.
    pub(crate) async fn events(mut self, path: &str, after: &str) -> Result<Events, Fault> {
        let sender = &mut self.sender;
        let opened = async {
            let response = send(sender, path, Some(after)).await?;
            match response.status() {
                StatusCode::OK => Ok(response.into_body()),
                status => Err(refused(path, status)),
            }
        };
        let body = or_said_by_kubelet(&mut self.error, within(PATIENCE, path, opened)).await?;
        Ok(Events::of(body, self.sender))
    }
}

/// What comes of some work, or what the kubelet says of a port that cannot be used. That comes beside the
/// stream, which stays open: whoever waits for the stream alone waits until the end.
pub(crate) async fn or_said_by_kubelet<T>(
    error: &mut Option<oneshot::Receiver<String>>,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let fault = tokio::select! {
        done = work => match done {
            Ok(done) => return Ok(done),
            Err(fault) => fault,
        },
        said = said_by_kubelet(error) => return Err(said),
    };
    let said = tokio::time::timeout(Duration::from_millis(500), said_by_kubelet(error)).await;
    Err(said.unwrap_or(fault))
}

/// Never comes where there is no kubelet, or where it has nothing to say.
async fn said_by_kubelet(error: &mut Option<oneshot::Receiver<String>>) -> Fault {
    if let Some(receiver) = error.as_mut() {
        let said = receiver.await;
        *error = None;
        if let Ok(text) = said {
            return Fault::lost(text.trim());
        }
    }
    std::future::pending().await
}

async fn send(
    sender: &mut http1::SendRequest<Empty<Bytes>>,
    path: &str,
    last_event: Option<&str>,
) -> Result<Response<Incoming>, Fault> {
    let mut request = Request::builder().uri(path).header(HOST, "localhost");
    if let Some(id) = last_event {
        request = request.header("last-event-id", id);
    }
    let request = request.body(Empty::new()).map_err(|error| Fault::usage(&error.to_string()))?;
    let broken = |error: hyper::Error| Fault::broken(&format!("{path}: {error}"));
    sender.ready().await.map_err(broken)?;
    sender.send_request(request).await.map_err(broken)
}

fn refused(path: &str, status: StatusCode) -> Fault {
    let fault = Fault::unreadable(&format!("{path}: answered {status}"));
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            fault.with_hint("too many ask this replica at once; try again in a moment")
        }
        _ => fault,
    }
}

/// What comes of a connection, which is made once more where it ends before the answer: a forwarded port may
/// lose one while it goes on with the next.
pub(crate) async fn again_if_broken<T, F: Future<Output = Result<T, Fault>>>(
    exchange: impl Fn() -> F,
) -> Result<T, Fault> {
    match exchange().await {
        Err(fault) if fault.kind == Kind::Broken => exchange().await,
        done => done,
    }
}

/// What comes of some work, or a fault when its time is over.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let late = || Fault::lost(&format!("{what}: no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{Asked, AtPort, LARGEST_MEMORY, LARGEST_PAGE};

    /// A connection to a replica whose next page has so many bytes.
    async fn replica(bytes: usize) -> AtPort {
        let (here, mut there) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            let _ = there.read(&mut [0; 1024]).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
            let _ = there.write_all(head.as_bytes()).await;
            // Whoever has read enough hangs up.
            let piece = vec![b'x'; 1 << 20];
            let mut rest = bytes;
            while rest > 0 && there.write_all(&piece[..rest.min(piece.len())]).await.is_ok() {
                rest -= rest.min(piece.len());
            }
        });
        AtPort::over(here, None).await.unwrap()
    }

    #[tokio::test]
    async fn a_page_is_read_within_its_limit() {
        const { assert!(LARGEST_PAGE < LARGEST_MEMORY) };
        let page = replica(LARGEST_PAGE).await.page("/policy").await.unwrap();
        assert!(matches!(page, Asked::Page(page) if page.len() == LARGEST_PAGE));
        let beyond = LARGEST_PAGE + 1;
        let fault = replica(beyond).await.page("/policy").await.unwrap_err();
        assert!(fault.message().starts_with("/policy: "), "{fault}");
        let memory = replica(beyond).await.memory("/images").await.unwrap();
        assert!(matches!(memory, Asked::Page(page) if page.len() == beyond));
    }
}
