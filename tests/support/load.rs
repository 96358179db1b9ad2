//! Clients that ask without a pause, as the API server does, and remember what they were told.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use imagegate::settings::Protocol;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::client::{Answer, Client, Connection};

/// Clients that run until they are stopped.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<Tally>,
    /// How many answers there are so far.
    answered: watch::Receiver<u64>,
}

/// What clients were told.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Bodies of status 200, with how often each came.
    pub(crate) bodies: HashMap<Bytes, usize>,
    /// Everything else: other answers, and requests that got none.
    pub(crate) failures: Vec<String>,
    /// How many of the failures are requests that were never sent, for want of a connection.
    pub(crate) unsent: usize,
    /// Answers with `Retry-After`, which were asked for again.
    pub(crate) retried: usize,
    pub(crate) connections: usize,
    micros: Vec<u64>,
}

impl Load {
    /// Starts `count` clients that send `body`, each on a connection that it keeps while it can.
    pub(crate) fn start(client: &Client, protocol: Protocol, count: usize, body: &[u8]) -> Self {
        Self::between(client, protocol, count, body, Duration::ZERO)
    }

    /// The same, with a pause between two requests of a client.
    pub(crate) fn between(
        client: &Client,
        protocol: Protocol,
        count: usize,
        body: &[u8],
        pause: Duration,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (count_up, answered) = watch::channel(0);
        let (count_up, body) = (Arc::new(count_up), Arc::<[u8]>::from(body));
        let mut clients = JoinSet::new();
        for _ in 0..count {
            let (client, body) = (client.clone(), Arc::clone(&body));
            let (mut stopped, count_up) = (stopped.clone(), Arc::clone(&count_up));
            clients.spawn(async move {
                let (mut tally, mut connection) = (Tally::default(), None);
                while !*stopped.borrow() {
                    tally.ask(&client, protocol, &mut connection, &body).await;
                    count_up.send_modify(|count| *count += 1);
                    let _ = tokio::time::timeout(pause, stopped.changed()).await;
                }
                tally
            });
        }
        Self { stop, clients, answered }
    }

    /// Waits until so many more requests have ended.
    pub(crate) async fn more(&self, requests: u64) {
        let mut answered = self.answered.clone();
        let goal = *answered.borrow() + requests;
        answered.wait_for(|count| *count >= goal).await.unwrap();
    }

    /// How many requests have ended.
    pub(crate) fn ended(&self) -> u64 {
        *self.answered.borrow()
    }

    /// Stops all clients after their last answer.
    pub(crate) async fn stop(self) -> Tally {
        self.stop.send_replace(true);
        self.clients.join_all().await.into_iter().fold(Tally::default(), Tally::with)
    }
}

impl Tally {
    /// Sends one request until it has a verdict or has failed.
    async fn ask(
        &mut self,
        client: &Client,
        protocol: Protocol,
        connection: &mut Option<Connection>,
        body: &[u8],
    ) {
        let started = Instant::now();
        loop {
            if let Some(kept) = connection
                && !kept.ready().await
            {
                *connection = None;
            }
            let kept = match connection {
                Some(kept) => kept,
                None => match client.connect(protocol).await {
                    Ok(opened) => {
                        self.connections += 1;
                        connection.insert(opened)
                    }
                    Err(error) => {
                        self.unsent += 1;
                        return self.failures.push(format!("connect: {error}"));
                    }
                },
            };
            match kept.review(body).await {
                Ok(answer) if answer.status == StatusCode::OK => {
                    self.micros.push(u64::try_from(started.elapsed().as_micros()).unwrap());
                    *self.bodies.entry(answer.body).or_default() += 1;
                    return;
                }
                Ok(answer) if answer.header("retry-after").is_some() => {
                    self.retried += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(Answer { status, body, .. }) => {
                    return self.failures.push(format!("{status}: {body:?}"));
                }
                Err(error) if is_unprocessed(&error) => *connection = None,
                Err(error) => {
                    *connection = None;
                    return self.failures.push(format!("{error:?}"));
                }
            }
        }
    }

    fn with(mut self, other: Self) -> Self {
        for (body, count) in other.bodies {
            *self.bodies.entry(body).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.micros.extend(other.micros);
        self.unsent += other.unsent;
        self.retried += other.retried;
        self.connections += other.connections;
        self
    }

    /// Answers with a verdict.
    pub(crate) fn verdicts(&self) -> usize {
        self.micros.len()
    }

    /// One line for people: how many, and how long they took.
    pub(crate) fn summary(&self) -> String {
        let mut micros = self.micros.clone();
        micros.sort_unstable();
        let quantile = |permille: usize| {
            let micros = micros.get(micros.len() * permille / 1000).copied();
            Duration::from_micros(micros.unwrap_or(0))
        };
        format!(
            "{} verdicts, {} failures, {} retried, {} connections, p50 {:?}, p99 {:?}, p99.9 {:?}",
            self.verdicts(),
            self.failures.len(),
            self.retried,
            self.connections,
            quantile(500),
            quantile(990),
            quantile(999),
        )
    }
}

/// Whether the server surely did nothing with a request: it was not sent, since the connection
/// closed (before hyper took the request, or with it in its queue), or its stream is beyond the last
/// one of a GOAWAY. Go's client sends it again on another connection, too.
fn is_unprocessed(error: &hyper::Error) -> bool {
    let is_beyond_goaway = |error: &h2::Error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    };
    error.is_closed()
        || error.is_canceled()
        || error.source().and_then(|source| source.downcast_ref()).is_some_and(is_beyond_goaway)
}
