//! What the replicas say, looked at again and again while the console runs.
//!
//! The replicas are asked every few seconds; what is around them, such as how the API server asks the gate,
//! less often, since that costs the API server lists. What was seen last stays when nobody answers, and is
//! said to be old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior};

use super::pages;
use super::samples::{KEPT, Moment, Samples};
use crate::cli::Failure;
use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use crate::gate::{Found, Reach, Replica};
use crate::status::faults::{self, Problem};
use crate::status::{Seen, json as status_json, text as status_text};

/// How often the replicas are asked.
const EVERY: Duration = Duration::from_secs(5);
/// How many of these looks there are to one at what is around them.
const LOOKS_TO_ONE_AROUND: u32 = 12;

/// What was seen last, and what was counted for an hour.
#[derive(Debug)]
pub(super) struct Watch {
    /// The clock of the samples begins here.
    begun: Instant,
    begun_at: i64,
    latest: Mutex<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    /// When the replicas were looked at last, in Unix seconds.
    at: Option<i64>,
    replicas: Arc<Vec<Replica>>,
    samples: Samples,
    /// The last look at what is around the replicas, and what is wrong there.
    seen: Option<Arc<Seen>>,
    around: Vec<Problem>,
    /// Why the last look failed.
    fault: Option<Fault>,
}

/// What one look found.
pub(super) struct Look {
    pub(super) replicas: Vec<Replica>,
    pub(super) seen: Option<Seen>,
}

impl Default for Watch {
    fn default() -> Self {
        let begun_at = OffsetDateTime::now_utc().unix_timestamp();
        Self { begun: Instant::now(), begun_at, latest: Mutex::default() }
    }
}

impl Watch {
    /// Looks without an end.
    pub(super) async fn keep_looking(&self, cluster: &Cluster, connection: &Connection) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0;
        loop {
            ticks.tick().await;
            let look = look(cluster, connection, looks == 0).await;
            // After a failure, all of it is looked at again.
            looks = if look.is_ok() { (looks + 1) % LOOKS_TO_ONE_AROUND } else { 0 };
            self.record(look);
        }
    }

    pub(super) fn record(&self, look: Result<Look, Fault>) {
        let wall = OffsetDateTime::now_utc().unix_timestamp();
        let now = Moment { wall, steady: self.begun.elapsed() };
        let mut latest = self.lock();
        match look {
            Ok(Look { mut replicas, seen }) => {
                if let Some(mut seen) = seen {
                    latest.around = faults::around(&seen);
                    replicas = std::mem::take(&mut seen.replicas);
                    latest.seen = Some(Arc::new(seen));
                }
                latest.samples.add(now, &replicas);
                latest.replicas = Arc::new(replicas);
                latest.at = Some(wall);
                latest.fault = None;
            }
            Err(fault) => {
                latest.samples.add(now, &[]);
                latest.fault = Some(fault);
            }
        }
    }

    /// The replicas as they were seen last.
    pub(super) fn replicas(&self) -> Arc<Vec<Replica>> {
        Arc::clone(&self.lock().replicas)
    }

    /// What becomes of the Pods of a namespace; `None` where that is not known.
    pub(super) fn reach(&self, namespace: &str) -> Option<Reach> {
        let seen = self.lock().seen.clone()?;
        let webhooks = seen.webhooks.as_ref().ok().filter(|_| seen.namespaces.gap.is_none())?;
        Some(seen.namespaces.reach(webhooks, namespace))
    }

    /// All of it, with the samples behind a time.
    pub(super) fn page(&self, after: i64, is_read_only: bool) -> Value {
        let latest = self.lock();
        let problems = faults::of_replicas(&latest.replicas);
        let problems = problems.iter().chain(&latest.around).map(status_json::problem);
        let namespace = latest.seen.as_ref().and_then(|seen| seen.gate_namespace.as_deref());
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "readOnly": is_read_only,
            "begunAt": self.begun_at,
            "everySeconds": EVERY.as_secs(),
            "keptSeconds": KEPT,
            "at": latest.at,
            "fault": latest.fault.as_ref().map(pages::fault),
            "namespace": namespace,
            "verdict": latest.at.map(|_| status_text::verdict(&latest.replicas)),
            "replicas": latest.replicas.iter().map(replica).collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
            "latencyBounds": latest.samples.bounds(),
            "samples": latest.samples.behind(after),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(cluster: &Cluster, connection: &Connection, is_around: bool) -> Result<Look, Fault> {
    match connection.endpoint.as_slice() {
        [] if is_around => match Seen::look(cluster, connection).await {
            Ok(seen) => Ok(Look { replicas: Vec::new(), seen: Some(seen) }),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(failure) => Err(Fault::lost(&format!("{failure:?}"))),
        },
        [] => {
            let gate = Found::find(cluster, connection.gate_namespace.as_deref()).await?;
            Ok(Look { replicas: Replica::ask_all(cluster, &gate).await, seen: None })
        }
        endpoints => Ok(Look { replicas: Replica::ask_endpoints(endpoints).await, seen: None }),
    }
}

/// As `status` says it, with what it has counted since it started.
fn replica(replica: &Replica) -> Value {
    let mut shown = status_json::replica(replica, None);
    let counted = replica.said.as_ref().ok().and_then(|said| said.counted.as_ref());
    if let Value::Object(shown) = &mut shown {
        let counted =
            counted.map(|counted| json!({ "allowed": counted.allowed, "denied": counted.denied }));
        shown.insert("counted".to_owned(), counted.into());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Look, Watch};
    use crate::cluster::Fault;
    use crate::gate::{Counted, Replica, Said};

    fn look(allowed: u64) -> Look {
        let counted = Some(Counted { allowed, ..Counted::default() });
        let said = Ok(Said { counted, ..Said::default() });
        let replicas = vec![Replica { name: "one".to_owned(), pod: None, said }];
        Look { replicas, seen: None }
    }

    #[test]
    fn before_the_first_look_nothing_is_said() {
        let page = Watch::default().page(0, true);
        assert!(page["at"].is_null() && page["verdict"].is_null(), "{page}");
        assert!(page["replicas"].as_array().unwrap().is_empty(), "{page}");
    }

    #[test]
    fn what_was_seen_stays_while_nobody_answers_and_the_fault_goes_when_somebody_does() {
        let watch = Watch::default();
        watch.record(Ok(look(7)));
        watch.record(Err(Fault::lost("no route").with_hint("look at the cable")));
        let page = watch.page(0, true);
        assert_eq!(page["fault"]["message"], "no route");
        assert_eq!(page["fault"]["hint"], "look at the cable");
        assert_eq!(page["replicas"][0]["counted"]["allowed"], 7);
        watch.record(Ok(look(9)));
        let page = watch.page(0, true);
        assert!(page["fault"].is_null(), "{page}");
        // What was counted while it was lost belongs to no time that is known.
        assert!(page["samples"].as_array().unwrap().is_empty(), "{page}");
        watch.record(Ok(look(10)));
        assert_eq!(watch.page(0, true)["samples"][0]["allowed"], 1);
    }
}
