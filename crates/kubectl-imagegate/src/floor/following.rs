//! The floor follows a change of the policy, and never refuses what the policy admits on the way.
//!
//! The policy reaches the replicas by the kubelet, a minute or two after it is stored, while an admission
//! policy is in force at once. So:
//!
//! - A change that loosens nothing leaves the floor as it is until every replica enforces the new policy:
//!   whatever the old floor refuses, the old policy refused, and so does the new one.
//! - Any other change has the floor only audit first, before the policy is stored. It refuses again, made
//!   anew, when every replica enforces the new policy. Meanwhile the gate judges alone.
//!
//! That the objects can be written is tried before anything is stored. Where it is not so, a change that
//! loosens nothing is made all the same, and any other is not. If something fails between the two, the floor
//! is one that admits too much; `status` says so, and `kubectl imagegate floor set` makes it anew.

use imagegate_core::floor::{Registered, objects};
use imagegate_core::policy::{Difference, Policy};
use serde_json::Value;
use time::OffsetDateTime;

use super::installed::{
    InCluster, Installed, delete, denies, is_binding, name, with_action, write,
};
use crate::change::Tell;
use crate::cluster::{Cluster, Fault};
use crate::gate::Webhooks;

/// What to do about a floor that could not be made anew.
pub(crate) const SET: &str = "`kubectl imagegate floor set` makes it anew";

/// What to do about one that a tool keeps.
pub(super) const AT_ITS_SOURCE: &str = "change it at its source";

/// What becomes of the floor when the policy changes.
#[derive(Debug)]
pub(crate) enum Following {
    /// There is none in force, or the change does not concern it.
    Nothing,
    /// It is left as it is, and refuses nothing that the new policy admits, as far as is known; why.
    Left(String),
    /// It is made anew.
    Anew(Anew),
}

/// A floor that is made anew.
#[derive(Debug)]
pub(crate) struct Anew {
    installed: Installed,
    /// Its objects, each policy before its binding.
    wanted: Vec<Value>,
    /// The bindings that refuse, and do not while the policy changes.
    lifted: Vec<Value>,
    /// Whether the floor only audits while the policy changes.
    pub(crate) audits_first: bool,
}

impl Following {
    /// Looks what there is, and tries whether it can be written.
    ///
    /// # Errors
    /// Where the floor would refuse what the new policy admits, and cannot be changed.
    pub(crate) async fn prepare(
        cluster: &Cluster,
        gate_namespace: &str,
        old: Option<&Policy>,
        new: &Policy,
    ) -> Result<Self, Fault> {
        let installed = match InCluster::read(cluster, Some(gate_namespace)).await? {
            InCluster::Unsupported => return Ok(Self::Nothing),
            InCluster::Unseen(fault) => {
                let why = format!("whether there is a floor is not known: {}", fault.message());
                return Ok(Self::Left(why));
            }
            InCluster::Seen(installed) => installed,
        };
        if !installed.is_in_force() {
            return Ok(Self::Nothing);
        }
        let audits_first = may_refuse_too_much(&installed, old, new);
        match Anew::of(cluster, gate_namespace, installed, new).await {
            Ok(anew) => Ok(Self::Anew(Anew { audits_first, ..anew })),
            Err(fault) if audits_first => {
                let message = format!(
                    "the floor may refuse what the new policy admits, and cannot be changed: {}",
                    fault.message()
                );
                let hint = "change the floor at its source, or take it away first; `kubectl imagegate edit --no-floor` changes the policy alone";
                Err(Fault::usage(&message).with_hint(hint))
            }
            Err(fault) => Ok(Self::Left(format!("the floor stays as it is: {}", fault.message()))),
        }
    }
}

/// Whether a floor may refuse what `new` admits: unless it is of the policy before, and the change loosens
/// nothing.
fn may_refuse_too_much(installed: &Installed, old: Option<&Policy>, new: &Policy) -> bool {
    let is_tighter =
        |old: &Policy| installed.is_of(old.hash()) && !Difference::between(old, new).loosens;
    !old.is_some_and(is_tighter)
}

impl Anew {
    /// The floor of a policy, in place of what is installed. A binding that somebody took away, or that does
    /// not refuse, stays so.
    pub(super) async fn of(
        cluster: &Cluster,
        gate_namespace: &str,
        installed: Installed,
        policy: &Policy,
    ) -> Result<Self, Fault> {
        installed.unless_kept(AT_ITS_SOURCE)?;
        let registered = Webhooks::registered(cluster, gate_namespace).await?;
        let mut anew = Self::whole(cluster, &registered, installed, policy).await?;
        let Installed { policies, bindings } = &anew.installed;
        let stays_out = |binding: &Value| {
            let called = name(binding);
            let is_new = !policies.iter().any(|each| name(each) == called);
            let is_out = |found: &Value| name(found) == called && denies(found);
            is_binding(binding) && !is_new && !bindings.iter().any(is_out)
        };
        anew.wanted.retain(|each| !stays_out(each));
        Ok(anew)
    }

