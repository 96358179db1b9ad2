//! The page Policy: the policy in force, what an edit of it would do, and the edit itself.
//!
//! An edit goes the way of `kubectl imagegate edit`, with a dialog of the page in place of the prompt: what is
//! compiled, whom it hits, what is written and under which version, and what becomes of the floor are that
//! command's own.
//!
//! | module | holds |
//! |---|---|
//! | `base` | what there is to edit, and whether it may be written |
//! | `wanted` | what a request asks for |
//! | `check` | what an edit would do, as JSON |
//! | `hits` | whom it would hit, as JSON |
//! | `change` | an edit on its way, and how it gets on |

mod base;
mod change;
mod check;
mod hits;
#[cfg(test)]
pub(super) mod samples;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use imagegate_core::policy::POLICY_KEY;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::change::{InUse, data_of};
use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use crate::exempt::{self, last_day};
use crate::gate::{Operator, Replica};
use base::Base;
use change::Changes;
pub(super) use change::{Reason, Refused};
pub(super) use wanted::{Apply, Check, Exemption};

/// How long what was read is good for while somebody types. It is read anew for a page that is loaded, and for
/// an edit that is put in force.
const FRESH: Duration = Duration::from_secs(10);
/// The same of what is in use, which is some ten thousand Pods.
const FRESH_USE: Duration = Duration::from_secs(30);

/// The policy as the page edits it.
#[derive(Debug)]
pub(super) struct PolicyEditor {
    is_read_only: bool,
    base: Mutex<Kept<Base>>,
    in_use: Arc<Mutex<Kept<InUse>>>,
    /// Held by the one request that judges what is in use.
    turn: Semaphore,
    changes: Arc<Changes>,
}

/// What was read last, and when.
type Kept<T> = Option<(Instant, Arc<T>)>;

/// Where the gate is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) connection: &'a Connection,
    pub(super) replicas: &'a [Replica],
}

impl PolicyEditor {
    pub(super) fn new(is_read_only: bool) -> Self {
        Self {
            is_read_only,
            base: Mutex::default(),
            in_use: Arc::default(),
            turn: Semaphore::new(1),
            changes: Arc::default(),
        }
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The policy in force, what may be done with it, and those before it.
    pub(super) async fn page(&self, place: Place<'_>) -> Result<Value, Fault> {
        let base = self.base(place, Duration::ZERO).await?;
        let locked = base.locked(self.is_read_only).await;
        Ok(base.to_json(locked.as_ref(), &self.changes.latest()))
    }

    /// How the last edit gets on; `null` where there was none.
    pub(super) fn change(&self) -> Value {
        self.changes.latest()
    }

    /// What an edit would do.
    pub(super) async fn check(&self, place: Place<'_>, asked: &Check) -> Result<Value, Fault> {
        let base = self.base(place, FRESH).await?;
        let checked = match check::Checked::of(&base, &asked.wanted) {
            Ok(checked) => checked,
            Err(problems) => return Ok(check::invalid(&base, &problems)),
        };
        let floor = if asked.with_floor { checked.floor().await } else { Vec::new() };
        if !checked.needs_use() {
            return Ok(checked.to_json(None, &floor));
        }
        // The semaphore is never closed.
        let _turn = self.turn.acquire().await;
        let in_use = self.in_use(place, &base).await;
        // Thousands of images are judged for this, on a thread that may wait.
        Ok(tokio::task::block_in_place(|| checked.to_json(Some(in_use.as_deref()), &floor)))
    }

    /// A text with an exemption more, as `kubectl imagegate exempt` writes it. What it does is for a check to say.
    pub(super) async fn exempted(
        &self,
        place: Place<'_>,
        asked: &Exemption,
    ) -> Result<Value, Fault> {
        let Exemption { text, image, namespace, terms } = asked;
        if namespace.is_empty() {
            return Err(Fault::usage("an exemption needs a namespace"));
        }
        last_day(&terms.expires)
            .map_err(|why| Fault::usage(&format!("`{}`: {why}", terms.expires)))?;
        let base = self.base(place, FRESH).await?;
        let data = data_of(base.data(), POLICY_KEY, text).map_err(|why| Fault::usage(&why))?;
        if !data.contains_key(POLICY_KEY) {
            let fault = Fault::usage("the policy is in simple form, which has no exemptions");
            return Err(fault.with_hint("write it in full form first (docs/policy.md)"));
        }
        let text = exempt::exempted(text, image, namespace, terms, base.policy())?;
        let data = data_of(base.data(), POLICY_KEY, &text).map_err(|why| Fault::usage(&why))?;
        // A text with a problem is told by the check.
        if let Ok(compiled) = base.compile(&data) {
            exempt::refuse_where_vain(&compiled.policy, image, namespace)?;
        }
        Ok(json!({ "text": text }))
    }

    /// Puts an edit in force, unless something is in its way. It is seen through whatever becomes of the request.
    pub(super) async fn apply(&self, place: Place<'_>, asked: Apply) -> Result<Value, Refused> {
        if self.is_read_only {
            return Err(Refused::locked(&base::read_only()));
        }
        if !place.connection.endpoint.is_empty() {
            return Err(Refused::locked(&base::no_cluster()));
        }
        let cluster = place.cluster.clone();
        let namespace = place.connection.gate_namespace.clone();
        let put = Arc::clone(&self.changes).put(cluster, namespace, asked).await;
        *self.base.lock().await = None;
        put
    }

    /// What there is to edit, read at most this long ago.
    async fn base(&self, place: Place<'_>, fresh: Duration) -> Result<Arc<Base>, Fault> {
        let mut kept = self.base.lock().await;
        if let Some((_, base)) = kept.as_ref().filter(|(at, _)| at.elapsed() < fresh) {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(Base::read(place).await?);
        *kept = Some((Instant::now(), Arc::clone(&base)));
        Ok(base)
    }

    /// What could be hit. Reading it ends by itself: whoever types asks again before a large cluster has answered.
    async fn in_use(&self, place: Place<'_>, base: &Arc<Base>) -> Result<Arc<InUse>, Fault> {
        let (kept, base) = (Arc::clone(&self.in_use), Arc::clone(base));
        let (cluster, operators) =
            (place.cluster.clone(), Operator::at(&place.connection.endpoint));
        let reading = tokio::spawn(async move {
            let mut kept = kept.lock().await;
            if let Some((_, in_use)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH_USE) {
                return Ok(Arc::clone(in_use));
            }
            let in_use = Arc::new(match base.gate() {
                Some(gate) => InUse::read(&cluster, gate).await?,
                None => InUse::observed(&cluster, &operators).await,
            });
            *kept = Some((Instant::now(), Arc::clone(&in_use)));
            Ok(in_use)
        });
        reading.await.unwrap_or_else(|_| Err(Fault::lost("what is in use was not read to its end")))
    }
}
