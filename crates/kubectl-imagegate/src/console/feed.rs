//! The last decisions of all replicas that were no plain admissions, followed as `tail` follows them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::tail::{Begun, News, Told};

/// Items that are kept: as many as one replica keeps.
const MOST: usize = 1024;
/// Bytes of one, as JSON. A gate cuts each text of a decision long before that.
const LONGEST: usize = 16 << 10;
/// The wait before the replicas are asked again, where none of them answers.
const AGAIN: Duration = Duration::from_secs(2);

/// Decisions, and what is missing between them, in the order in which they arrived.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    items: VecDeque<Item>,
    last: u64,
    /// Why nothing is followed at the moment.
    fault: Option<String>,
}

/// One of them, with its number.
#[derive(Clone, Debug, Serialize)]
struct Item {
    /// From 1, without a hole.
    number: u64,
    #[serde(flatten)]
    what: Value,
}

impl Feed {
    /// Follows all replicas without an end.
    pub(super) async fn keep_following(&self, cluster: &Cluster, connection: &Connection) {
        loop {
            match Begun::of(cluster, connection).await {
                Ok(begun) => self.follow(cluster, begun).await,
                Err(fault) => self.fail(fault.message()),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn follow(&self, cluster: &Cluster, mut begun: Begun) {
        self.begin(std::mem::take(&mut begun.kept));
        let (mut told, looking) = begun.follow(cluster);
        let recording = async {
            while let Some(news) = told.recv().await {
                self.record(news);
            }
        };
        tokio::join!(recording, looking);
    }

    /// What the replicas have kept, in the order of time.
    fn begin(&self, mut kept: Vec<Told>) {
        kept.sort_by(|one, other| one.decision.at.cmp(&other.decision.at));
        let mut feed = self.lock();
        feed.fault = None;
        for told in kept {
            feed.push(told.to_json());
        }
    }

    pub(super) fn record(&self, news: News) {
        let what = match news {
            News::Decision(told) => told.to_json(),
            News::Note(note) => json!({ "note": note }),
            News::Gap { replica, missed, message } => {
                json!({ "replica": replica, "gap": { "missed": missed, "message": message } })
            }
        };
        self.lock().push(what);
    }

    fn fail(&self, why: &str) {
        self.lock().fault = Some(why.to_owned());
    }

    /// What arrived behind the item with a number; 0 for all that is kept.
    pub(super) fn page(&self, after: u64) -> Value {
        let feed = self.lock();
        // A number of another console: the page has outlived it.
        let after = if after > feed.last { 0 } else { after };
        let items: Vec<&Item> = feed.items.iter().filter(|item| item.number > after).collect();
        json!({ "last": feed.last, "fault": feed.fault, "items": items })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, what: Value) {
        let what = match what.to_string().len() {
            ..=LONGEST => what,
            bytes => {
                json!({ "note": format!("a decision of {bytes} bytes is too long to be kept") })
            }
        };
        self.last += 1;
        if self.items.len() == MOST {
            self.items.pop_front();
        }
        self.items.push_back(Item { number: self.last, what });
    }
}

#[cfg(test)]
mod tests {
    use super::{Feed, MOST};
    use crate::tail::{News, Told};

    fn told(id: usize, at: &str) -> Told {
        let json = format!(r#"{{"id":{id},"at":"{at}","decision":"deny","image":"<img>"}}"#);
        Told::read("one", serde_json::from_str(&json).unwrap()).unwrap()
    }

    #[test]
    fn what_was_kept_is_in_the_order_of_time_and_what_comes_behind_it() {
        let feed = Feed::default();
        feed.fail("no answer");
        assert_eq!(feed.page(0)["fault"], "no answer");
        feed.begin(vec![told(2, "2026-11-27T09:00:02Z"), told(1, "2026-11-27T09:00:01Z")]);
        feed.record(News::Decision(Box::new(told(3, "2026-11-27T09:00:03Z"))));
        feed.record(News::Gap { replica: "one".into(), missed: Some(2), message: "lost".into() });
        feed.record(News::Note("found again".into()));
        let page = feed.page(0);
        assert_eq!((&page["last"], &page["fault"]), (&5.into(), &serde_json::Value::Null));
        let ids: Vec<_> = (0..3).map(|at| page["items"][at]["id"].clone()).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(page["items"][0]["replica"], "one");
        assert_eq!(page["items"][3]["gap"]["missed"], 2);
        assert_eq!(page["items"][4]["note"], "found again");
        assert_eq!(feed.page(4)["items"].as_array().unwrap().len(), 1);
        assert_eq!(feed.page(5)["items"].as_array().unwrap().len(), 0);
        assert_eq!(feed.page(99)["items"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let feed = Feed::default();
        feed.record(News::Decision(Box::new(told(1, &"9".repeat(20_000)))));
        feed.record(News::Decision(Box::new(told(2, "2026-11-27T09:00:03Z"))));
        let page = feed.page(0);
        let note = page["items"][0]["note"].as_str().unwrap();
        assert!(note.ends_with("bytes is too long to be kept"), "{note}");
        assert_eq!(page["items"][1]["id"], 2);
    }

    #[test]
    fn the_oldest_goes_first() {
        let feed = Feed::default();
        for id in 0..MOST + 3 {
            feed.record(News::Decision(Box::new(told(id, ""))));
        }
        let page = feed.page(0);
        assert_eq!(page["items"].as_array().unwrap().len(), MOST);
        assert_eq!(page["items"][0]["number"], 4);
    }
}
