//! Where the gate is: its namespace and its Pods, by the label that the manifests and the chart give
//! them.

use std::collections::BTreeSet;

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

#[cfg(test)]
mod tests {
    use super::read;

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
