//! Requests to the API server.
//!
//! Every answer is read whole and within a limit, every wait has an end, and what went wrong is told
//! in words with a hint. Nothing here knows what a gate is.

mod events;
mod fault;
mod forward;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

pub(crate) use events::{Event, Events};
pub(crate) use fault::{Fault, Kind};
pub(crate) use forward::{Asked, AtPort, PATIENCE, again_if_broken, or_said_by_kubelet, within};
pub(crate) use pages::{Item, Resource, Scope, escaped, path};

/// Bytes of one answer. A page of 500 Pods is a few MiB.
const LARGEST_ANSWER: usize = 256 << 20;
/// Requests at a time. An API server gives a user little more before it makes the user wait.
const AT_ONCE: usize = 8;
/// Times that a busy API server is asked again.
const MOST_RETRIES: u32 = 6;
/// The longest wait that an API server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A cluster, asked as one user.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
    namespace: String,
    address: String,
    limit: Option<Duration>,
    turns: Arc<Semaphore>,
}

impl Cluster {
    /// `limit` is for each request.
    pub(crate) fn new(config: Config, limit: Option<Duration>) -> Result<Self, Fault> {
        let namespace = config.default_namespace.clone();
        let address = config.cluster_url.to_string();
        let client =
            Client::try_from(config).map_err(|error| Fault::of_client(&error, &address))?;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { client, namespace, address, limit, turns })
    }

    /// No cluster, for replicas that are named by their addresses. A request to an API server fails.
    pub(crate) fn none() -> Result<Self, Fault> {
        Self::new(Config::new(http::Uri::from_static("http://no-cluster.invalid")), None)
    }

    /// The namespace of `-n`, or of the context.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The object at a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let bytes = self.send(Method::GET, path, None).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Fault::unreadable(&format!("{path}: {error}")))
    }

    /// Sends one request, again where the API server says that it is busy. `body` comes with its
    /// media type.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Bytes, Fault> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let mut tries = 0;
        loop {
            let (status, headers, bytes) = self.send_once(&method, path, body.clone()).await?;
            if status.is_success() {
                return Ok(bytes);
            }
            match wait_before_retry(status, &headers, tries) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(Fault::of_status(status, &bytes)),
            }
            tries += 1;
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Fault> {
        let mut request =
            Request::builder().method(method).uri(path).header(ACCEPT, "application/json");
        if let Some((media_type, _)) = &body {
            request = request.header(CONTENT_TYPE, *media_type);
        }
        let body = body.map_or_else(Body::empty, |(_, bytes)| Body::from(bytes));
        let request =
            request.body(body).map_err(|error| Fault::usage(&format!("{path}: {error}")))?;
        let exchange = async {
            let response = self
                .client
                .send(request)
                .await
                .map_err(|error| Fault::of_client(&error, &self.address))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let bytes = body
                .map_err(|error| Fault::lost(&format!("{}: {error}", self.address)))?
                .to_bytes();
            Ok((head.status, head.headers, bytes))
        };
        self.within_limit(exchange).await
    }

    async fn within_limit<T>(
        &self,
        exchange: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let Some(limit) = self.limit else { return exchange.await };
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            let message = format!("{} did not answer within {limit:?}", self.address);
            Err(Fault::lost(&message).with_hint("--request-timeout sets how long to wait"))
        })
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("address", &self.address).finish_non_exhaustive()
    }
}

/// How long to wait before asking again; `None` where that would not help. An API server that sheds
/// load says for how long; without that word the waits double from a quarter of a second.
fn wait_before_retry(status: StatusCode, headers: &HeaderMap, tries: u32) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let busy = match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        // Only with the header, which says that nothing was done.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INTERNAL_SERVER_ERROR => asked.is_some(),
        _ => false,
    };
    (busy && tries < MOST_RETRIES).then(|| match asked {
        Some(seconds) => Duration::from_secs(seconds).min(LONGEST_WAIT),
        None => Duration::from_millis(250 << tries.min(MOST_RETRIES)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::RETRY_AFTER;
    use http::{HeaderMap, StatusCode};

    use super::{LONGEST_WAIT, MOST_RETRIES, wait_before_retry};

    #[test]
    fn a_busy_server_is_given_the_time_it_asks_for() {
        let mut asks = HeaderMap::new();
        asks.insert(RETRY_AFTER, 3.into());
        let silent = HeaderMap::new();
        let mut hours = HeaderMap::new();
        hours.insert(RETRY_AFTER, 7200.into());
        for (status, headers, tries, expected) in [
            (429, &asks, 0, Some(Duration::from_secs(3))),
            (429, &silent, 0, Some(Duration::from_millis(250))),
            (429, &silent, 2, Some(Duration::from_secs(1))),
            (429, &hours, 0, Some(LONGEST_WAIT)),
            (429, &asks, MOST_RETRIES, None),
            (503, &asks, 0, Some(Duration::from_secs(3))),
            (503, &silent, 0, None),
            (403, &asks, 0, None),
            (404, &silent, 0, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(wait_before_retry(status, headers, tries), expected, "{status} {tries}");
        }
    }
}
