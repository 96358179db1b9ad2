//! The layer around the filters that every request passes, on both ports and for any path.
//!
//! It polls warp, the filters and the code behind them, so that a panic in any of them fails one
//! request and is counted. It does not know what a path means.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Uri, Version};
use hyper::body::Body;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::allowance::Allowance;
use super::budgets::Budgets;
use super::drain::{Alive, Phase};
use super::limits::{Admission, Admitted, Part};
use super::progress::Progress;
use super::refusal::Refusal;
use super::untaken::{AllUntaken, Answer, Answers};
use crate::telemetry::Metrics;

/// What all connections of a port share.
#[derive(Clone)]
pub(super) struct Surface {
    pub(super) routes: BoxedFilter<(Response,)>,
    pub(super) metrics: Arc<Metrics>,
    /// Set for the webhook only. The admin port has no budgets, and its errors are not counted as
    /// admission errors.
    pub(super) budgets: Option<Arc<Budgets>>,
    pub(super) untaken: Arc<AllUntaken>,
}

/// Serves the requests of one connection.
pub(super) struct Requests {
    pub(super) surface: Surface,
    pub(super) part: Option<Part>,
    pub(super) progress: Progress,
    pub(super) answers: Answers,
    pub(super) allowance: Allowance,
    pub(super) alive: Alive,
    /// From this time on, HTTP/1.1 responses ask the client to open another connection.
    pub(super) retires_at: Instant,
}

/// What the routes know about a request and its connection.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) part: Part,
    pub(super) is_http1: bool,
    pub(super) slot: Slot,
}

/// The slot of an admitted request, and the room for its headers. It is freed when the request is
/// answered, or earlier if all that is left to do is discard its body.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Admitted>>>);

impl Slot {
    pub(super) fn free(&self) {
        self.put(None);
    }

    fn put(&self, admitted: Option<Admitted>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = admitted;
    }
}

/// Gives a name to warp's body type, which warp does not export.
pub(super) trait OfBody {
    type Body;
}

impl<B> OfBody for http::Response<B> {
    type Body = B;
}

pub(super) type WarpBody = <Response as OfBody>::Body;

/// A future panicked.
pub(super) struct Panicked;

impl<B> Service<Request<B>> for Requests
where
    B: Body<Data: Send> + Send + Sync + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = http::Response<Answer<WarpBody>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        let in_service = self.progress.begin();
        let is_http1 = request.version() < Version::HTTP_2;
        let (alive, retires_at) = (self.alive.clone(), self.retires_at);
        let (surface, answers) = (self.surface.clone(), self.answers.clone());
        self.allowance.request(request.headers());
        let allowance = self.allowance.clone();
        // Decided before anything waits, so that a refused request is dropped here, with its
        // headers.
        let entered = self.enter(&mut request).map(|admission| (admission, request));
        Box::pin(async move {
            let response = match entered {
                Ok((admission, request)) => {
                    let request = request.map(|body| allowance.body(body));
                    surface.respond(admission, request).await
                }
                Err(refusal) => Err(refusal),
            };
            let mut response = response.unwrap_or_else(|refusal| surface.refused(refusal));
            drop(in_service);
            if is_http1 && (alive.phase() > Phase::Serving || Instant::now() >= retires_at) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| answers.answer(body)))
        })
    }
}

impl Requests {
    /// Refuses requests that the filters must not see, and those for which there is no slot.
    fn enter<B>(&self, request: &mut Request<B>) -> Result<Option<Admission>, Refusal> {
        if !is_path(request.method(), request.uri()) {
            return Err(Refusal::NotAPath);
        }
        let (Some(budgets), Some(part)) = (&self.surface.budgets, &self.part) else {
            return Ok(None);
        };
        let limits = budgets.at(request.uri().path());
        let admission = limits.admit(part, request.headers());
        if matches!(admission, Admission::Refused) {
            return Err(Refusal::Overload);
        }
        let is_http1 = request.version() < Version::HTTP_2;
        let slot = Slot::default();
        request.extensions_mut().insert(Connected { part: part.clone(), is_http1, slot });
        Ok(Some(admission))
    }
}

