//! The admin port: metrics, probes, and the policy in force. Plain HTTP, read only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{Semaphore, watch};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reject::Rejection;
use warp::reply::Response;

use super::drain::Phase;
use super::refusal::{Refusal, json};
use crate::reload::{Applied, Candidate, Live, Status};
use crate::telemetry::Metrics;
use imagegate_core::policy::{Decision, NormalForm, Problem};

/// `GET /metrics`, `/healthz`, `/readyz` and `/policy`.
#[must_use]
pub fn admin_routes(
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
) -> BoxedFilter<(Response,)> {
    let page = |name: &'static str| warp::path(name).and(warp::path::end()).and(warp::get());
    let turn = Arc::new(Semaphore::new(1));
    let policy = (Arc::clone(&turn), Arc::clone(&live));
    let metrics = page("metrics").then(move || {
        let metrics = Arc::clone(&metrics);
        rendered(Arc::clone(&turn), move || metrics_page(&metrics))
    });
    let healthz = page("healthz").map(|| text(StatusCode::OK, "ok\n".to_owned()));
    let readyz = page("readyz").map(move || readiness(&live, *phase.borrow()));
    let policy = page("policy").then(move || {
        let (turn, live) = (Arc::clone(&policy.0), Arc::clone(&policy.1));
        rendered(turn, move || json(StatusCode::OK, policy_page(&live)))
    });
    let missing = |rejection: Rejection| async move {
        Ok::<_, Infallible>(Refusal::from(&rejection).into_response())
    };
    metrics
        .or(healthz)
        .unify()
        .or(readyz)
        .unify()
        .or(policy)
        .unify()
        .recover(missing)
        .unify()
        .boxed()
}

/// Renders an expensive page: one at a time, and not on the threads that serve reviews, so that any
/// number of scrapers cannot delay reviews. The turn ends with the work, and not when its reader leaves.
pub(super) async fn rendered<F>(turn: Arc<Semaphore>, render: F) -> Response
where
    F: FnOnce() -> Response + Send + 'static,
{
    // The semaphore is never closed.
    let turn = turn.acquire_owned().await;
    let rendering = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        render()
    });
    rendering.await.unwrap_or_else(|_| Refusal::Panic.into_response())
}

/// `/metrics`, of this port and of the operator's.
pub(super) fn metrics_page(metrics: &Metrics) -> Response {
    text(StatusCode::OK, metrics.render())
}

/// Ready if there is a policy and the process is not shutting down.
fn readiness(live: &Live, phase: Phase) -> Response {
    let unready = |why: &str| text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if phase > Phase::Serving {
        unready("leaving")
    } else if live.load().is_none() {
        unready("there is no valid policy yet")
    } else {
        text(StatusCode::OK, "ok\n".to_owned())
    }
}

fn text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyPage<'a> {
    hash: Option<&'a str>,
    generation: u64,
    applied_at: Option<String>,
    failing_since: Option<String>,
    missing_since: Option<String>,
    deleted_at: Option<String>,
    problems: Vec<String>,
    source: &'a str,
    policy: Option<&'a NormalForm>,
    candidate: Option<CandidatePart<'a>>,
    candidate_problems: Vec<String>,
    history: Vec<Edit<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidatePart<'a> {
    hash: &'a str,
    evaluated: u64,
    flipped_to_allow: u64,
    flipped_to_deny: u64,
    flips_by_rule: serde_json::Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edit<'a> {
    generation: u64,
    hash: &'a str,
    applied_at: String,
    changes: Vec<&'a str>,
    /// How many changes are not listed, and how many of those loosen.
    left_out: usize,
    left_out_loosening: usize,
    loosens: bool,
}

/// `/policy`, of this port and of the operator's.
pub(super) fn policy_page(live: &Live) -> Vec<u8> {
    let in_force = live.load();
    let in_force = in_force.as_deref();
    let Status {
        source,
        failing_since,
        missing_since,
        problems,
        candidate_problems,
        history,
        generation: _,
    } = live.status();
    let shown = |problems: &[Problem]| problems.iter().map(ToString::to_string).collect();
    let page = PolicyPage {
        hash: in_force.map(|in_force| in_force.policy.hash()),
        generation: in_force.map_or(0, |in_force| in_force.generation),
        applied_at: in_force.map(|in_force| rfc3339(in_force.applied_at)),
        failing_since: failing_since.map(rfc3339),
        missing_since: missing_since.map(rfc3339),
        deleted_at: live.policy_deleted_at().map(rfc3339),
        problems: shown(&problems),
        source: &source,
        policy: in_force.map(|in_force| in_force.policy.normal_form()),
        candidate: in_force.and_then(|in_force| in_force.candidate.as_deref()).map(candidate),
        candidate_problems: shown(&candidate_problems),
        history: history.iter().map(edit).collect(),
    };
    serde_json::to_vec_pretty(&page).unwrap_or_default()
}

fn candidate(candidate: &Candidate) -> CandidatePart<'_> {
    let flips = candidate.flips_by_rule();
    CandidatePart {
        hash: candidate.policy.hash(),
        evaluated: candidate.evaluated(),
        flipped_to_allow: candidate.flipped(Decision::Allow),
        flipped_to_deny: candidate.flipped(Decision::Deny),
        flips_by_rule: flips
            .into_iter()
            .map(|(rule, count)| (rule.as_str().to_owned(), count.into()))
            .collect(),
    }
}

fn edit(applied: &Applied) -> Edit<'_> {
    let difference = applied.difference.as_ref();
    let changes = difference.into_iter().flat_map(|difference| &difference.changes);
    Edit {
        generation: applied.generation,
        hash: &applied.hash,
        applied_at: rfc3339(applied.applied_at),
        changes: changes.map(|change| change.text.as_str()).collect(),
        left_out: difference.map_or(0, |difference| difference.left_out),
        left_out_loosening: difference.map_or(0, |difference| difference.left_out_loosening),
        loosens: difference.is_some_and(|difference| difference.loosens),
    }
}

fn rfc3339(time: SystemTime) -> String {
    OffsetDateTime::from(time).format(&Rfc3339).unwrap_or_default()
}
