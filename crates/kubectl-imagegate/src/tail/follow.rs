//! One replica, followed for as long as it lives.
//!
//! Numbers without a hole say that nothing was missed, whatever became of the connection. They begin anew
//! with each process, whose start is in the id of an event.

use std::collections::BTreeSet;
use std::time::Duration;

use imagegate_core::policy::printable;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, watch};

use super::decision::Told;
use crate::cluster::{Cluster, Event, Fault};
use crate::gate::Operator;

const PATH: &str = "/decisions";
const FOLLOW: &str = "/decisions?follow";
/// The wait before a replica that was lost is asked again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What there is to say.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A decision.
    Decision(Box<Told>),
    /// Decisions of a replica that nobody will tell; how many, where that is known.
    Gap { replica: String, missed: Option<u64>, message: String },
    /// Something about a connection.
    Note(String),
}

/// What a replica has kept.
#[derive(Deserialize)]
struct Page {
    since: String,
    #[serde(default)]
    decisions: Vec<Map<String, Value>>,
}

/// A replica, and how far its decisions were told.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) operator: Operator,
    position: Position,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    /// The start of the process, as it writes it.
    since: String,
    /// The number of the last decision that was told; 0 before the first.
    last: u64,
    /// When that was; the start of the process before the first.
    at: String,
}

impl Follower {
    /// Asks for what is kept. From there on it can be followed.
    pub(super) async fn begin(
        cluster: &Cluster,
        operator: Operator,
    ) -> Result<(Self, Vec<Told>), Fault> {
        let page = operator.page(cluster, PATH).await?;
        let Page { since, decisions } = serde_json::from_slice(&page)
            .map_err(|error| Fault::unreadable(&format!("{PATH}: {error}")))?;
        let kept = decisions.into_iter().filter_map(|each| Told::read(&operator.name, each));
        let kept: Vec<Told> = kept.collect();
        let mut position = Position::at_start_of(since);
        if let Some(last) = kept.last() {
            position.tell(&last.decision.at, last.decision.id);
        }
        Ok((Self { operator, position }, kept))
    }

