//! A change that is put in force: written under the version that was read, and seen through to the last
//! replica, with the floor in step. Whoever asked for it has said yes before.

use std::collections::BTreeMap;
use std::time::Duration;

use imagegate_report::Exit;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::revisions::Revisions;
use super::tell::Tell;
use super::wait::{Awaited, Trial, until_shown};
use super::write::{self, Change};
use super::{Before, Compiled};
use crate::cli::Failure;
use crate::cluster::Fault;
use crate::floor::{Following, SET};

/// A change that is put in force.
#[derive(Clone, Copy)]
pub(crate) struct Put<'a> {
    pub(crate) before: &'a Before,
    /// The new keys.
    pub(crate) data: &'a BTreeMap<String, String>,
    /// What they compile to.
    pub(crate) new: &'a Compiled,
    /// The hash by which somebody says that an edit is meant that refuses much.
    pub(crate) confirm: Option<&'a str>,
    /// How long to wait for the replicas.
    pub(crate) wait: Duration,
}

impl Put<'_> {
    /// What becomes of the floor, to be said before anybody is asked.
    ///
    /// # Errors
    /// Where the floor would refuse what the new policy admits, and cannot be changed.
    pub(crate) async fn prepare_floor(
        &self,
        is_left_alone: bool,
        told: &impl Tell,
    ) -> Result<Following, Failure> {
        let Before { cluster, gate, policy: old, .. } = self.before;
        let new = &self.new.policy;
        let is_same = old.as_ref().is_some_and(|old| old.hash() == new.hash());
        if is_left_alone || is_same {
            return Ok(Following::Nothing);
        }
        let following = Following::prepare(cluster, &gate.namespace, old.as_ref(), new).await?;
        match &following {
            Following::Nothing => {}
            Following::Left(why) => {
                let hint =
                    if told.has_flags() { "\n  hint: --no-floor leaves it as it is" } else { "" };
                told.aside(&format!("warning: {why}{hint}"));
            }
            Following::Anew(anew) => {
                let meanwhile = if anew.audits_first { " and only audits until then" } else { "" };
                told.done(&format!(
                    "the floor is made anew once every replica enforces it{meanwhile}"
                ))?;
            }
        }
        Ok(following)
    }

    /// Has the API server and the gate's guard judge it, and stores nothing.
    ///
    /// # Errors
    /// Where one of them refuses it, or somebody else has changed the policy meanwhile.
    pub(crate) async fn try_out(&self) -> Result<(), Fault> {
        self.apply(&self.history().0, true).await
    }

    /// Writes it. A floor that would refuse too much only audits from then on.
    ///
    /// # Errors
    /// Where it cannot be written. Then all is as it was.
    pub(crate) async fn store(
        &self,
        floor: &mut Following,
        told: &impl Tell,
    ) -> Result<(), Failure> {
        let cluster = &self.before.cluster;
        let (history, is_kept) = self.history();
        if !is_kept {
            told.aside(
                "note: the policy so far is too large to be kept beside the new one; `undo` will not find it",
            );
        }
        if let Following::Anew(anew) = floor
            && anew.audits_first
        {
            // What is refused anyway must not cost the floor.
            self.apply(&history, true).await?;
            if let Err(fault) = anew.audit_first(cluster).await {
                anew.take_back(cluster, told).await;
                return Err(fault.into());
            }
        }
        if let Err(fault) = self.apply(&history, false).await {
            if let Following::Anew(anew) = floor {
                anew.take_back(cluster, told).await;
            }
            return Err(fault.into());
        }
        Ok(())
    }

    /// Waits for the replicas, and makes the floor anew then.
    ///
    /// # Errors
    /// Where nobody can be told, or the replicas cannot be asked.
    pub(crate) async fn see_through(
        &self,
        floor: &Following,
        told: &impl Tell,
    ) -> Result<Exit, Failure> {
        let Before { cluster, gate, config_map, .. } = self.before;
        let awaited = self.awaited();
        told.done(&format!("{} changed, {}", config_map.metadata.name, awaited.on_its_way()))?;
        let waited = match self.wait {
            Duration::ZERO => Ok(None),
            limit => until_shown(cluster, &gate.namespace, &awaited, limit, told).await.map(Some),
        };
        self.end_with_floor(floor, waited, told).await
    }

    /// Makes the floor anew once the replicas were waited for, or says why it is not.
    async fn end_with_floor(
        &self,
        floor: &Following,
        waited: Result<Option<Exit>, Failure>,
        told: &impl Tell,
    ) -> Result<Exit, Failure> {
        let anew = match floor {
            Following::Nothing => return waited.map(|exit| exit.unwrap_or(Exit::Fine)),
            Following::Left(_) => {
                return waited.map(|exit| match exit {
                    None | Some(Exit::Fine) => Exit::Finding,
                    Some(other) => other,
                });
            }
            Following::Anew(anew) => anew,
        };
        let hash = self.new.policy.hash();
        if !matches!(waited, Ok(Some(Exit::Fine))) {
            told.aside(&format!(
                "{}\n  hint: {SET}, once every replica enforces {hash}",
                anew.meanwhile()
            ));
            return waited.map(|_| Exit::Finding);
        }
        if let Err(fault) = anew.write(&self.before.cluster).await {
            told.aside(&format!(
                "error: the policy is in force, and {}: {}\n  hint: {SET}",
                anew.meanwhile(),
                fault.message()
            ));
            return Ok(Exit::Finding);
        }
        told.done(&format!("the floor is of {hash} now"))?;
        Ok(Exit::Fine)
    }

    async fn apply(&self, history: &str, dry_run: bool) -> Result<(), Fault> {
        let Self { before: Before { cluster, gate, config_map, .. }, data, confirm, .. } = *self;
        let change = Change { data, history, confirm };
        write::apply(cluster, &gate.namespace, config_map, &change, dry_run).await
    }

    /// The policies before, as they are kept beside this one, and whether the last one is among them.
    fn history(&self) -> (String, bool) {
        let now =
            OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let until = now.format(&Rfc3339).unwrap_or_default();
        Revisions::before(&self.before.config_map, self.data, until)
    }

    /// What the replicas will say of themselves once they have read the new keys. A hash that stays shows
    /// nothing of an edit, so it is waited for only where nothing else changes.
    fn awaited(&self) -> Awaited<'_> {
        let Self { before, data, new, .. } = self;
        let candidate_changes = before.on_trial(data).is_new();
        let policy_stays =
            before.policy.as_ref().is_some_and(|old| old.hash() == new.policy.hash());
        Awaited {
            policy: (!policy_stays || !candidate_changes).then_some(new.policy.hash()),
            candidate: match &new.candidate {
                _ if !candidate_changes => Trial::Stays,
                Some(candidate) => Trial::Begins(candidate.hash()),
                None => Trial::Ends,
            },
        }
    }
}
