//! Where the gate is: its namespace and its Pods, by the label that the manifests and the chart give
//! them.

use std::collections::{BTreeMap, BTreeSet};

use http::Uri;
use imagegate_core::policy::SIMPLE_KEYS;
use serde::Deserialize;

use crate::cluster::{Cluster, Fault, Kind, Scope, escaped, path};

/// The label of the gate's Pods.
const SELECTOR: &str = "app.kubernetes.io/name=imagegate,app.kubernetes.io/component=webhook";
/// Where the manifests put the gate.
const USUAL_NAMESPACE: &str = "imagegate";
/// The admin port of the manifests.
const USUAL_ADMIN_PORT: u16 = 8080;
/// The webhook port of the manifests.
const USUAL_WEBHOOK_PORT: u16 = 3000;
/// The operator port, unless it is set otherwise. It is bound to loopback, so no container declares it.
const USUAL_OPERATOR_PORT: u16 = 8081;

/// The gate's namespace with its Pods, by name.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) namespace: String,
    pub(crate) pods: Vec<Pod>,
}

/// A Pod of the gate.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) admin_port: u16,
    pub(crate) webhook_port: u16,
    pub(crate) operator_port: u16,
    /// `Running`, or why it is not: `Pending`, `ImagePullBackOff`, `Terminating`, ….
    pub(crate) state: String,
    pub(crate) ready: bool,
    pub(crate) restarts: u64,
    /// Why its container ended last: `OOMKilled`, `Error`, ….
    pub(crate) last_end: Option<String>,
    /// The variables of its container that have a value there.
    pub(crate) variables: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    ports: Vec<Port>,
    #[serde(default)]
    env: Vec<Variable>,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    name: Option<String>,
    container_port: u16,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    restart_count: u64,
    #[serde(default)]
    state: State,
    #[serde(default)]
    last_state: State,
}

#[derive(Default, Deserialize)]
struct State {
    waiting: Option<Reason>,
    terminated: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

impl Found {
    /// Looks for the gate in `namespace`, or else in the whole cluster. A user who may not look
    /// everywhere is taken to the usual namespace.
    ///
    /// # Errors
    /// Where there is no gate, where there are two, and where the cluster does not answer.
    pub(crate) async fn find(cluster: &Cluster, namespace: Option<&str>) -> Result<Self, Fault> {
        let found = match namespace {
            Some(namespace) => pods(cluster, &Scope::Namespace(namespace.to_owned())).await?,
            None => match pods(cluster, &Scope::Everywhere).await {
                Err(fault) if fault.kind == Kind::Forbidden => {
                    let usual = Scope::Namespace(USUAL_NAMESPACE.to_owned());
                    pods(cluster, &usual).await.map_err(|_| {
                        fault.with_hint(
                            "--gate-namespace names the gate's namespace; listing Pods there is enough",
                        )
                    })?
                }
                found => found?,
            },
        };
        let namespaces: BTreeSet<&str> =
            found.iter().map(|(namespace, _)| namespace.as_str()).collect();
        let namespaces: Vec<&str> = namespaces.into_iter().collect();
        match namespaces.as_slice() {
            [one] => {
                let namespace = (*one).to_owned();
                let mut pods: Vec<Pod> = found.into_iter().map(|(_, pod)| pod).collect();
                pods.sort_by(|one, other| one.name.cmp(&other.name));
                Ok(Self { namespace, pods })
            }
            [] => {
                let place =
                    namespace.map_or(String::new(), |name| format!(" in the namespace {name}"));
                Err(Fault::not_found(&format!("there is no Pod of the gate{place}"))
                    .with_hint("the gate's Pods have the label app.kubernetes.io/name=imagegate; `kubectl imagegate doctor` looks for what is left of it"))
            }
            several => {
                let message = format!(
                    "there are gates in {} namespaces: {}",
                    several.len(),
                    several.join(", ")
                );
                Err(Fault::usage(&message).with_hint("--gate-namespace says which one is meant"))
            }
        }
    }

    /// As [`Found::find`]. Where the replicas were named by `endpoints` there need not be a Pod: the inner
    /// error is then for whatever cannot do without one.
    ///
    /// # Errors
    /// Those of [`Found::find`], where no endpoint is named.
    pub(crate) async fn find_unless_named(
        cluster: &Cluster,
        namespace: Option<&str>,
        endpoints: &[Uri],
    ) -> Result<Result<Self, Fault>, Fault> {
        match Self::find(cluster, namespace).await {
            Err(fault) if endpoints.is_empty() => Err(fault),
            found => Ok(found),
        }
    }

    /// The policy's keys in simple form that the replicas have as variables.
    pub(crate) fn simple_keys(&self) -> BTreeMap<String, String> {
        let variables = self.pods.first().map(|pod| pod.variables.iter()).into_iter().flatten();
        let simple = variables.filter(|(name, _)| SIMPLE_KEYS.contains(&name.as_str()));
        simple.cloned().collect()
    }

