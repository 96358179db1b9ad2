//! The operator port: what this replica remembers, the policy in force, and the metrics of the admin port, so
//! that whoever looks at a replica needs one port of it. Plain HTTP, read only.
//!
//! It names images, namespaces and users, so it is bound to loopback: `kubectl port-forward` reaches it
//! there, and so Kubernetes' own rules decide who may. Nothing of it is on the admin port.

mod decisions;
mod images;
mod replica;

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::{Semaphore, watch};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reject::{InvalidQuery, Reject, Rejection};
use warp::reply::Response;

use super::admin::{metrics_page, policy_page, rendered};
use super::drain::Phase;
use crate::observed::Observed;
use crate::refusal::{Refusal, json};
use crate::reload::Live;
use crate::telemetry::Metrics;

pub(super) use replica::Replica;

/// Answers at once that hold all of the memory.
const PAGES: usize = 2;
/// Followers at once.
const FOLLOWERS: usize = 16;

/// What the pages are made from.
#[derive(Clone)]
struct Sources {
    live: Arc<Live>,
    observed: Arc<Observed>,
    metrics: Arc<Metrics>,
    replica: Replica,
    phase: watch::Receiver<Phase>,
    pages: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    /// Held by the one page that is being rendered.
    turn: Arc<Semaphore>,
}

/// `GET /images`, `/decisions`, `/policy` and `/metrics`, for requests to this machine's own name where the port
/// is `bound_to` loopback.
#[must_use]
pub fn operator_routes(
    live: Arc<Live>,
    observed: Arc<Observed>,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
    bound_to: SocketAddr,
) -> BoxedFilter<(Response,)> {
    let replica = Replica::of(&observed);
    let head = replica.clone();
    let sources = Sources {
        live,
        observed,
        metrics,
        replica,
        phase,
        pages: Arc::new(Semaphore::new(PAGES)),
        followers: Arc::new(Semaphore::new(FOLLOWERS)),
        turn: Arc::new(Semaphore::new(1)),
    };
    let page = |name: &'static str| warp::path(name).and(warp::path::end()).and(warp::get());
    let own = |sources: &Sources| {
        let sources = sources.clone();
        warp::any().map(move || sources.clone())
    };
    let images = page("images").and(own(&sources)).and(warp::query()).then(images::page);
    let decisions = page("decisions")
        .and(own(&sources))
        .and(warp::query())
        .and(warp::header::optional("last-event-id"))
        .then(decisions::page);
    let policy = page("policy").and(own(&sources)).then(async |sources: Sources| {
        let Sources { turn, live, .. } = sources;
        rendered(turn, move || json(StatusCode::OK, policy_page(&live))).await
    });
    let metrics = page("metrics").and(own(&sources)).then(async |sources: Sources| {
        let Sources { turn, metrics, .. } = sources;
        rendered(turn, move || metrics_page(&metrics)).await
    });
    let is_loopback = bound_to.ip().is_loopback();
    let refused = |rejection: Rejection| async move {
        Ok::<_, Infallible>(refusal(&rejection).into_response())
    };
    warp::header::headers_cloned()
        .and_then(move |headers: HeaderMap| {
            let is_own = !is_loopback || names_this_machine(headers.get(HOST));
            ready(if is_own { Ok(()) } else { Err(warp::reject::custom(Foreign)) })
        })
        .untuple_one()
        .and(images.or(decisions).unify().or(policy).unify().or(metrics).unify())
        .recover(refused)
        .unify()
        .map(move |response| head.signed(response))
        .boxed()
}

/// Another site's name that leads here: a page in the browser of somebody who has forwarded the port
/// could read it under that name.
#[derive(Debug)]
struct Foreign;

impl Reject for Foreign {}

fn refusal(rejection: &Rejection) -> Refusal {
    if rejection.find::<Foreign>().is_some() {
        Refusal::ForeignHost
    } else if rejection.find::<InvalidQuery>().is_some() {
        Refusal::BadQuery(
            "for /images: namespace, decision, registry, format; for /decisions: after, follow",
        )
    } else {
        Refusal::from(rejection)
    }
}

/// Whether a request was sent to `localhost` or to a loopback address, whatever the port.
fn names_this_machine(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::names_this_machine;

    #[test]
    fn only_this_machines_own_names_are_answered() {
        for own in
            ["localhost", "LOCALHOST:8081", "127.0.0.1:1", "127.0.0.1", "[::1]:8081", "[::1]"]
        {
            assert!(names_this_machine(Some(&HeaderValue::from_static(own))), "{own}");
        }
        let others =
            ["evil.example", "localhost.evil.example:8081", "10.0.0.1:8081", "", "127.0.0.1.x"];
        for other in others {
            assert!(!names_this_machine(Some(&HeaderValue::from_static(other))), "{other}");
        }
        assert!(!names_this_machine(None));
    }
}
