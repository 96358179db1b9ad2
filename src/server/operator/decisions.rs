//! `GET /decisions`: the last denials, warnings, exemptions and flips; with `?follow`, those to come,
//! as server-sent events.
//!
//! A follower that does not read is told how much it missed, and dropped. It goes on where it stopped
//! with the header `Last-Event-ID`, as browsers send it.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use warp::Reply as _;
use warp::reply::Response;
use warp::sse::{self, Event};

use super::Sources;
use super::replica::Replica;
use crate::observed::{Following, Recent};
use crate::refusal::{Refusal, json};
use crate::server::admin::rendered;
use crate::server::drain::Phase;

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What the query asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Those behind the decision with this number.
    #[serde(default)]
    after: u64,
    follow: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(flatten)]
    replica: &'a Replica,
    policy_hash: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    missed: u64,
    decisions: &'a [Arc<Recent>],
}

/// The page, a stream of events, or a refusal.
pub(super) async fn page(sources: Sources, query: Query, last_id: Option<String>) -> Response {
    let follower = match query.follow {
        Some(_) => match Arc::clone(&sources.followers).try_acquire_owned() {
            Ok(follower) => Some(follower),
            Err(_) => return Refusal::Overload.into_response(),
        },
        None => None,
    };
    let after = last_id.as_deref().and_then(|id| behind(id, sources.observed.since()));
    let after = after.unwrap_or(query.after);
    let Ok(following) = sources.observed.follow(after).await else {
        return Refusal::Overload.into_response();
    };
    let in_force = sources.live.load().clone();
    let Some(follower) = follower else {
        let (turn, Following { past, missed, .. }) = (Arc::clone(&sources.turn), following);
        let render = move || {
            let policy_hash = in_force.as_ref().map(|in_force| in_force.policy.hash());
            let head = Head { replica: &sources.replica, policy_hash };
            let page = Page { head, missed, decisions: &past };
            json(StatusCode::OK, serde_json::to_vec(&page).unwrap_or_default())
        };
        return rendered(turn, render).await;
    };
    let policy_hash = in_force.as_ref().map(|in_force| in_force.policy.hash());
    let head = Head { replica: &sources.replica, policy_hash };
    let events = Events::new(&head, following, &sources, follower);
    let events = stream::unfold(events, async |mut events| {
        let event = events.next().await?;
        Some((Ok::<_, Infallible>(event), events))
    });
    sse::reply(sse::keep_alive().interval(HEARTBEAT).stream(events)).into_response()
}

/// The number of an event of a process that started at `since`; `None` for one of another process.
fn behind(id: &str, since: i64) -> Option<u64> {
    let (process, number) = id.split_once('-')?;
    if process.parse() == Ok(since) { number.parse().ok() } else { None }
}

/// What a follower gets.
struct Events {
    /// What is ready.
    ready: VecDeque<Event>,
    past: Past,
    to_come: Option<broadcast::Receiver<Arc<Recent>>>,
    since: i64,
    phase: watch::Receiver<Phase>,
    _follower: OwnedSemaphorePermit,
}

impl Events {
    fn new(
        head: &Head<'_>,
        following: Following,
        sources: &Sources,
        follower: OwnedSemaphorePermit,
    ) -> Self {
        let Following { past, missed, to_come } = following;
        let head = serde_json::to_string(head).unwrap_or_default();
        let mut ready = VecDeque::from([Event::default().event("replica").data(head)]);
        if missed > 0 {
            ready.push_back(told(missed));
        }
        Self {
            ready,
            past: Past::of(&past),
            to_come: Some(to_come),
            since: sources.observed.since(),
            phase: sources.phase.clone(),
            _follower: follower,
        }
    }

    /// `None` at the end: the process is leaving, or the follower was too slow.
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.ready.pop_front() {
            return Some(event);
        }
        match self.past.next() {
            Some(Ok(recent)) => return Some(self.event(&recent)),
            Some(Err(missed)) => return Some(told(missed)),
            None => {}
        }
        let to_come = self.to_come.as_mut()?;
        let received = tokio::select! {
            received = to_come.recv() => received,
            _ = self.phase.wait_for(|phase| *phase >= Phase::Leaving) => return None,
        };
        match received {
            Ok(recent) => Some(self.event(&recent)),
            Err(RecvError::Lagged(missed)) => {
                self.to_come = None;
                Some(told(missed))
            }
            Err(RecvError::Closed) => None,
        }
    }

    fn event(&self, recent: &Recent) -> Event {
        let data = serde_json::to_string(recent).unwrap_or_default();
        Event::default().event("decision").id(format!("{}-{}", self.since, recent.id)).data(data)
    }
}

/// Decisions that a follower has yet to get. They are not kept for it: what leaves the memory before it
/// has read that far is missed.
struct Past(VecDeque<Weak<Recent>>);

impl Past {
    fn of(decisions: &[Arc<Recent>]) -> Self {
        Self(decisions.iter().map(Arc::downgrade).collect())
    }

    /// The next one, or how many are missed before it.
    fn next(&mut self) -> Option<Result<Arc<Recent>, u64>> {
        let missed = self.0.iter().take_while(|each| each.strong_count() == 0).count();
        if missed > 0 {
            self.0.drain(..missed);
            return Some(Err(missed as u64));
        }
        // It may leave at this moment, too.
        self.0.pop_front().map(|each| each.upgrade().ok_or(1))
    }
}

/// How many decisions a follower did not get.
fn told(missed: u64) -> Event {
    Event::default().event("missed").data(json!({ "missed": missed }).to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Past, behind};
    use crate::observed::a_recent;

    #[test]
    fn what_leaves_before_a_follower_has_read_it_is_not_kept_for_it() {
        let mut kept: Vec<_> = (0..5).map(|_| Arc::new(a_recent())).collect();
        let mut past = Past::of(&kept);
        assert_eq!(past.next(), Some(Ok(kept.remove(0))));
        let left = kept.split_off(2);
        kept.clear();
        assert_eq!(past.next(), Some(Err(2)), "told once, for all of them");
        for decision in left {
            assert_eq!(past.next(), Some(Ok(decision)));
        }
        assert_eq!(past.next(), None);
    }

    #[test]
    fn a_number_counts_only_within_its_process() {
        for (id, expected) in
            [("100-7", Some(7)), ("99-7", None), ("7", None), ("100-", None), ("100-x", None)]
        {
            assert_eq!(behind(id, 100), expected, "{id}");
        }
    }
}
