//! An edit that was confirmed, on its way to the last replica, and how it gets on.
//!
//! One at a time. Once it has begun it ends by itself, whether or not the browser waits for it: a floor that only
//! audits meanwhile must not stay so because a tab was closed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use imagegate_core::admission::CONFIRM_ANNOTATION;
use imagegate_report::Exit;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::base::Base;
use super::check::{Checked, confirms};
use super::wanted::Apply;
use crate::change::{Before, Put, Tell};
use crate::cli::Failure;
use crate::cluster::{Cluster, Fault, Kind};
use crate::console::pages;

/// How long the replicas are waited for, as `edit` does.
const WAIT: Duration = Duration::from_mins(3);
/// Lines that are kept of how it gets on. The wait says one for each replica that is done.
const MOST_LINES: usize = 200;

/// The last edit.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<Latest>);

#[derive(Debug, Default)]
struct Latest {
    /// From 1; 0 where there was none.
    number: u64,
    is_running: bool,
    lines: Vec<Value>,
    /// `done`, `incomplete` or `failed`.
    outcome: Option<&'static str>,
}

/// Why an edit was not stored. All is as it was.
#[derive(Debug)]
pub(in crate::console) struct Refused {
    reason: Reason,
    fault: Fault,
    /// The hash that would confirm it, where the gate's guard wants one.
    confirm: Option<String>,
}

/// What the page does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Reason {
    /// Nothing can be written at all.
    Locked,
    /// Somebody else came first.
    Conflict,
    /// The guard refuses what refuses too much, unless it is confirmed.
    Guard,
    /// The API server, or whoever it asks, says no.
    Failed,
}

impl Refused {
    pub(super) fn locked(fault: &Fault) -> Self {
        Self { reason: Reason::Locked, fault: fault.clone(), confirm: None }
    }

    fn conflict(message: &str) -> Self {
        let fault = Fault::conflict(message);
        let fault = fault.with_hint("look at what is there now; your text stays as you have it");
        Self { reason: Reason::Conflict, fault, confirm: None }
    }

    pub(super) fn of(failure: &Failure, hash: &str) -> Self {
        let fault = match failure {
            Failure::Fault(fault) => fault.clone(),
            Failure::Policy(fault) => Fault::usage(&fault.to_string()),
            Failure::Output(error) => Fault::lost(&error.to_string()),
        };
        let is_guarded = fault.message().contains(CONFIRM_ANNOTATION);
        let reason = match fault.kind {
            Kind::Conflict => Reason::Conflict,
            _ if is_guarded => Reason::Guard,
            _ => Reason::Failed,
        };
        // The hint names a flag; here a button does it.
        let hint = "look at whom it hits, and do it all the same if that is meant";
        let fault = if is_guarded { fault.with_hint(hint) } else { fault };
        Self { reason, fault, confirm: is_guarded.then(|| hash.to_owned()) }
    }

    pub(super) fn fault(&self) -> &Fault {
        &self.fault
    }

    pub(in crate::console) fn reason(&self) -> Reason {
        self.reason
    }

    pub(in crate::console) fn to_json(&self) -> Value {
        let mut page = pages::fault(&self.fault);
        if let Value::Object(page) = &mut page {
            let reason = match self.reason {
                Reason::Locked => "locked",
                Reason::Conflict => "conflict",
                Reason::Guard => "guard",
                Reason::Failed => "failed",
            };
            page.insert("reason".to_owned(), reason.into());
            page.insert("confirm".to_owned(), self.confirm.clone().into());
        }
        page
    }
}

impl Changes {
    /// How the last edit gets on; `null` where there was none.
    pub(super) fn latest(&self) -> Value {
        let latest = self.lock();
        if latest.number == 0 {
            return Value::Null;
        }
        json!({
            "number": latest.number,
            "isRunning": latest.is_running,
            "outcome": latest.outcome,
            "lines": latest.lines,
        })
    }

    /// What was said of the last edit.
    pub(super) fn lines(&self) -> Vec<Value> {
        self.lock().lines.clone()
    }

    /// Puts an edit in force, and answers once it is stored.
    pub(super) async fn put(
        self: Arc<Self>,
        cluster: Cluster,
        gate_namespace: Option<String>,
        asked: Apply,
    ) -> Result<Value, Refused> {
        if !self.begin() {
            return Err(Refused::conflict("another edit is on its way to the replicas"));
        }
        let (stored, is_stored) = oneshot::channel();
        let changes = Arc::clone(&self);
        tokio::spawn(async move {
            let outcome = changes.see_through(cluster, gate_namespace, &asked, stored).await;
            changes.end(outcome);
        });
        match is_stored.await {
            Ok(Ok(())) => Ok(self.latest()),
            Ok(Err(refused)) => Err(refused),
            Err(_) => Err(Refused::locked(&Fault::lost("the edit ended without a word"))),
        }
    }

