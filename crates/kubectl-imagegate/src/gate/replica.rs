//! One replica, and what it says of itself.

use futures_util::future::join_all;
use http::Uri;
use imagegate_core::policy::printable;

use super::find::{Found, Pod};
use super::metrics::{Counted, Metrics};
use super::page::PolicyPage;
use crate::cli::say;
use crate::cluster::{Asked, AtPort, Cluster, Fault, again_if_broken};

/// A replica with its answer.
#[derive(Debug)]
pub(crate) struct Replica {
    /// Of the Pod, or the address of `--endpoint`.
    pub(crate) name: String,
    /// `None` for one that was named by its address.
    pub(crate) pod: Option<Pod>,
    pub(crate) said: Result<Said, Fault>,
}

/// What a replica says on its admin port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) page: PolicyPage,
    pub(crate) version: Option<String>,
    /// When its certificate ends, in Unix seconds.
    pub(crate) certificate_ends: Option<i64>,
    /// What it has counted since it started; `None` where it does not say.
    pub(crate) counted: Option<Counted>,
}

impl Replica {
    /// Asks those that `endpoints` name, or else every Pod of the gate.
    pub(crate) async fn ask_named_or_all(
        cluster: &Cluster,
        gate: &Result<Found, Fault>,
        endpoints: &[Uri],
    ) -> Vec<Self> {
        match (gate, endpoints) {
            (Ok(gate), []) => Self::ask_all(cluster, gate).await,
            _ => Self::ask_endpoints(endpoints).await,
        }
    }

    /// Asks every Pod of the gate, at the same time.
    pub(crate) async fn ask_all(cluster: &Cluster, gate: &Found) -> Vec<Self> {
        let asked = gate.pods.iter().map(async |pod| {
            let said = match pod.state.as_str() {
                "Running" => {
                    let port = || cluster.at_port(&gate.namespace, &pod.name, pod.admin_port);
                    again_if_broken(|| async { ask(port().await?).await }).await
                }
                state => Err(Fault::lost(&format!("its Pod is not running: {state}"))),
            };
            Self { name: pod.name.clone(), pod: Some(pod.clone()), said }
        });
        join_all(asked).await
    }

    /// Asks the admin ports at these addresses.
    pub(crate) async fn ask_endpoints(endpoints: &[Uri]) -> Vec<Self> {
        let asked = endpoints.iter().map(async |address| {
            let port = || AtPort::at_address(address);
            let said = again_if_broken(|| async { ask(port().await?).await }).await;
            Self { name: address.to_string().trim_end_matches('/').to_owned(), pod: None, said }
        });
        join_all(asked).await
    }

    /// Warns of those that did not answer, and says whether there are any: what is shown is then not all.
    pub(crate) fn warn_of_silent(replicas: &[Self]) -> bool {
        let mut any = false;
        for replica in replicas {
            if let Err(fault) = &replica.said {
                any = true;
                say(&format!("warning: {}: {}", printable(&replica.name), fault.message()));
            }
        }
        any
    }

    /// The hash of the policy in force, if the replica said one.
    pub(crate) fn hash(&self) -> Option<&str> {
        self.said.as_ref().ok()?.page.hash.as_deref()
    }
}

async fn ask(mut port: AtPort) -> Result<Said, Fault> {
    let page = match port.page("/policy").await? {
        Asked::Page(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| Fault::unreadable(&format!("/policy: {error}")))?,
        Asked::Missing => {
            return Err(Fault::unreadable(
                "this is not the admin port of a gate: no /policy there",
            ));
        }
    };
    let metrics = match port.page("/metrics").await? {
        Asked::Page(bytes) => Metrics::read(&String::from_utf8_lossy(&bytes)),
        Asked::Missing => Metrics::default(),
    };
    let Metrics { version, certificate_ends, counted } = metrics;
    Ok(Said { page, version, certificate_ends, counted })
}