    /// The namespace of a gate, where there is one in the cluster.
    pub(crate) fn namespace_of(gate: &Result<Self, Fault>) -> Option<&str> {
        gate.as_ref().ok().map(|gate| gate.namespace.as_str())
    }
}

async fn pods(cluster: &Cluster, scope: &Scope) -> Result<Vec<(String, Pod)>, Fault> {
    let path = path("v1", "pods", scope);
    let list: List = cluster.get(&format!("{path}?labelSelector={}", escaped(SELECTOR))).await?;
    Ok(list.items.into_iter().map(read).collect())
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Object>,
}

/// The namespace, and what is wanted of the Pod.
fn read(object: Object) -> (String, Pod) {
    let Object { metadata, spec, status } = object;
    let port = |name: &str, usual| {
        let mut ports = spec.containers.iter().flat_map(|container| &container.ports);
        let named = ports.find(|port| port.name.as_deref() == Some(name));
        named.map_or(usual, |port| port.container_port)
    };
    let reason = |state: &State| {
        let of = |reason: &Option<Reason>| reason.as_ref().map(|reason| reason.reason.clone());
        of(&state.waiting).or_else(|| of(&state.terminated)).filter(|reason| !reason.is_empty())
    };
    let statuses = &status.container_statuses;
    let state = match metadata.deletion_timestamp {
        Some(_) => "Terminating".to_owned(),
        None => statuses.iter().find_map(|each| reason(&each.state)).unwrap_or(status.phase),
    };
    let variables = spec.containers.iter().flat_map(|container| &container.env);
    let pod = Pod {
        name: metadata.name,
        admin_port: port("admin", USUAL_ADMIN_PORT),
        webhook_port: port("webhook", USUAL_WEBHOOK_PORT),
        operator_port: operator_port(&spec.containers).unwrap_or(USUAL_OPERATOR_PORT),
        state,
        ready: !statuses.is_empty() && statuses.iter().all(|each| each.ready),
        restarts: statuses.iter().map(|each| each.restart_count).sum(),
        last_end: statuses.iter().find_map(|each| reason(&each.last_state)),
        variables: variables
            .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
            .collect(),
    };
    (metadata.namespace, pod)
}

/// The port that the flag of a container sets, or else the variable.
fn operator_port(containers: &[Container]) -> Option<u16> {
    let flag = "--operator-listen";
    let set = |container: &Container| {
        let arguments = &container.args;
        let joined =
            arguments.iter().find_map(|argument| argument.strip_prefix(flag)?.strip_prefix('='));
        let at = arguments.iter().position(|argument| argument == flag);
        let apart = at.and_then(|at| arguments.get(at + 1)).map(String::as_str);
        let mut variables = container.env.iter();
        let variable = variables.find(|each| each.name == "IMAGEGATE_OPERATOR_LISTEN");
        let address = joined.or(apart).or(variable.and_then(|each| each.value.as_deref()))?;
        address.rsplit_once(':')?.1.parse().ok()
    };
    containers.iter().find_map(set)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_operator_port_is_where_a_container_was_told_to_listen() {
        for (container, expected) in [
            ("{}", 8081),
            (r#"{"args":["serve","--operator-listen","127.0.0.1:9"]}"#, 9),
            (r#"{"args":["serve","--operator-listen=[::1]:9"]}"#, 9),
            (r#"{"env":[{"name":"IMAGEGATE_OPERATOR_LISTEN","value":"127.0.0.1:7"}]}"#, 7),
            (r#"{"args":["--operator-listen"]}"#, 8081),
        ] {
            let object =
                format!(r#"{{"metadata":{{"name":"a"}},"spec":{{"containers":[{container}]}}}}"#);
            let (_, pod) = read(serde_json::from_str(&object).unwrap());
            assert_eq!(pod.operator_port, expected, "{container}");
        }
    }

    #[test]
    fn a_pod_says_why_it_does_not_run() {
        let rows = [
            (
                r#"{"phase":"Running","containerStatuses":[{"ready":true,"restartCount":2,"state":{"running":{}},
                "lastState":{"terminated":{"reason":"OOMKilled"}}}]}"#,
                "Running",
                true,
                2,
                Some("OOMKilled"),
            ),
            (
                r#"{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}"#,
                "ImagePullBackOff",
                false,
                0,
                None,
            ),
            (r#"{"phase":"Pending"}"#, "Pending", false, 0, None),
        ];
        for (status, state, ready, restarts, last) in rows {
            let object = format!(
                r#"{{"metadata":{{"name":"a","namespace":"g"}},"spec":{{"containers":[
                    {{"ports":[{{"name":"admin","containerPort":9}}]}}]}},"status":{status}}}"#
            );
            let (namespace, pod) = read(serde_json::from_str(&object).unwrap());
            assert_eq!((namespace.as_str(), pod.admin_port, pod.webhook_port), ("g", 9, 3000));
            assert_eq!((pod.state.as_str(), pod.ready, pod.restarts), (state, ready, restarts));
            assert_eq!(pod.last_end.as_deref(), last);
        }
    }
}