    async fn see_through(
        &self,
        cluster: Cluster,
        gate_namespace: Option<String>,
        asked: &Apply,
        stored: oneshot::Sender<Result<(), Refused>>,
    ) -> &'static str {
        let base = match Before::read_in(cluster, gate_namespace.as_deref()).await {
            Ok(before) => Base::ConfigMap(Box::new(before)),
            Err(fault) => return refuse(stored, Refused::of(&fault.into(), "")),
        };
        let Base::ConfigMap(before) = &base else { return "failed" };
        if let Some(fault) = before.owned() {
            return refuse(stored, Refused::locked(&fault));
        }
        if base.version() != Some(asked.resource_version.as_str()) {
            let name = &before.config_map.metadata.name;
            let message = format!("somebody changed {name} meanwhile, and nothing was overwritten");
            return refuse(stored, Refused::conflict(&message));
        }
        let (data, new) = match Checked::of(&base, &asked.wanted) {
            Ok(checked) => checked.into_parts(),
            Err(problems) => {
                let fault = Fault::usage(&problems.to_string());
                return refuse(stored, Refused::of(&fault.into(), ""));
            }
        };
        if confirms(&new) != asked.confirms {
            let message = "this is not the policy that was confirmed, and nothing was stored";
            return refuse(stored, Refused::conflict(message));
        }
        let hash = new.policy.hash();
        let put =
            Put { before, data: &data, new: &new, confirm: asked.confirm.as_deref(), wait: WAIT };
        let mut floor = match put.prepare_floor(false, self).await {
            Ok(floor) => floor,
            Err(failure) => return refuse(stored, Refused::of(&failure, hash)),
        };
        if let Err(failure) = put.store(&mut floor, self).await {
            return refuse(stored, Refused::of(&failure, hash));
        }
        // The browser may have left.
        let _ = stored.send(Ok(()));
        match put.see_through(&floor, self).await {
            Ok(Exit::Fine) => "done",
            Ok(_) => "incomplete",
            Err(failure) => {
                let Refused { fault, .. } = Refused::of(&failure, hash);
                self.aside(&format!("error: {fault}"));
                "incomplete"
            }
        }
    }

    pub(super) fn begin(&self) -> bool {
        let mut latest = self.lock();
        if latest.is_running {
            return false;
        }
        let number = latest.number + 1;
        *latest = Latest { number, is_running: true, ..Latest::default() };
        true
    }

    fn end(&self, outcome: &'static str) {
        let mut latest = self.lock();
        latest.is_running = false;
        latest.outcome = Some(outcome);
    }

    fn push(&self, text: &str, is_aside: bool) {
        let mut latest = self.lock();
        if latest.lines.len() < MOST_LINES {
            latest.lines.push(json!({ "text": text, "isAside": is_aside }));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tell for Changes {
    fn done(&self, line: &str) -> io::Result<()> {
        self.push(line, false);
        Ok(())
    }

    fn aside(&self, text: &str) {
        self.push(text, true);
    }

    fn has_flags(&self) -> bool {
        false
    }
}

/// Says why it was not stored. The browser may have left.
fn refuse(stored: oneshot::Sender<Result<(), Refused>>, refused: Refused) -> &'static str {
    let _ = stored.send(Err(refused));
    "failed"
}

#[cfg(test)]
mod tests {
    use imagegate_core::admission::CONFIRM_ANNOTATION;
    use serde_json::Value;

    use super::{Changes, MOST_LINES, Reason, Refused};
    use crate::change::Tell as _;
    use crate::cluster::Fault;

    #[test]
    fn one_edit_is_on_its_way_at_a_time() {
        let changes = Changes::default();
        assert_eq!(changes.latest(), Value::Null);
        assert!(changes.begin() && !changes.begin());
        changes.done("stored").unwrap();
        for _ in 0..2 * MOST_LINES {
            changes.aside("waiting");
        }
        let page = changes.latest();
        assert_eq!(page["lines"].as_array().unwrap().len(), MOST_LINES);
        assert_eq!((&page["isRunning"], &page["outcome"]), (&true.into(), &Value::Null));
        changes.end("done");
        assert_eq!(changes.latest()["outcome"], "done");
        assert!(changes.begin());
        assert_eq!(changes.latest()["number"], 2);
        assert_eq!(changes.latest()["lines"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn the_page_can_tell_refusals_apart() {
        let guarded = format!("denied the request: set the annotation `{CONFIRM_ANNOTATION}: a`");
        for (fault, reason, confirm) in [
            (Fault::conflict("first"), Reason::Conflict, Value::Null),
            (Fault::usage(&guarded), Reason::Guard, "abc".into()),
            (Fault::lost("no answer"), Reason::Failed, Value::Null),
        ] {
            let refused = Refused::of(&fault.into(), "abc");
            assert_eq!((refused.reason(), &refused.to_json()["confirm"]), (reason, &confirm));
        }
    }
}
