//! The webhook's paths, as warp filters.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use http::StatusCode;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::filters::path::{self, FullPath};
use warp::reject::Rejection;
use warp::reply::Response;

use super::body::{self, Declared};
use super::budgets::Budgets;
use super::gate::{Endpoint, Gate};
use super::refusal::{self, Refusal};
use super::service::Connected;

/// `POST` to `/`, `/validate`, `/validate/{override}`, `/validate-config` and
/// `/validate-namespace`. Everything else gets an error in JSON. A query is ignored: the API server
/// sends its timeout as one.
#[must_use]
pub fn webhook_routes(gate: Arc<Gate>, budgets: Arc<Budgets>) -> BoxedFilter<(Response,)> {
    let unnoticed = Arc::clone(&gate);
    endpoint()
        .and(warp::post())
        .and(body::declared())
        .and(warp::ext::optional())
        .and(warp::body::stream())
        .then(move |endpoint, declared, connected, body| {
            handle(Arc::clone(&gate), Arc::clone(&budgets), endpoint, declared, connected, body)
        })
        .recover(move |rejection: Rejection| {
            let response = refused(&unnoticed, Refusal::from(&rejection));
            async move { Ok::<_, Infallible>(response) }
        })
        .unify()
        .boxed()
}

/// Which endpoint a path names.
fn endpoint() -> impl Filter<Extract = (Endpoint,), Error = Rejection> + Clone {
    path::full().and_then(|path: FullPath| {
        ready(Endpoint::at(path.as_str()).ok_or_else(warp::reject::not_found))
    })
}

async fn handle<S, B>(
    gate: Arc<Gate>,
    budgets: Arc<Budgets>,
    endpoint: Endpoint,
    declared: Declared,
    connected: Option<Connected>,
    body: S,
) -> Response
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let mut body = pin!(body);
    let limits = budgets.of(&endpoint);
    let _held = gate.telemetry().metrics.request();
    // Without a connection, as in tests, each request counts as one of its own.
    let is_http1 = connected.as_ref().is_none_or(|connected| connected.is_http1);
    let slot = connected.as_ref().map(|connected| connected.slot.clone());
    let part = connected.map_or_else(|| limits.part(), |connected| connected.part);
    let answer = match body::read(&mut body, declared, limits, &part).await {
        Ok(body) => {
            let _turn = limits.turn(body.bytes.len()).await;
            gate.answer(&endpoint, &body.bytes).await
        }
        Err(refusal) => Err(refusal),
    };
    if is_http1 && matches!(answer, Err(Refusal::BodyTooLarge(_) | Refusal::Overload)) {
        // HTTP/2 can end the one stream early, HTTP/1.1 only the whole connection. Reading on needs
        // no slot.
        if let Some(slot) = slot {
            slot.free();
        }
        body::forget(body, limits).await;
    }
    match answer {
        Ok(answer) => refusal::json(StatusCode::OK, answer),
        Err(refusal) => refused(&gate, refusal),
    }
}

fn refused(gate: &Gate, refusal: Refusal) -> Response {
    gate.telemetry().metrics.refused(&refusal);
    refusal.into_response()
}
