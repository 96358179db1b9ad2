//! One request, answered. Every answer has the headers that keep other sites out of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::access::{Access, Admission, Refusal};
use super::assets::{self, Asset};
use super::feed::Feed;
use super::images::Images;
use super::pages::{self, Asked};
use super::policy::{Apply, Check, Exemption, Place, PolicyEditor, Reason, Refused};
use super::watch::Watch;
use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use crate::gate::Replica;

const JSON: &str = "application/json";
/// Bytes of what is posted: a policy of 1 MiB, which is as much as a ConfigMap holds, and what JSON makes of it.
pub(super) const LARGEST_BODY: usize = 2 << 20;
/// The time for it.
const BODY: Duration = Duration::from_secs(30);
/// What is shown where there is no page.
const REFUSED: &str = "\
<!doctype html><html lang=en><meta charset=utf-8><title>ImageGate console</title>
<h1>Not shown</h1><p>";

/// What the page is made from.
#[derive(Debug)]
pub(super) struct Console {
    cluster: Cluster,
    connection: Connection,
    access: Access,
    watch: Watch,
    feed: Feed,
    policy: PolicyEditor,
    images: Images,
}

/// An answer, and whether it was for somebody who may ask.
pub(super) struct Answered {
    pub(super) response: Response<Full<Bytes>>,
    pub(super) is_admitted: bool,
}

impl Console {
    pub(super) fn new(
        cluster: Cluster,
        connection: Connection,
        access: Access,
        is_read_only: bool,
    ) -> Self {
        let (watch, feed) = (Watch::default(), Feed::default());
        let policy = PolicyEditor::new(is_read_only);
        Self { cluster, connection, access, watch, feed, policy, images: Images::default() }
    }

    /// Looks at the gate without an end.
    pub(super) async fn keep_watching(self: &Arc<Self>) {
        tokio::join!(
            self.watch.keep_looking(&self.cluster, &self.connection),
            self.feed.keep_following(&self.cluster, &self.connection),
        );
    }

    /// The answer to a request. Its body is read only where it is posted by whoever may do that.
    pub(super) async fn answer<B>(&self, request: &Parts, body: B) -> Answered
    where
        B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let admission = self.access.admit(request);
        let is_admitted = !matches!(admission, Admission::Refused(_));
        let mut response = match admission {
            Admission::Admitted if request.method == Method::POST => {
                let answered = self.posted(request.uri.path(), body).await;
                answered.unwrap_or_else(|(status, fault)| json(status, &pages::fault(&fault)))
            }
            Admission::Admitted => self.page(request).await,
            Admission::Entered => self.entered(),
            Admission::Refused(refusal) => refused(refusal),
        };
        let headers = response.headers_mut();
        for (name, value) in [
            (CACHE_CONTROL, "no-store"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = HeaderValue::from_static(assets::CONSOLE_POLICY);
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
        Answered { response, is_admitted }
    }

    async fn page(&self, request: &Parts) -> Response<Full<Bytes>> {
        let query = request.uri.query().unwrap_or_default();
        match request.uri.path() {
            "/api/now" => {
                let page = self.watch.page(after(query), self.policy.is_read_only());
                json(StatusCode::OK, &page)
            }
            "/api/policy" => self.policy_page().await,
            "/api/policy/change" => json(StatusCode::OK, &self.policy.change()),
            "/api/decisions" => json(StatusCode::OK, &self.feed.page(after(query))),
            "/api/images" => self.images(query).await,
            "/api/explain" => match Asked::of(query) {
                Some(asked) => self.explained(&asked),
                None => json(StatusCode::BAD_REQUEST, &pages::fault(&Fault::usage("no `image`"))),
            },
            // Its files are named from where it is.
            "/playground" => moved("/playground/"),
            path => match assets::at(path) {
                Some(asset) => file(&asset),
                None => json(StatusCode::NOT_FOUND, &pages::fault(&Fault::usage("no such page"))),
            },
        }
    }

    async fn posted<B>(&self, path: &str, body: B) -> Result<Response<Full<Bytes>>, Rejected>
    where
        B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let body = read(body).await?;
        let replicas = self.watch.replicas();
        let place = self.place(&replicas);
        Ok(match path {
            "/api/policy/apply" => match self.policy.apply(place, parsed::<Apply>(&body)?).await {
                Ok(change) => json(StatusCode::ACCEPTED, &change),
                Err(refused) => not_stored(&refused),
            },
            "/api/policy/exemption" => {
                match self.policy.exempted(place, &parsed::<Exemption>(&body)?).await {
                    Ok(page) => json(StatusCode::OK, &page),
                    Err(fault) => json(StatusCode::UNPROCESSABLE_ENTITY, &pages::fault(&fault)),
                }
            }
            _ => match self.policy.check(place, &parsed::<Check>(&body)?).await {
                Ok(page) => json(StatusCode::OK, &page),
                Err(fault) => unavailable(&fault),
            },
        })
    }