    /// The same with every binding, for the webhooks that are registered.
    pub(super) async fn whole(
        cluster: &Cluster,
        registered: &[Registered],
        installed: Installed,
        policy: &Policy,
    ) -> Result<Self, Fault> {
        if registered.is_empty() {
            return Err(Fault::not_found("no webhook leads to the gate"));
        }
        let wanted = wanted(policy, registered, &installed.base_name());
        let anew = Self { installed, wanted, lifted: Vec::new(), audits_first: false };
        for object in &anew.wanted {
            write(cluster, anew.installed.like(object), object, true).await?;
        }
        Ok(anew)
    }

    /// Has the floor only audit, where the change needs that.
    pub(crate) async fn audit_first(&mut self, cluster: &Cluster) -> Result<(), Fault> {
        if !self.audits_first {
            return Ok(());
        }
        for binding in &mut self.installed.bindings {
            if denies(binding) {
                *binding =
                    write(cluster, Some(&*binding), &with_action(binding, "Audit"), false).await?;
                self.lifted.push(binding.clone());
            }
        }
        Ok(())
    }

    /// Has it refuse again as before, since the policy stays what it was.
    pub(crate) async fn take_back(&self, cluster: &Cluster, told: &impl Tell) {
        for binding in &self.lifted {
            let back = with_action(binding, "Deny");
            if let Err(fault) = write(cluster, Some(binding), &back, false).await {
                told.aside(&format!(
                    "warning: the floor only audits: {}\n  hint: {SET}",
                    fault.message()
                ));
            }
        }
    }

    /// Writes the floor of the new policy, and takes away what is no longer part of it.
    pub(crate) async fn write(&self, cluster: &Cluster) -> Result<(), Fault> {
        let Self { installed, wanted, .. } = self;
        for object in wanted {
            write(cluster, installed.like(object), object, false).await?;
        }
        let is_wanted = |object: &Value| {
            let called = name(object);
            wanted.iter().any(|each| name(each) == called)
        };
        // A policy without a binding refuses nothing.
        for object in installed.bindings.iter().chain(&installed.policies) {
            if !is_wanted(object) {
                delete(cluster, object).await?;
            }
        }
        Ok(())
    }

    /// What is so until the floor is made anew: `only audits`.
    pub(crate) fn meanwhile(&self) -> String {
        if self.audits_first {
            "the floor only audits".to_owned()
        } else {
            format!("the floor stays of {}", self.installed.hashes_in_words())
        }
    }
}

/// The objects for each webhook; one that asks for an override that the policy does not have is answered
/// 404, and has none.
pub(super) fn wanted(policy: &Policy, registered: &[Registered], name: &str) -> Vec<Value> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let of = registered.iter().filter_map(|webhook| {
        let floor = policy.floor(now, webhook.pinned.as_deref())?;
        Some(objects(&floor, name, webhook))
    });
    of.flatten().collect()
}

#[cfg(test)]
mod tests {
    use imagegate_core::policy::{Documents, Policy, compile};
    use serde_json::json;

    use super::{Installed, may_refuse_too_much};

    fn policy(text: &str) -> Policy {
        compile(&Documents::full_form(text)).unwrap().0
    }

    #[test]
    fn the_old_floor_may_stay_only_where_nothing_is_loosened() {
        let (loose, strict) = (policy("{}"), policy("requireDigest: true"));
        let of = |policy: &Policy| {
            let metadata =
                json!({"name": "f", "annotations": {"imagegate/policy-hash": policy.hash()}});
            Installed { policies: vec![json!({"metadata": metadata})], bindings: Vec::new() }
        };
        for (installed, old, new, refuses_too_much) in [
            (&loose, Some(&loose), &strict, false),
            (&strict, Some(&strict), &loose, true),
            // Of neither, or nobody knows of what.
            (&strict, Some(&loose), &strict, true),
            (&loose, None, &strict, true),
        ] {
            let found = may_refuse_too_much(&of(installed), old, new);
            assert_eq!(found, refuses_too_much, "{} {}", installed.hash(), new.hash());
        }
    }
}
