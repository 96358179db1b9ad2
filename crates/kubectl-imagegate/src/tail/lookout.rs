//! The replicas that come while others are followed.
//!
//! Looks them up again and again, and begins with each new one beside the others: a replica that takes its
//! time holds nobody up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Uri;
use imagegate_core::policy::printable;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::follow::{Follower, News};
use crate::cluster::{Cluster, Fault, Kind};
use crate::gate::{Found, Operator};

/// How often the Pods of the gate are looked up.
const EVERY: Duration = Duration::from_secs(2);

/// Finds the Pods that come, and sees which of them go.
#[derive(Clone)]
pub(super) struct Lookout {
    pub(super) cluster: Cluster,
    /// As RFC 3339 has it: what a new Pod decided before is none of ours.
    pub(super) start: String,
    /// Who is followed.
    pub(super) present: watch::Sender<BTreeSet<String>>,
    pub(super) news: mpsc::Sender<News>,
}

/// Where the replicas are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The gate's namespace, where Pods come and go.
    Namespace(String),
    /// These addresses, and no others.
    Addresses(Vec<Uri>),
}

/// The replicas that were asked and have not answered yet.
#[derive(Default)]
struct Asked(BTreeMap<String, JoinHandle<()>>);

impl Lookout {
    /// Looks until nobody reads the news.
    pub(super) async fn keep_looking(self, place: Place) {
        let mut asked = Asked::default();
        let mut is_told = false;
        while !self.news.is_closed() {
            tokio::time::sleep(EVERY).await;
            let (operators, there) = match self.look(&place).await {
                Ok(found) => found,
                Err(fault) => {
                    // The names stay: whoever cannot be asked now is not gone for that.
                    if !std::mem::replace(&mut is_told, true) {
                        let why = fault.message();
                        let note = format!("the gate's Pods are not known at the moment: {why}");
                        let _ = self.news.send(News::Note(note)).await;
                    }
                    continue;
                }
            };
            is_told = false;
            self.present.send_modify(|followed| followed.retain(|name| there.contains(name)));
            self.ask_new(operators, &mut asked);
        }
    }

    /// Those that can be asked, and the names of all that there are.
    async fn look(&self, place: &Place) -> Result<(Vec<Operator>, BTreeSet<String>), Fault> {
        let namespace = match place {
            Place::Namespace(namespace) => namespace,
            Place::Addresses(addresses) => {
                let operators = Operator::at(addresses);
                let names = operators.iter().map(|each| each.name.clone()).collect();
                return Ok((operators, names));
            }
        };
        let gate = match Found::find(&self.cluster, Some(namespace)).await {
            // Between the last Pod and the next one.
            Err(fault) if fault.kind == Kind::NotFound => {
                Found { namespace: namespace.clone(), pods: Vec::new() }
            }
            found => found?,
        };
        let operators = Operator::of_gate(&gate);
        Ok((operators, gate.pods.into_iter().map(|pod| pod.name).collect()))
    }

    /// Asks those that are not followed, each on its own. One that does not answer is asked again the next
    /// time.
    fn ask_new(&self, operators: Vec<Operator>, asked: &mut Asked) {
        asked.0.retain(|_, answer| !answer.is_finished());
        for operator in operators {
            let name = operator.name.clone();
            if !self.present.borrow().contains(&name) && !asked.0.contains_key(&name) {
                asked.0.insert(name, tokio::spawn(self.clone().begin(operator)));
            }
        }
    }

    /// Follows a replica, from the first decision that it made in our time.
    async fn begin(self, operator: Operator) {
        let Ok((follower, kept)) = Follower::begin(&self.cluster, operator).await else { return };
        let name = &follower.operator.name;
        self.present.send_modify(|followed| _ = followed.insert(name.clone()));
        let note = format!("{} is followed, too", printable(name));
        let _ = self.news.send(News::Note(note)).await;
        for told in kept.into_iter().filter(|told| told.decision.at >= self.start) {
            let _ = self.news.send(News::Decision(Box::new(told))).await;
        }
        tokio::spawn(follower.follow(self.cluster, self.present.subscribe(), self.news));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::Config;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::{mpsc, watch};

    use super::{Asked, Lookout, News};
    use crate::cluster::Cluster;
    use crate::gate::Operator;

    /// An operator port that has decided nothing.
    async fn answer(listener: TcpListener) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let page = r#"{"since":"2026-11-27T08:00:00Z","decisions":[]}"#;
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{page}", page.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    async fn listener() -> (TcpListener, Operator) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        (listener, Operator::at(&[address.parse().unwrap()]).remove(0))
    }

    #[tokio::test]
    async fn a_replica_that_takes_its_time_holds_nobody_up() {
        let (_silent, slow) = listener().await;
        let (listening, quick) = listener().await;
        tokio::spawn(answer(listening));
        let cluster = Cluster::new(Config::new("http://127.0.0.1:1".parse().unwrap()), None);
        let (news, mut told) = mpsc::channel(8);
        let (present, presence) = watch::channel(BTreeSet::new());
        let start = "2026-11-27T09:00:00Z".to_owned();
        let lookout = Lookout { cluster: cluster.unwrap(), start, present, news };
        let mut asked = Asked::default();
        lookout.ask_new(vec![slow.clone(), quick.clone()], &mut asked);
        let Some(News::Note(note)) = told.recv().await else { panic!("nobody is followed") };
        assert_eq!(note, format!("{} is followed, too", quick.name));
        assert_eq!(*presence.borrow(), BTreeSet::from([quick.name.clone()]));
        // While it is waited for, it is not asked a second time.
        lookout.ask_new(vec![slow.clone(), quick], &mut asked);
        assert!(!asked.0[&slow.name].is_finished());
        assert_eq!(asked.0.into_keys().filter(|name| *name == slow.name).count(), 1);
    }
}