    fn place<'a>(&'a self, replicas: &'a [Replica]) -> Place<'a> {
        Place { cluster: &self.cluster, connection: &self.connection, replicas }
    }

    async fn policy_page(&self) -> Response<Full<Bytes>> {
        let replicas = self.watch.replicas();
        match self.policy.page(self.place(&replicas)).await {
            Ok(mut page) => {
                if let Value::Object(page) = &mut page {
                    page.insert("token".to_owned(), self.access.token().into());
                }
                json(StatusCode::OK, &page)
            }
            Err(fault) => unavailable(&fault),
        }
    }

    async fn images(&self, query: &str) -> Response<Full<Bytes>> {
        let wants_running = query == "running=true";
        match self.images.page(&self.cluster, &self.connection, wants_running).await {
            Ok(page) => answer(StatusCode::OK, JSON, page.into()),
            Err(fault) => unavailable(&fault),
        }
    }

    fn explained(&self, asked: &Asked<'_>) -> Response<Full<Bytes>> {
        let reach = self.watch.reach(&asked.namespace);
        // A policy is compiled for this, on a thread that may wait.
        let explain = || pages::explanation(&self.watch.replicas(), asked, reach.as_ref());
        match tokio::task::block_in_place(explain) {
            Ok(page) => json(StatusCode::OK, &page),
            Err(fault) => unavailable(&fault),
        }
    }

    fn entered(&self) -> Response<Full<Bytes>> {
        let mut response = moved("/");
        let headers = response.headers_mut();
        if let Ok(cookie) = HeaderValue::from_str(&self.access.cookie()) {
            headers.insert(SET_COOKIE, cookie);
        }
        response
    }
}

/// Why what is posted is not looked at.
type Rejected = (StatusCode, Fault);

/// What is posted, as far as it may be and within its time.
async fn read<B>(body: B) -> Result<Bytes, Rejected>
where
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let rejected = |status, why| Err((status, Fault::usage(why)));
    let whole = Limited::new(body, LARGEST_BODY).collect();
    match tokio::time::timeout(BODY, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            rejected(StatusCode::PAYLOAD_TOO_LARGE, "a policy has at most 1 MiB")
        }
        Ok(Err(_)) => rejected(StatusCode::BAD_REQUEST, "what was sent ended early"),
        Err(_) => rejected(StatusCode::REQUEST_TIMEOUT, "what was sent took too long"),
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejected> {
    serde_json::from_slice(body).map_err(|error| {
        let fault = Fault::usage(&format!("what was sent cannot be read: {error}"));
        (StatusCode::BAD_REQUEST, fault)
    })
}

fn not_stored(refused: &Refused) -> Response<Full<Bytes>> {
    let status = match refused.reason() {
        Reason::Locked => StatusCode::METHOD_NOT_ALLOWED,
        Reason::Conflict => StatusCode::CONFLICT,
        Reason::Guard | Reason::Failed => StatusCode::UNPROCESSABLE_ENTITY,
    };
    json(status, &refused.to_json())
}

/// The number or time behind which the page asks for more; 0 asks for all.
fn after<N: std::str::FromStr + Default>(query: &str) -> N {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let after = pairs.find(|(name, _)| name == "after");
    after.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    let (status, why) = match refusal {
        Refusal::Host => {
            (StatusCode::FORBIDDEN, "The console answers to 127.0.0.1 and localhost alone.")
        }
        Refusal::Site => (
            StatusCode::FORBIDDEN,
            "Another site led here. Type the address that kubectl printed, or paste it.",
        ),
        Refusal::Method => {
            (StatusCode::METHOD_NOT_ALLOWED, "There is nothing here that this could be done to.")
        }
        Refusal::Form => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "What is posted here is JSON."),
        Refusal::Secret => (
            StatusCode::FORBIDDEN,
            "Open the address that kubectl printed. Each start of the console has a new one.",
        ),
        Refusal::Used => (
            StatusCode::FORBIDDEN,
            "This address works once, and was used before. If that was not you, end the console with \
             Ctrl-C: somebody else on this machine may have read the address. Otherwise open the one that \
             kubectl printed.",
        ),
    };
    let page = format!("{REFUSED}{why}\n");
    let mut response = answer(status, "text/html; charset=utf-8", page.into());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// The browser goes on elsewhere, with what it has behind the `#`.
fn moved(to: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    response
}

fn file(asset: &Asset) -> Response<Full<Bytes>> {
    let mut response = answer(StatusCode::OK, asset.media_type, Bytes::from_static(asset.bytes));
    let policy = HeaderValue::from_static(asset.content_policy);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn unavailable(fault: &Fault) -> Response<Full<Bytes>> {
    json(StatusCode::SERVICE_UNAVAILABLE, &pages::fault(fault))
}

fn json(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    answer(status, JSON, value.to_string().into())
}

fn answer(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