    /// Follows it, and connects again until its name is no longer in `present`.
    pub(super) async fn follow(
        mut self,
        cluster: Cluster,
        mut present: watch::Receiver<BTreeSet<String>>,
        news: mpsc::Sender<News>,
    ) {
        let mut patience = Patience::default();
        loop {
            let mut events = 0;
            let end = self.stream(&cluster, &news, &mut events).await;
            let fault = patience.after(events, end.err());
            let Operator { name, .. } = &self.operator;
            let shown = printable(name);
            if news.is_closed() {
                return;
            }
            if let Some(fault) = fault {
                let why = fault.message();
                let note = format!("{shown} is not reached, and is tried again: {why}");
                let _ = news.send(News::Note(note)).await;
            }
            let gone = async { present.wait_for(|names| !names.contains(name)).await.is_ok() };
            let is_gone = tokio::time::timeout(patience.wait, gone).await.unwrap_or(false);
            if is_gone {
                let message = format!(
                    "{shown} is gone; what it decided after {} may be missing",
                    printable(&self.position.at)
                );
                let replica = name.clone();
                let _ = news.send(News::Gap { replica, missed: None, message }).await;
                return;
            }
            patience.wait = (patience.wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Tells what one connection brings, and counts its events, however it ends.
    async fn stream(
        &mut self,
        cluster: &Cluster,
        news: &mpsc::Sender<News>,
        count: &mut u64,
    ) -> Result<(), Fault> {
        let port = self.operator.connect(cluster).await?;
        let mut events = port.events(FOLLOW, &self.position.id()).await?;
        while let Some(event) = events.next().await? {
            *count += 1;
            for each in self.read(&event) {
                if news.send(each).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What an event says: of a decision that was told already, nothing.
    fn read(&mut self, event: &Event) -> Vec<News> {
        let Operator { name, .. } = &self.operator;
        let position = &mut self.position;
        match event.name.as_str() {
            "replica" => {
                let since = serde_json::from_str::<Page>(&event.data).map(|page| page.since);
                let Some(since) = since.ok().filter(|since| *since != position.since) else {
                    return Vec::new();
                };
                let message = format!(
                    "{} started anew at {}; what it decided after {} may be missing",
                    printable(name),
                    printable(&since),
                    printable(&position.at)
                );
                *position = Position::at_start_of(since);
                vec![News::Gap { replica: name.clone(), missed: None, message }]
            }
            "decision" => {
                let told = serde_json::from_str(&event.data).ok();
                let Some(told) = told.and_then(|all| Told::read(name, all)) else {
                    let note = format!("{} told a decision that cannot be read", printable(name));
                    return vec![News::Note(note)];
                };
                if told.decision.id <= position.last {
                    return Vec::new();
                }
                let missed = told.decision.id - position.last - 1;
                // The first of a process that are not kept any more were before our time.
                let gap = (missed > 0 && position.last > 0).then(|| News::Gap {
                    replica: name.clone(),
                    missed: Some(missed),
                    message: format!(
                        "{} decided {missed} more between {} and {}, which it has not kept",
                        printable(name),
                        printable(&position.at),
                        printable(&told.decision.at)
                    ),
                });
                position.tell(&told.decision.at, told.decision.id);
                gap.into_iter().chain([News::Decision(Box::new(told))]).collect()
            }
            // The numbers say what was missed, once the next one is there.
            _ => Vec::new(),
        }
    }
}

/// How long a replica is waited for, and whether its loss is told already.
#[derive(Debug)]
struct Patience {
    wait: Duration,
    is_told: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self { wait: FIRST_WAIT, is_told: false }
    }
}

impl Patience {
    /// After a connection that brought so many events and ended with `fault`; returns what is to be told.
    /// A connection that brought events was no further try: what ended it is a loss of its own.
    fn after(&mut self, events: u64, fault: Option<Fault>) -> Option<Fault> {
        if events > 0 {
            *self = Self::default();
        }
        let fault = fault.filter(|_| !self.is_told)?;
        self.is_told = true;
        Some(fault)
    }
}

impl Position {
    fn at_start_of(since: String) -> Self {
        Self { at: since.clone(), since, last: 0 }
    }

    fn tell(&mut self, at: &str, id: u64) {
        at.clone_into(&mut self.at);
        self.last = id;
    }

    /// The id of the event that was told last.
    fn id(&self) -> String {
        let since = OffsetDateTime::parse(&self.since, &Rfc3339);
        format!("{}-{}", since.map_or(0, OffsetDateTime::unix_timestamp), self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_WAIT, Follower, LONGEST_WAIT, News, Patience, Position};
    use crate::cluster::{Event, Fault};
    use crate::gate::Operator;

    fn follower() -> Follower {
        let operator = Operator::at(&["http://127.0.0.1:1".parse().unwrap()]).remove(0);
        let mut position = Position::at_start_of("2026-11-27T08:00:00Z".to_owned());
        position.tell("2026-11-27T08:00:07Z", 7);
        Follower { operator, position }
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), id: String::new(), data: data.to_owned() }
    }

    fn decision(id: u64) -> Event {
        event(
            "decision",
            &format!(r#"{{"id":{id},"at":"2026-11-27T09:00:00Z","decision":"deny"}}"#),
        )
    }

    fn told(news: &[News]) -> Vec<String> {
        let told = news.iter().map(|news| match news {
            News::Decision(told) => told.decision.id.to_string(),
            News::Gap { missed, .. } => format!("gap {missed:?}"),
            News::Note(note) => note.clone(),
        });
        told.collect()
    }

    #[test]
    fn nothing_is_told_twice_and_a_hole_is_a_gap() {
        let mut follower = follower();
        assert_eq!(follower.position.id(), "1795766400-7");
        let mut read = |event| told(&follower.read(&event));
        assert_eq!(read(event("replica", r#"{"since":"2026-11-27T08:00:00Z"}"#)), [""; 0]);
        assert_eq!(read(decision(7)), [""; 0]);
        assert_eq!(read(decision(8)), ["8"]);
        assert_eq!(read(event("missed", r#"{"missed":2}"#)), [""; 0]);
        assert_eq!(read(decision(11)), ["gap Some(2)", "11"]);
        assert_eq!(read(decision(11)), [""; 0]);
        assert!(read(event("decision", "[]"))[0].contains("cannot be read"));
    }

    #[test]
    fn each_loss_is_told_once() {
        let mut patience = Patience::default();
        let mut lost = |events| {
            let told = patience.after(events, Some(Fault::lost("broken"))).is_some();
            let wait = std::mem::replace(&mut patience.wait, LONGEST_WAIT);
            (told, wait == FIRST_WAIT)
        };
        // It cannot be reached, twice; is found again, and lost again; then cannot be reached.
        assert_eq!(
            [0, 0, 3, 0].map(&mut lost),
            [(true, true), (false, false), (true, true), (false, false)]
        );
        assert_eq!(Patience::default().after(3, None), None);
    }

    #[test]
    fn a_new_process_begins_at_one_and_is_a_gap() {
        let mut follower = follower();
        let started = event("replica", r#"{"since":"2026-11-27T08:30:00Z"}"#);
        assert_eq!(told(&follower.read(&started)), ["gap None"]);
        assert_eq!(follower.position.id(), "1795768200-0");
        assert_eq!(told(&follower.read(&decision(1))), ["1"]);
        // What a process did not keep from before our time is no gap of ours.
        let mut late = self::follower();
        assert_eq!(told(&late.read(&started)), ["gap None"]);
        assert_eq!(told(&late.read(&decision(5))), ["5"]);
    }
}
