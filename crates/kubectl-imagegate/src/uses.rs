//! The uses of images that a command looks at: what runs in the cluster, and what the replicas remember.
//!
//! Namespaces that the gate does not judge are left out and counted: a policy need not cover them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use imagegate_core::policy::{KnownLabels, Policy, printable};
use imagegate_core::usage::{Gathered, Inventory, Owner, Usage};

use crate::audit::Objects;
use crate::cli::{Failure, say};
use crate::cluster::{Cluster, Fault, Scope};
use crate::connection::Connection;
use crate::gate::{Found, NO_POD, Namespaces, Operator, Reach, Remembering, Replica, Webhooks};
use crate::words::counted;

/// Where uses are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Source {
    /// What runs: every Pod and every workload
    Cluster,
    /// What the replicas remember: what was asked for since they started
    Observed,
    /// Both, merged
    All,
}

/// The gate, and how its replicas are reached.
pub(crate) struct Gate {
    pub(crate) cluster: Cluster,
    /// Where the replicas were named by their addresses, there may be none in the cluster.
    pub(crate) found: Result<Found, Fault>,
    pub(crate) replicas: Vec<Replica>,
}

/// What was found, and what was not looked at.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) gathered: Gathered,
    /// In words, one for each.
    pub(crate) gaps: Vec<String>,
}

impl Gate {
    /// Finds the gate, and asks its replicas for the policy in force.
    pub(crate) async fn find(connection: &Connection) -> Result<Self, Failure> {
        let cluster = connection.open().await?;
        let (named, endpoints) = (connection.gate_namespace.as_deref(), &connection.endpoint);
        let found = Found::find_unless_named(&cluster, named, endpoints).await?;
        // Here, an endpoint is that of an operator port, which has the policy too and no metrics.
        let replicas = Replica::ask_named_or_all(&cluster, &found, endpoints).await;
        Ok(Self { cluster, found, replicas })
    }

    /// The uses from these sources, of the namespace of `-n` alone where it is given. What is missing is
    /// a warning on standard error, as is whose memory it is. Of the labels of what runs, those are known by
    /// which one of the `policies` selects Pods.
    pub(crate) async fn uses(
        &self,
        connection: &Connection,
        from: Source,
        policies: &[&Policy],
    ) -> Result<Uses, Failure> {
        let namespace = connection.namespace.as_deref();
        let (namespaces, (webhooks, gap)) = self.namespaces(connection).await?;
        let is_judged = |name: &str| match &webhooks {
            Some(webhooks) => matches!(namespaces.reach(webhooks, name), Reach::Judged(_)),
            None => true,
        };
        let mut uses = Uses::default();
        uses.gaps.extend(namespaces.gap.clone().into_iter().chain(gap));
        if from != Source::Observed {
            let reach = |name: &str| match &webhooks {
                Some(webhooks) => namespaces.reach(webhooks, name),
                None => Reach::Judged(vec![None]),
            };
            let running = self.running(namespace, &namespaces.names()).await?;
            let keys = Policy::label_keys_of(policies);
            let out_of_reach = add_objects(&mut uses.gathered.used, &running, &keys, reach);
            if out_of_reach > 0 {
                say(&format!(
                    "left out, since the gate does not judge their namespaces: {}",
                    counted(out_of_reach, "image")
                ));
            }
            uses.gaps.extend(running.gaps);
        }
        if from != Source::Cluster {
            let operators = self.operators(connection);
            let wanted = |usage: &Usage<'_>| {
                namespace.is_none_or(|name| name == usage.namespace) && is_judged(usage.namespace)
            };
            let asked = Remembering::ask(&self.cluster, &operators, wanted).await;
            for note in &asked.notes {
                say(note);
            }
            if asked.notes.is_empty() && from == Source::Observed {
                let why = asked.gaps.first().map_or(NO_POD, String::as_str);
                return Err(Fault::lost(why).into());
            }
            uses.gaps.extend(asked.gaps);
            merge(&mut uses.gathered.used, &asked.gathered.used);
            merge(&mut uses.gathered.refused, &asked.gathered.refused);
        }
        for gap in &uses.gaps {
            say(&format!("warning: {gap}"));
        }
        Ok(uses)
    }

    fn operators(&self, connection: &Connection) -> Vec<Operator> {
        match (&self.found, connection.endpoint.as_slice()) {
            (Ok(found), []) => Operator::of_gate(found),
            (_, endpoints) => Operator::at(endpoints),
        }
    }

    /// The namespaces, and the webhooks or why they are missing.
    async fn namespaces(
        &self,
        connection: &Connection,
    ) -> Result<(Namespaces, (Option<Webhooks>, Option<String>)), Failure> {
        let namespaces = match connection.namespace.as_deref() {
            None => Namespaces::read(&self.cluster).await?,
            Some(name) => Namespaces::one(&self.cluster, name).await?,
        };
        let of_gate = Found::namespace_of(&self.found).or(connection.gate_namespace.as_deref());
        let webhooks = Webhooks::read_if_allowed(&self.cluster, of_gate).await?;
        Ok((namespaces, webhooks))
    }

    async fn running(&self, namespace: Option<&str>, names: &[String]) -> Result<Objects, Failure> {
        let scope = match namespace {
            Some(namespace) => Scope::Namespace(namespace.to_owned()),
            None => Scope::Everywhere,
        };
        Ok(Objects::read(&self.cluster, &scope, names).await?)
    }
}

