//! The webhook's routes without a socket.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use imagegate::reload::{Candidate, InForce, Live};
use imagegate::server::{Budgets, Gate, webhook_routes};
use imagegate::settings::{Flags, Settings};
use imagegate::telemetry::{Metrics, Telemetry};
use serde_json::Value;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::policy::policy;

/// Routes with what they judge by and count to.
pub(crate) struct Server {
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) routes: BoxedFilter<(Response,)>,
}

impl Server {
    /// Routes before any policy.
    pub(crate) fn without_policy() -> Self {
        let (live, metrics) = (Arc::<Live>::default(), Arc::new(Metrics::new().unwrap()));
        let telemetry = Telemetry::new(Arc::clone(&metrics), 100);
        let gate = Arc::new(Gate::new(Arc::clone(&live), telemetry, BTreeMap::new()));
        let routes = webhook_routes(gate, Arc::new(Budgets::new(&settings())));
        Self { live, metrics, routes }
    }

    /// Routes by a policy in full form.
    pub(crate) fn with_policy(yaml: &str) -> Self {
        let server = Self::without_policy();
        server.put_in_force(yaml, None);
        server
    }

    pub(crate) fn put_in_force(&self, yaml: &str, candidate: Option<&str>) {
        self.live.store(InForce {
            policy: Arc::new(policy(yaml)),
            candidate: candidate.map(|yaml| Arc::new(Candidate::new(policy(yaml)))),
            generation: 1,
            applied_at: SystemTime::now(),
        });
    }

    /// Posts a JSON body; the status and the JSON of the answer.
    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> (u16, Value) {
        let request = warp::test::request()
            .method("POST")
            .path(path)
            .header("content-type", "application/json")
            .body(body);
        let response = request.reply(&self.routes).await;
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }
}

/// The default settings, with a key pair in memory.
pub(crate) fn settings() -> Settings {
    let flags = Flags::from([("self_signed", true.into())]);
    Settings::load(None, &BTreeMap::new(), flags).unwrap().0
}
