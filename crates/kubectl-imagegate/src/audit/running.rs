//! All that runs, as it was read once, and how the gate is asked about it.

use imagegate_core::policy::Policy;
use time::OffsetDateTime;

use super::judge::{Audited, judge};
use super::objects::Objects;
use crate::cluster::{Cluster, Fault, Scope};
use crate::gate::{Namespaces, Reach, Webhooks};

/// What runs, and which of it the gate is asked about.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) objects: Objects,
    namespaces: Namespaces,
    /// `None` where they may not be read: every namespace is taken to be judged then.
    webhooks: Option<Webhooks>,
    /// When it was read, in Unix seconds.
    pub(crate) at: i64,
}

impl Running {
    /// Reads every Pod and every workload in `scope`. `gate_namespace` tells the webhooks of one gate from
    /// those of another.
    pub(crate) async fn read(
        cluster: &Cluster,
        gate_namespace: Option<&str>,
        scope: &Scope,
    ) -> Result<Self, Fault> {
        let namespaces = async {
            match scope {
                Scope::Everywhere => Namespaces::read(cluster).await,
                Scope::Namespace(name) => Namespaces::one(cluster, name).await,
            }
        };
        let (namespaces, webhooks) =
            tokio::join!(namespaces, Webhooks::read_if_allowed(cluster, gate_namespace));
        let (namespaces, (webhooks, gap)) = (namespaces?, webhooks?);
        let mut objects = Objects::read(cluster, scope, &namespaces.names()).await?;
        objects.gaps.splice(0..0, namespaces.gap.clone().into_iter().chain(gap));
        let at = OffsetDateTime::now_utc().unix_timestamp();
        Ok(Self { objects, namespaces, webhooks, at })
    }

    /// What was not looked at, in words.
    pub(crate) fn gaps(&self) -> &[String] {
        &self.objects.gaps
    }

    /// Whether the gate is asked about the Pods of a namespace, as far as is known.
    pub(crate) fn is_judged(&self, namespace: &str) -> bool {
        self.webhooks.as_ref().is_none_or(|webhooks| {
            matches!(self.namespaces.reach(webhooks, namespace), Reach::Judged(_))
        })
    }

    /// Judges every image of it, as if it started at `now`, in Unix seconds.
    pub(crate) fn judged(&self, policy: &Policy, now: i64) -> Audited {
        judge(&self.objects, policy, &self.namespaces, self.webhooks.as_ref(), now)
    }

    /// These objects, in namespaces that the gate judges.
    #[cfg(test)]
    pub(crate) fn of(objects: Objects) -> Self {
        Self { objects, ..Self::default() }
    }
}
