//! The policy to judge by: the one in force, the candidate, or a file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use imagegate_core::policy::{Documents, POLICY_KEY, Policy, Problems, compile, compile_candidate};
use serde::Deserialize;
use serde_json::Value;

use super::config_map::ConfigMap;
use super::find::Found;
use super::replica::Replica;
use crate::cluster::{Cluster, Fault, Kind};

/// Which policy a command judges by.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// The one in force.
    Live,
    /// The one on trial.
    Candidate,
    /// One in a file.
    File(PathBuf),
}

/// A policy, and where it is from.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) policy: Policy,
    /// For people: `the policy in force`.
    pub(crate) origin: String,
    /// What is to be said beside it.
    pub(crate) notes: Vec<String>,
}

/// Why there is no policy.
#[derive(Debug)]
pub(crate) enum PolicyFault {
    /// It could not be read.
    Unread(Fault),
    /// It is not valid.
    Invalid { origin: String, problems: Problems },
}

/// A file that may be the manifest of a ConfigMap.
#[derive(Deserialize)]
struct Manifest {
    kind: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

impl InForce {
    /// The policy that `which` says. `replicas` are those of the gate, with their answers; where they were
    /// named by their addresses, there may be no gate in the cluster.
    pub(crate) async fn read(
        cluster: &Cluster,
        gate: &Result<Found, Fault>,
        replicas: &[Replica],
        which: &Which,
    ) -> Result<Self, PolicyFault> {
        match which {
            Which::Live => match Self::of_replicas(replicas)? {
                Some(policy) => Ok(policy),
                None => Self::of_config_map(cluster, gate.as_ref().ok(), replicas).await,
            },
            Which::Candidate => {
                let gate = gate.as_ref().map_err(Fault::clone)?;
                let config_map = ConfigMap::read(cluster, &gate.namespace).await?;
                let documents = config_map.documents(gate);
                let origin = format!("the candidate in the ConfigMap {}", config_map.metadata.name);
                match compile_candidate(&documents) {
                    None => Err(Fault::not_found("there is no candidate")
                        .with_hint("the key candidate.yaml of the gate's ConfigMap would hold it")
                        .into()),
                    Some(Ok((policy, _))) => Ok(Self { policy, origin, notes: Vec::new() }),
                    Some(Err(problems)) => Err(PolicyFault::Invalid { origin, problems }),
                }
            }
            Which::File(path) => Self::of_file(path),
        }
    }

    /// A policy in full form, or the ConfigMap that holds one.
    pub(crate) fn of_file(path: &Path) -> Result<Self, PolicyFault> {
        let origin = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|error| Fault::usage(&format!("cannot read `{origin}`: {error}")))?;
        Self::compiled(&Documents { variables: BTreeMap::new(), volume: Some(keys(text)) }, origin)
    }

    /// What the replicas say is in force; `None` where none of them says anything. Where they differ
    /// it is what most of them say.
    pub(crate) fn of_replicas(replicas: &[Replica]) -> Result<Option<Self>, PolicyFault> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for hash in replicas.iter().filter_map(Replica::hash) {
            *counts.entry(hash).or_default() += 1;
        }
        let Some((hash, count)) = counts.iter().max_by_key(|(_, count)| **count) else {
            return Ok(None);
        };
        let mut pages =
            replicas.iter().filter_map(|replica| Some(&replica.said.as_ref().ok()?.page));
        let written = pages.find(|page| page.hash.as_deref() == Some(hash));
        let Some(form) = written.and_then(|page| page.policy.as_ref()) else { return Ok(None) };
        let text = as_written(form).to_string().into_bytes();
        let origin = "the policy in force".to_owned();
        let mut read = Self::compiled(&Documents::full_form(text), origin)?;
        if read.policy.hash() != *hash {
            let message = format!(
                "the replicas enforce {hash}, which is {} as this version reads it",
                read.policy.hash()
            );
            let hint = "use the kubectl-imagegate of the gate's own version";
            return Err(Fault::unreadable(&message).with_hint(hint).into());
        }
        if counts.len() > 1 {
            let of = replicas.len();
            read.notes.push(format!(
                "replicas differ: {count} of {of} enforce {hash}, which judges here"
            ));
        }
        Ok(Some(read))
    }

    /// What the ConfigMap says, where no replica can be asked.
    async fn of_config_map(
        cluster: &Cluster,
        gate: Option<&Found>,
        replicas: &[Replica],
    ) -> Result<Self, PolicyFault> {
        let why = replicas.iter().find_map(|replica| replica.said.as_ref().err());
        let why = why.cloned().unwrap_or_else(|| Fault::lost("no replica has a policy yet"));
        let Some(gate) = gate else { return Err(why.into()) };
        let config_map = match ConfigMap::read(cluster, &gate.namespace).await {
            Err(fault) if fault.kind == Kind::Forbidden => return Err(why.into()),
            config_map => config_map?,
        };
        let name = &config_map.metadata.name;
        let mut read =
            Self::compiled(&config_map.documents(gate), format!("the ConfigMap {name}"))?;
        read.notes.push(format!(
            "no replica was asked ({}); the policy is what the ConfigMap {name} says",
            why.message()
        ));
        Ok(read)
    }

    pub(crate) fn compiled(documents: &Documents, origin: String) -> Result<Self, PolicyFault> {
        match compile(documents) {
            Ok((policy, _)) => Ok(Self { policy, origin, notes: Vec::new() }),
            Err(problems) => Err(PolicyFault::Invalid { origin, problems }),
        }
    }
}