/// Adds what runs, by its owner at the top; returns how many images are in namespaces that are not judged.
/// A workload counts where no Pod of it uses the image.
fn add_objects(
    used: &mut Inventory,
    objects: &Objects,
    keys: &BTreeSet<&str>,
    reach: impl Fn(&str) -> Reach,
) -> usize {
    let mut reaches: BTreeMap<&str, Reach> = BTreeMap::new();
    let mut out_of_reach = BTreeSet::new();
    let mut running = HashSet::new();
    let owners = objects.top_owners();
    let is_pod = |kind: &str| kind == "Pod";
    let by_kind = |pods: bool| {
        let all = objects.all.iter().zip(&owners);
        all.filter(move |(object, _)| is_pod(object.kind) == pods)
    };
    for (object, (kind, name)) in by_kind(true).chain(by_kind(false)) {
        let namespace = object.namespace.as_str();
        let reach = reaches.entry(namespace).or_insert_with(|| reach(namespace));
        let labels = &KnownLabels::of(object.labels.as_ref(), keys);
        let written =
            object.images.iter().filter_map(|each| Some((each, each.written.as_deref()?)));
        for (found, image) in written {
            let Reach::Judged(pins) = &*reach else {
                out_of_reach.insert(image);
                continue;
            };
            let is_new = running.insert((namespace, image, kind, name));
            if !is_pod(object.kind) && !is_new {
                continue;
            }
            for pin in pins {
                let owner = Some(Owner { kind, name });
                let pinned = pin.as_deref();
                let container = found.field.list.containers();
                let pull_policy = found.pull_policy;
                let usage = Usage::of_pod(namespace, image);
                used.add(&Usage { owner, pinned, labels, container, pull_policy, ..usage });
            }
        }
    }
    out_of_reach.len()
}

fn merge(into: &mut Inventory, from: &Inventory) {
    for usage in from.usages() {
        into.add(&usage);
    }
}

/// Who uses an image: `ci/Job x`, or the namespace where no owner is known.
pub(crate) fn used_by(usage: &Usage<'_>) -> String {
    let place: Cow<'_, str> = match usage.owner {
        Some(owner) => format!("{}/{owner}", usage.namespace).into(),
        None => usage.namespace.into(),
    };
    printable(&place).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use imagegate_core::policy::{Field, ImageList, PullPolicy};
    use imagegate_core::usage::Inventory;

    use super::add_objects;
    use crate::audit::{Image, Object, Objects};
    use crate::gate::Reach;

    fn object(
        kind: &'static str,
        namespace: &str,
        name: &str,
        owner: Option<(&str, &str)>,
    ) -> Object {
        let image = Image {
            container: "app".to_owned(),
            written: Some("quay.io/acme/web:1".to_owned()),
            field: Field { pod_spec: "spec".into(), list: ImageList::Containers, index: 0 },
            pull_policy: PullPolicy::default(),
            running: None,
        };
        Object {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            owner: owner.map(|(kind, name)| (kind.to_owned(), name.to_owned())),
            labels: None,
            images: vec![image],
        }
    }

    #[test]
    fn pods_are_counted_and_a_workload_where_it_has_none() {
        let all = vec![
            object("Deployment", "web", "shop", None),
            object("ReplicaSet", "web", "shop-1", Some(("Deployment", "shop"))),
            object("Pod", "web", "shop-1-a", Some(("ReplicaSet", "shop-1"))),
            object("Pod", "web", "shop-1-b", Some(("ReplicaSet", "shop-1"))),
            object("CronJob", "ci", "nightly", None),
            object("Pod", "kube-system", "dns", None),
        ];
        let mut used = Inventory::default();
        let objects = Objects { all, ..Objects::default() };
        let out_of_reach =
            add_objects(&mut used, &objects, &BTreeSet::new(), |namespace| match namespace {
                "kube-system" => Reach::Excluded("name".to_owned()),
                "ci" => Reach::Judged(vec![Some("strict".to_owned())]),
                _ => Reach::Judged(vec![None]),
            });
        let found: Vec<_> = used
            .usages()
            .map(|it| {
                (
                    it.namespace.to_owned(),
                    it.owner.unwrap().to_string(),
                    it.count,
                    it.pinned.is_some(),
                )
            })
            .collect();
        let expected = [("ci", "CronJob nightly", 1, true), ("web", "Deployment shop", 2, false)];
        let expected = expected.map(|(namespace, owner, count, pinned)| {
            (namespace.to_owned(), owner.to_owned(), count, pinned)
        });
        assert_eq!((found.as_slice(), out_of_reach), (expected.as_slice(), 1));
    }
}
