//! An owner of a live policy over a replayed volume.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use imagegate::reload::{InForce, Live, Lookout, Owner, PolicySource, Status};
use imagegate::telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A live policy with what belongs to it.
pub(crate) struct Reload {
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Reload {
    pub(crate) fn new() -> Self {
        Self { live: Arc::default(), metrics: Arc::new(Metrics::new().unwrap()) }
    }

    /// An owner that reads the named `path`.
    pub(crate) fn owner(&self, path: PathBuf) -> Owner {
        self.owner_of(PolicySource { path, named: true, variables: BTreeMap::default() })
    }

    pub(crate) fn owner_of(&self, source: PolicySource) -> Owner {
        Owner::new(source, Arc::clone(&self.live), Arc::clone(&self.metrics))
    }

    /// Looks at `path` once and from then on whenever something changes.
    pub(crate) async fn start(&self, path: PathBuf, poll: Duration) -> JoinHandle<()> {
        let mut owner = self.owner(path.clone());
        let mut lookout = Lookout::new(&[&path], poll);
        lookout.arm().await;
        owner.look().await;
        tokio::spawn(owner.run(lookout))
    }

    pub(crate) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(self.live.load().as_ref().unwrap())
    }

    /// Waits for a status; panics after ten seconds.
    pub(crate) async fn wait_for(&self, condition: impl FnMut(&Status) -> bool) -> Status {
        let mut statuses = self.live.subscribe();
        let found = timeout(Duration::from_secs(10), statuses.wait_for(condition)).await;
        found.expect("the status did not come").unwrap().clone()
    }

    /// The value of a series in the text of `/metrics`.
    pub(crate) fn metric(&self, series: &str) -> i64 {
        metric(&self.metrics.render(), series)
    }
}

/// The value of a series in the text exposition format.
pub(crate) fn metric(text: &str, series: &str) -> i64 {
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}