impl Surface {
    async fn respond<B>(
        &self,
        admission: Option<Admission>,
        request: Request<B>,
    ) -> Result<Response, Refusal>
    where
        B: Body<Data: Send> + Send + Sync + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if let Some(admission) = admission {
            let admitted = self.admitted(admission, &request).await?;
            if let Some(connected) = request.extensions().get::<Connected>() {
                connected.slot.put(Some(admitted));
            }
        }
        let routes = TowerToHyperService::new(warp::service(self.routes.clone()));
        match contained(pin!(async { routes.call(request).await })).await {
            Ok(Ok(response)) => Ok(response),
            Err(Panicked) => {
                self.metrics.panicked();
                Err(Refusal::Panic)
            }
        }
    }

    async fn admitted<B>(
        &self,
        admission: Admission,
        request: &Request<B>,
    ) -> Result<Admitted, Refusal> {
        let waits = match admission {
            Admission::Now(admitted) => return Ok(admitted),
            Admission::Later(waits) => waits,
            Admission::Refused => return Err(Refusal::Overload),
        };
        let connected = request.extensions().get::<Connected>();
        let (Some(budgets), Some(connected)) = (&self.budgets, connected) else {
            return Err(Refusal::Overload);
        };
        let limits = budgets.at(request.uri().path());
        let admitted = limits.admitted_later(&connected.part, request.headers()).await;
        drop(waits);
        admitted.ok_or(Refusal::Overload)
    }

    fn refused(&self, refusal: Refusal) -> Response {
        if self.budgets.is_some() {
            self.metrics.refused(&refusal);
        }
        refusal.into_response()
    }
}

/// Whether a target has a path, as origin-form and absolute-form do. warp panics on the others.
///
/// Source: RFC 9112, section 3.2.
fn is_path(method: &Method, target: &Uri) -> bool {
    method != Method::CONNECT && target.path().starts_with('/')
}

/// Polls a future until it completes or panics.
pub(super) async fn contained<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panicked> {
    poll_fn(|context| {
        // After a panic the future is dropped without being polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => Err(Panicked).into(),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use http::Request;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::service::Service as _;
    use tokio::time::Instant;
    use warp::Filter as _;
    use warp::reply::{Reply as _, Response};

    use super::{AllUntaken, Allowance, Budgets, Progress, Requests, Surface};
    use crate::server::Drain;
    use crate::settings::{Flags, Settings};
    use crate::telemetry::Metrics;

    fn settings() -> Settings {
        let flags = Flags::from([("self_signed", true.into())]);
        Settings::load(None, &BTreeMap::default(), flags).unwrap().0
    }

    #[tokio::test]
    async fn g5_a_panic_anywhere_behind_the_service_refuses_its_request_and_no_other() {
        let drain = Drain::default();
        for is_webhook in [true, false] {
            let metrics = Arc::new(Metrics::new().unwrap());
            let budgets = is_webhook.then(|| Arc::new(Budgets::new(&settings())));
            let part = budgets.as_ref().map(|budgets| budgets.part());
            let untaken = Arc::<AllUntaken>::default();
            let at_once = warp::path("at-once").map(|| -> Response { panic!("on purpose") });
            let later = warp::path("later").then(|| async {
                tokio::task::yield_now().await;
                panic!("on purpose")
            });
            let fine = warp::path("fine").map(|| "fine".into_response());
            let routes = at_once.or(later).unify().or(fine).unify().boxed();
            let requests = Requests {
                surface: Surface {
                    routes,
                    metrics: Arc::clone(&metrics),
                    budgets,
                    untaken: Arc::clone(&untaken),
                },
                part,
                progress: Progress::default(),
                answers: untaken.connection().answers(),
                allowance: Allowance::default(),
                alive: drain.alive(),
                retires_at: Instant::now(),
            };
            let ask = async |path: &str| {
                let request = Request::get(path).body(Empty::<&[u8]>::new()).unwrap();
                let response = requests.call(request).await.unwrap();
                let status = response.status().as_u16();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                (status, String::from_utf8(body.to_vec()).unwrap())
            };
            for (count, path) in [(1, "/at-once"), (2, "/later")] {
                let (status, body) = ask(path).await;
                assert_eq!(status, 500);
                assert!(body.contains("\"error\":\"internal error\""), "{body}");
                assert_eq!(ask("/fine").await, (200, "fine".to_owned()));
                let page = metrics.render();
                assert!(page.contains(&format!("imagegate_panics_total {count}\n")), "{page}");
                let counted = if is_webhook { count } else { 0 };
                let errors =
                    format!("imagegate_admission_errors_total{{reason=\"panic\"}} {counted}\n");
                assert!(page.contains(&errors), "{page}");
            }
        }
    }
}
