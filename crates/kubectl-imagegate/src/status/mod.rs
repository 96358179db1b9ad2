//! `kubectl imagegate status`: what the gate is doing, replica by replica, and what is wrong with it.

pub(crate) mod faults;
pub(crate) mod json;
pub(crate) mod text;

use std::io::Write;
use std::time::Duration;

use futures_util::future::join_all;
use imagegate_report::Exit;

use crate::cli::{Failure, stdout};
use crate::cluster::{Cluster, Fault};
use crate::connection::Connection;
use crate::floor::{InCluster, Installed};
use crate::gate::{Found, Memory, Namespaces, Operator, Reach, Replica, Served, Webhooks};
use crate::output::TextOrJson;
use crate::paint::Paint;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(2);

/// Show what the gate is doing, replica by replica, and what is wrong with it
///
/// Exit codes: 0 all is well, 1 something is wrong, 2 the gate cannot be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, get and create pods/portforward in the gate's namespace. With list \
validatingwebhookconfigurations it shows how the API server asks the gate; with list namespaces, which \
namespaces are left out; with list configmaps in the gate's namespace, whether an edit is still on its \
way; with list validatingadmissionpolicies and validatingadmissionpolicybindings, whether the floor is in \
step. What is not allowed is said, and the rest is shown.")]
pub(crate) struct Status {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: TextOrJson,
    /// Look again every two seconds, and show what changed
    #[arg(short, long)]
    watch: bool,
}

/// All that was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) gate_namespace: Option<String>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) webhooks: Result<Webhooks, Fault>,
    /// Of each webhook, in the order of `webhooks`, what the API server would make of the certificate
    /// that a replica serves, with the name of one that shows this.
    pub(crate) served: Vec<Option<(String, Result<Served, Fault>)>>,
    pub(crate) namespaces: Namespaces,
    /// How much each replica remembers, in their order; `None` where that cannot be asked.
    pub(crate) memories: Vec<Option<Memory>>,
    /// The hash of the policy in the ConfigMap, where it can be read and is valid.
    pub(crate) config_map_hash: Option<String>,
    /// What the API server has of a floor.
    pub(crate) floor: Result<InCluster, Fault>,
}

impl Status {
    /// Whether it goes on until it is interrupted.
    pub(crate) fn follows(&self) -> bool {
        self.watch
    }
}

pub(crate) async fn run(connection: &Connection, status: &Status) -> Result<Exit, Failure> {
    let cluster = connection.open().await?;
    let mut shown = Vec::new();
    loop {
        let seen = Seen::look(&cluster, connection).await?;
        let problems = faults::of(&seen);
        let mut text = Vec::new();
        match status.output {
            TextOrJson::Text => text::print(&mut text, Paint::for_stdout(), &seen, &problems)?,
            TextOrJson::Json => json::print(&mut text, &seen, &problems)?,
        }
        if text != shown {
            // Whoever watches ends it by closing the pipe.
            let mut out: Box<dyn Write> =
                if status.watch { Box::new(std::io::stdout().lock()) } else { Box::new(stdout()) };
            if !shown.is_empty() && status.output == TextOrJson::Text {
                writeln!(out)?;
            }
            out.write_all(&text)?;
            out.flush()?;
            shown = text;
        }
        if !status.watch {
            let wrong = problems.iter().any(|problem| problem.is_wrong);
            return Ok(if wrong { Exit::Finding } else { Exit::Fine });
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Seen {
    /// Looks at everything once.
    pub(crate) async fn look(cluster: &Cluster, connection: &Connection) -> Result<Self, Failure> {
        let named = connection.gate_namespace.as_deref();
        let found = match (Found::find(cluster, named).await, connection.endpoint.as_slice()) {
            (Ok(found), _) => Some(found),
            (Err(fault), []) => return Err(fault.into()),
            // The replicas were named, so there need not be a Pod.
            (Err(_), _) => None,
        };
        let gate_namespace = found.as_ref().map(|found| found.namespace.clone());
        let (replicas, webhooks, namespaces, floor) = tokio::join!(
            async {
                match (&found, connection.endpoint.as_slice()) {
                    (Some(found), []) => Replica::ask_all(cluster, found).await,
                    (_, endpoints) => Replica::ask_endpoints(endpoints).await,
                }
            },
            Webhooks::read(cluster, gate_namespace.as_deref()),
            Namespaces::read(cluster),
            InCluster::read(cluster, gate_namespace.as_deref()),
        );
        let memories = memories(cluster, found.as_ref(), &replicas).await;
        let served = served(cluster, &replicas, gate_namespace.as_deref(), &webhooks).await;
        let config_map_hash = match &found {
            Some(found) => crate::gate::config_map_hash(cluster, found).await,
            None => None,
        };
        Ok(Self {
            gate_namespace,
            replicas,
            webhooks,
            served,
            memories,
            namespaces: namespaces?,
            config_map_hash,
            floor,
        })
    }

    /// The floor that is there; `None` where there is none, or it is not known.
    pub(crate) fn floor_there(&self) -> Option<&Installed> {
        match &self.floor {
            Ok(InCluster::Seen(installed)) if !installed.is_empty() => Some(installed),
            _ => None,
        }
    }

    /// The policy that every replica enforces; `None` where they differ, or one does not say.
    pub(crate) fn hash_of_all(&self) -> Option<&str> {
        let mut hashes = self.replicas.iter().map(Replica::hash);
        let first = hashes.next().flatten()?;
        hashes.all(|hash| hash == Some(first)).then_some(first)
    }

    /// The namespaces that a predicate on their reach holds for.
    pub(crate) fn namespaces_that(&self, holds: impl Fn(&Reach) -> bool) -> Vec<String> {
        let Ok(webhooks) = &self.webhooks else { return Vec::new() };
        let names = self.namespaces.names().into_iter();
        names.filter(|name| holds(&self.namespaces.reach(webhooks, name))).collect()
    }
}

/// An older gate remembers nothing, and whoever was named by its admin port cannot be asked.
async fn memories(
    cluster: &Cluster,
    found: Option<&Found>,
    replicas: &[Replica],
) -> Vec<Option<Memory>> {
    let operators = found.map(Operator::of_gate).unwrap_or_default();
    let asked = replicas.iter().map(async |replica| {
        replica.said.as_ref().ok()?;
        let named = replica.pod.as_ref()?;
        let operator = operators.iter().find(|operator| operator.name == named.name)?;
        operator.memory(cluster).await.ok()
    });
    join_all(asked).await
}

/// Every webhook's caBundle against every replica's certificate; of each webhook the first replica that
/// is not trusted, or else any.
async fn served(
    cluster: &Cluster,
    replicas: &[Replica],
    namespace: Option<&str>,
    webhooks: &Result<Webhooks, Fault>,
) -> Vec<Option<(String, Result<Served, Fault>)>> {
    let (Ok(webhooks), Some(namespace)) = (webhooks, namespace) else { return Vec::new() };
    let answering = || replicas.iter().filter(|replica| replica.said.is_ok());
    let each = webhooks.0.iter().map(async |registration| {
        let checks = answering().filter_map(|replica| {
            let pod = replica.pod.as_ref()?;
            let check = Served::check(cluster, namespace, pod, &registration.webhook);
            Some(async move { (replica.name.clone(), check.await) })
        });
        let checked = join_all(checks).await.into_iter();
        let mut checked: Vec<_> =
            checked.filter_map(|(name, served)| Some((name, served.transpose()?))).collect();
        checked.sort_by_key(|(_, served)| matches!(served, Ok(Served::Trusted)));
        checked.into_iter().next()
    });
    join_all(each).await
}
