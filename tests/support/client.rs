//! A client of the webhook: HTTP/1.1, HTTP/2 and raw bytes, over TLS.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use imagegate::settings::Protocol;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;

use super::authority::{Authority, Pair};

/// Both protocols that the webhook speaks.
pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// Bytes of a chunk.
const PIECE: usize = 64 << 10;

/// The body of a request.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// Opens connections to one address.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    /// The address that it connects from, where it does not leave that to the system.
    own: Option<IpAddr>,
    config: Arc<ClientConfig>,
}

/// A connection that requests can be sent on.
pub(crate) struct Connection {
    sender: Sender,
    /// What the server showed; nothing on a connection without TLS.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

#[derive(Clone)]
enum Sender {
    Http1(Arc<tokio::sync::Mutex<http1::SendRequest<Body>>>),
    Http2(http2::SendRequest<Body>),
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A client that trusts `authority` alone.
    pub(crate) fn new(authority: &Authority, address: SocketAddr) -> Self {
        Self::of(authority, address, None)
    }

    /// A client that shows a certificate.
    pub(crate) fn certified(authority: &Authority, address: SocketAddr, pair: &Pair) -> Self {
        Self::of(authority, address, Some(pair))
    }

    fn of(authority: &Authority, address: SocketAddr, pair: Option<&Pair>) -> Self {
        let builder = ClientConfig::builder().with_root_certificates(authority.roots());
        let config = match pair.map(Pair::der) {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self { address, own: None, config: Arc::new(config) }
    }

    /// The same client for another address.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The same client with an address of its own.
    pub(crate) fn from(&self, own: IpAddr) -> Self {
        Self { own: Some(own), ..self.clone() }
    }

    /// A handshake without HTTP.
    pub(crate) async fn raw(&self, protocol: Protocol) -> io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        let stream = match self.own {
            None => TcpStream::connect(self.address).await?,
            Some(own) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((own, 0).into())?;
                socket.connect(self.address).await?
            }
        };
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A connection of the given protocol.
    pub(crate) async fn connect(&self, protocol: Protocol) -> io::Result<Connection> {
        let stream = self.raw(protocol).await?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first).cloned();
        let sender = Sender::handshake(stream, protocol).await.map_err(io::Error::other)?;
        Ok(Connection { sender, certificate: certificate.map(CertificateDer::into_owned) })
    }

    /// One review on a connection of its own.
    pub(crate) async fn review(&self, protocol: Protocol, body: &[u8]) -> io::Result<Answer> {
        let mut connection = self.connect(protocol).await?;
        connection.review(body).await.map_err(io::Error::other)
    }
}

/// One `GET` over plain HTTP/1.1.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let sender = Sender::handshake(stream, Protocol::Http1).await.map_err(io::Error::other)?;
    let mut connection = Connection { sender, certificate: None };
    let request = Request::get(path).header("host", "localhost").body(whole(b"")).unwrap();
    connection.send(request).await.map_err(io::Error::other)
}

impl Sender {
    async fn handshake<S>(stream: S, protocol: Protocol) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(stream).await?;
                tokio::spawn(connection);
                Ok(Self::Http1(Arc::new(tokio::sync::Mutex::new(sender))))
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(connection);
                Ok(Self::Http2(sender))
            }
        }
    }
}

impl Connection {
    /// Another handle to the same connection.
    pub(crate) fn again(&self) -> Self {
        Self { sender: self.sender.clone(), certificate: self.certificate.clone() }
    }

    /// Whether another request can be sent; false once the server has asked to go.
    pub(crate) async fn ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.lock().await.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends any request and reads the response to its end.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> hyper::Result<Answer> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await?;
                let response = sender.send_request(request).await?;
                return Answer::read(response).await;
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        Answer::read(response).await
    }

    /// Sends a review as the API server does.
    pub(crate) async fn review(&mut self, body: &[u8]) -> hyper::Result<Answer> {
        self.send(self.request(Method::POST, "/validate?timeout=10s", whole(body))).await
    }

    /// A request with JSON in it.
    pub(crate) fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let builder = Request::builder().method(method).header(CONTENT_TYPE, "application/json");
        let builder = match self.sender {
            Sender::Http1(_) => builder.uri(path).header("host", "localhost"),
            Sender::Http2(_) => builder.uri(format!("https://localhost{path}")),
        };
        builder.body(body).unwrap()
    }
}

impl Answer {
    async fn read(response: http::Response<Incoming>) -> hyper::Result<Self> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Self { status: head.status, headers: head.headers, body })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `response.allowed`; panics where this is no verdict.
    pub(crate) fn allowed(&self) -> bool {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.json()["response"]["allowed"].as_bool().unwrap()
    }

    /// The message of a denial.
    pub(crate) fn message(&self) -> String {
        self.json()["response"]["status"]["message"].as_str().unwrap().to_owned()
    }
}

/// A body that is sent at once.
pub(crate) fn whole(body: &[u8]) -> Body {
    Full::new(Bytes::copy_from_slice(body)).boxed()
}

/// A body that is sent in pieces and does not say how long it is.
pub(crate) fn chunked(body: Vec<u8>) -> Body {
    let body = Bytes::from(body);
    let pieces = (0..body.len()).step_by(PIECE).map(move |start| {
        let end = body.len().min(start + PIECE);
        Ok(Frame::data(body.slice(start..end)))
    });
    StreamBody::new(stream::iter(pieces)).boxed()
}

/// A body without an end: this piece, again and again.
pub(crate) fn endless(piece: &[u8], pause: Duration) -> Body {
    let piece = Bytes::copy_from_slice(piece);
    let pieces = stream::unfold((), move |()| {
        let piece = piece.clone();
        async move {
            sleep(pause).await;
            Some((Ok(Frame::data(piece)), ()))
        }
    });
    StreamBody::new(pieces).boxed()
}

/// A review of the creation of a Pod with these images.
pub(crate) fn pod_review(images: &[&str]) -> Vec<u8> {
    review_of("CREATE", &pod(images), &Value::Null).to_string().into_bytes()
}

/// A Pod with these images, in containers `c0`, `c1`, ….
pub(crate) fn pod(images: &[&str]) -> Value {
    let containers: Vec<Value> = images
        .iter()
        .enumerate()
        .map(|(index, image)| json!({"name": format!("c{index}"), "image": image}))
        .collect();
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": containers},
    })
}

/// A review of a Pod.
pub(crate) fn review_of(operation: &str, object: &Value, old_object: &Value) -> Value {
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "9d441dc0-4cb7-42ac-bf0f-700f61090b6b",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "web", "namespace": "default", "operation": operation,
            "userInfo": {"username": "admin"},
            "object": object, "oldObject": old_object, "dryRun": false,
        },
    })
}
