//! The webhook's routes without a socket.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use imagegate::observed::Observed;
use imagegate::reload::{Candidate, InForce, Live};
use imagegate::server::{Budgets, Drain, Gate, operator_routes, webhook_routes};
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
    /// Of the operator port.
    pub(crate) operator: BoxedFilter<(Response,)>,
    drain: Drain,
}

impl Server {
    /// Routes before any policy.
    pub(crate) fn without_policy() -> Self {
        let (live, metrics) = (Arc::<Live>::default(), Arc::new(Metrics::new().unwrap()));
        let telemetry = Telemetry::new(Arc::clone(&metrics), 100);
        let settings = settings();
        let observed = Observed::start(settings.observed_images, Arc::clone(&metrics)).unwrap();
        let observed = Arc::new(observed);
        let gate = Gate::new(Arc::clone(&live), telemetry, BTreeMap::new());
        let gate = Arc::new(gate.remembering(Arc::clone(&observed)));
        let routes = webhook_routes(gate, Arc::new(Budgets::new(&settings)));
        let (drain, at) = (Drain::default(), settings.operator_listen.unwrap());
        let (page, seen) = (Arc::clone(&live), Arc::clone(&metrics));
        let operator = operator_routes(page, observed, seen, drain.subscribe(), at);
        Self { live, metrics, routes, operator, drain }
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

    /// Asks the operator port under this machine's own name; the status and the answer's text.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let request = warp::test::request().path(path).header("host", "localhost:8081");
        let response = request.reply(&self.operator).await;
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), text)
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
