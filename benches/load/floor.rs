//! The floor under the webhook: the same accept loop, TLS and HTTP stack with nothing inside. It
//! reads each body to its end and sends one fixed answer.
//!
//! `floor serve CERT KEY ANSWER` serves on a free port and prints its address; `floor plain CERT
//! KEY ANSWER` does so with nothing but hyper, as a floor under the floor; `floor bodies DIRECTORY`
//! writes the bodies that are sent.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use imagegate::server::{Drain, Listener, TlsFiles, TlsOwner};
use imagegate::settings::Settings;
use imagegate::telemetry::Metrics;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use warp::Filter as _;

#[path = "../../crates/core/tests/support/bodies.rs"]
mod bodies;

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["bodies", directory] => write_bodies(Path::new(directory)),
        [stack @ ("serve" | "plain"), cert, key, answer] => {
            let answer = std::fs::read(answer)?.into();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(*stack == "plain", cert, key, answer))
        }
        _ => Err("`make load` calls this".into()),
    }
}

fn write_bodies(directory: &Path) -> Result<(), Failed> {
    for (name, image) in [("allowed", bodies::ALLOWED), ("denied", bodies::DENIED)] {
        for size in bodies::SIZES {
            let body = bodies::pod_review(size * 1000, image);
            std::fs::write(directory.join(format!("{name}-{size}.json")), body)?;
        }
    }
    Ok(())
}

async fn serve(plain: bool, cert: &str, key: &str, answer: Bytes) -> Result<(), Failed> {
    let flags = BTreeMap::from([("tls_cert", cert.into()), ("tls_key", key.into())]);
    let (settings, _) = Settings::load(None, &BTreeMap::new(), flags)?;
    let metrics = Arc::new(Metrics::new()?);
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", socket.local_addr()?);
    if plain {
        return plain_hyper(socket, server_config(cert, key)?, answer).await;
    }
    let files = TlsFiles { cert: cert.into(), key: key.into(), client_ca: None };
    let tls = TlsOwner::new(files, settings.protocols.clone(), Arc::clone(&metrics)).await?.tls();
    let routes =
        warp::post().and(warp::body::stream()).then(move |body| read(body, answer.clone())).boxed();
    let drain = Drain::default();
    Listener::new(socket, Some(tls), &settings, routes, metrics, None, &drain).run().await;
    Ok(())
}

/// Answers once the body is over.
async fn read<S, B>(body: S, answer: Bytes) -> warp::reply::Response
where
    S: futures_util::Stream<Item = Result<B, warp::Error>>,
    B: bytes::Buf,
{
    let mut body = pin!(body);
    while let Some(Ok(mut chunk)) = body.next().await {
        chunk.advance(chunk.remaining());
    }
    let mut response = Response::new(answer.to_vec().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// hyper as its own examples use it, without limits, times or a drain.
async fn plain_hyper(
    socket: TcpListener,
    config: ServerConfig,
    answer: Bytes,
) -> Result<(), Failed> {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = socket.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    request.into_body().collect().await?;
                    let mut response = Response::new(Full::new(answer));
                    let json = HeaderValue::from_static("application/json");
                    response.headers_mut().insert(CONTENT_TYPE, json);
                    Ok::<_, hyper::Error>(response)
                }
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn server_config(cert: &str, key: &str) -> Result<ServerConfig, Failed> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