impl From<Fault> for PolicyFault {
    fn from(fault: Fault) -> Self {
        Self::Unread(fault)
    }
}

impl From<PolicyFault> for Fault {
    fn from(fault: PolicyFault) -> Self {
        match fault {
            PolicyFault::Unread(fault) => fault,
            PolicyFault::Invalid { .. } => Self::unreadable(&fault.to_string()),
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(fault) => fault.fmt(f),
            Self::Invalid { origin, problems } => write!(f, "{origin} is not valid:\n{problems}"),
        }
    }
}

/// The hash of the policy in the ConfigMap; `None` where it cannot be read or is not valid, which the
/// replicas say themselves.
pub(crate) async fn config_map_hash(cluster: &Cluster, gate: &Found) -> Option<String> {
    let config_map = ConfigMap::read(cluster, &gate.namespace).await.ok()?;
    let (policy, _) = compile(&config_map.documents(gate)).ok()?;
    Some(policy.hash().to_owned())
}

/// A normal form as somebody could have written it: a text that is empty there was left out, and the
/// hash is that of the form it has once its defaults are filled in.
fn as_written(form: &Value) -> Value {
    let Value::Object(fields) = form else { return form.clone() };
    let kept = fields.iter().filter(|(_, value)| value.as_str() != Some(""));
    Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// A file is a policy in full form, or a manifest of the ConfigMap in JSON or YAML.
pub(crate) fn keys(text: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let manifest =
        std::str::from_utf8(&text).ok().and_then(|text| serde_saphyr::from_str(text).ok());
    match manifest {
        Some(Manifest { kind: Some(kind), data }) if kind == "ConfigMap" => {
            data.into_iter().map(|(key, text)| (key, text.into_bytes())).collect()
        }
        _ => BTreeMap::from([(POLICY_KEY.to_owned(), text)]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use imagegate_core::policy::{Documents, POLICY_KEY, compile};

    use super::as_written;

    /// The hash is what tells whether a policy that was read back is the one in force.
    #[test]
    fn a_normal_form_compiles_to_the_policy_it_is_of() {
        let simple = |key: &str, value: &str| (key.to_owned(), value.as_bytes().to_vec());
        let full = |text: &str| BTreeMap::from([simple(POLICY_KEY, text)]);
        for volume in [
            full("{}"),
            full(
                "{mode: warn, allowedRegistries: [quay.io, '*.pkg.dev'], denialHint: ask, templates: enforce}",
            ),
            full(
                "overrides: [{name: a, namespaces: [b], requireDigest: true}]\n\
                  exemptions: [{name: c, images: [quay.io/d], reason: e, expires: 2000-01-01, users: [f]}]\n\
                  namespaceOptOut: {users: [g], groups: [h]}",
            ),
            BTreeMap::from([
                simple("ALLOWED_REGISTRIES", "docker.io|quay.io"),
                simple("BLOCKED_TAGS", ""),
            ]),
        ] {
            let documents = |volume| Documents { variables: BTreeMap::new(), volume: Some(volume) };
            let (policy, _) = compile(&documents(volume)).unwrap();
            let form = as_written(&serde_json::from_str(&policy.to_json()).unwrap());
            let (again, _) = compile(&documents(full(&form.to_string()))).unwrap();
            assert_eq!(again.hash(), policy.hash(), "{form}");
        }
    }
}
