//! A change of the policy, from the new text to the last replica that enforces it.
//!
//! Whatever makes the change, the way is the same: compile, say the difference in words, say whom it would
//! hit, ask, write, wait. What somebody else wrote meanwhile is never overwritten. A floor in the API server
//! follows, where there is one.

mod hit;
mod revisions;
mod wait;
mod write;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use imagegate_core::policy::{
    CANDIDATE_KEY, Difference, Policy, compile, compile_candidate, printable,
};
use imagegate_report::Exit;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::{Failure, say, stdout};
use crate::cluster::{Cluster, Fault};
use crate::connection::{Connection, duration};
use crate::floor::{Following, InCluster, SET};
use crate::gate::{ConfigMap, Found, PolicyFault, documents};
use crate::paint::Paint;

pub(crate) use revisions::Revisions;
pub(crate) use wait::{Awaited, until_shown};

/// How a change is made.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct ChangeFlags {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Have the API server and the gate's guard judge the change, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not look whom it would hit
    #[arg(long)]
    no_audit: bool,
    /// Confirm an edit that refuses more images than refuseEditsThatDeny allows; the refusal names the HASH
    #[arg(long, value_name = "HASH")]
    confirm: Option<String>,
    /// How long to wait until every replica has read it, such as 30, 5s or 2m; 0 does not wait
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = duration)]
    wait: Duration,
    /// Leave the floor in the API server as it is
    #[arg(long)]
    no_floor: bool,
    /// Write the ConfigMap to this file, and leave the cluster alone: for a policy that a tool keeps
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "yes"])]
    to_file: Option<PathBuf>,
}

/// What is to be changed: the gate, its ConfigMap, and the policy that this holds now.
pub(crate) struct Before {
    pub(crate) cluster: Cluster,
    pub(crate) gate: Found,
    pub(crate) config_map: ConfigMap,
    /// `None` where it is not valid.
    pub(crate) policy: Option<Policy>,
}

/// What a text of the policy compiles to.
pub(crate) struct Compiled {
    policy: Policy,
    candidate: Option<Policy>,
}

impl Before {
    /// Reads it all.
    pub(crate) async fn read(connection: &Connection) -> Result<Self, Failure> {
        let cluster = connection.open().await?;
        let gate = Found::find(&cluster, connection.gate_namespace.as_deref()).await?;
        let config_map = ConfigMap::read(&cluster, &gate.namespace).await?;
        let policy = compile(&config_map.documents(&gate)).ok().map(|(policy, _)| policy);
        Ok(Self { cluster, gate, config_map, policy })
    }

    /// A tool will put the policy back: then there is no use in an edit, unless it goes to a file.
    pub(crate) fn refuse_where_owned(&self, flags: &ChangeFlags) -> Result<(), Failure> {
        let Some(owner) = self.config_map.owner().filter(|_| flags.to_file.is_none()) else {
            return Ok(());
        };
        let name = &self.config_map.metadata.name;
        let message = format!("the ConfigMap {name} belongs to {owner}, which would undo an edit");
        let hint = "change it at its source; --to-file FILE writes the ConfigMap for it";
        Err(Fault::usage(&message).with_hint(hint).into())
    }

    /// The policy, and the candidate, that new keys make.
    pub(crate) fn compile(&self, data: &BTreeMap<String, String>) -> Result<Compiled, PolicyFault> {
        let documents = documents(data, &self.gate);
        let invalid =
            |origin: &str, problems| PolicyFault::Invalid { origin: origin.to_owned(), problems };
        let (policy, warnings) =
            compile(&documents).map_err(|problems| invalid("the policy", problems))?;
        let candidate = match compile_candidate(&documents) {
            None => None,
            Some(Ok((candidate, _))) => Some(candidate),
            Some(Err(problems)) => return Err(invalid("the candidate", problems)),
        };
        for warning in warnings {
            say(&format!("warning: {warning}"));
        }
        Ok(Compiled { policy, candidate })
    }

    /// Takes new keys all the way.
    pub(crate) async fn change_to(
        &self,
        data: &BTreeMap<String, String>,
        flags: &ChangeFlags,
    ) -> Result<Exit, Failure> {
        self.refuse_where_owned(flags)?;
        let new = self.compile(data)?;
        if *data == self.config_map.data {
            writeln!(stdout(), "nothing changes")?;
            return Ok(Exit::Fine);
        }
        self.tell_difference(&new.policy, data)?;
        if !flags.no_audit {
            self.tell_hits(&new, data).await?;
        }
        if let Some(path) = &flags.to_file {
            let manifest =
                format!("{:#}\n", write::manifest(&self.config_map, &self.gate.namespace, data));
            std::fs::write(path, manifest)?;
            let shown = path.display().to_string();
            writeln!(stdout(), "written to {}; the cluster is as it was", printable(&shown))?;
            self.note_floor(&new.policy).await?;
            return Ok(Exit::Fine);
        }
        let mut floor = self.following(&new.policy, flags).await?;
        if !flags.yes && !flags.dry_run && !confirmed()? {
            say("nothing was changed");
            return Ok(Exit::Finding);
        }
        let namespace = &self.gate.namespace;
        let now =
            OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let until = now.format(&Rfc3339).unwrap_or_default();
        let (history, is_kept) = Revisions::before(&self.config_map, data, until);
        if !is_kept && !flags.dry_run {
            say(
                "note: the policy so far is too large to be kept beside the new one; `undo` will not find it",
            );
        }
        let change = write::Change { data, history, confirm: flags.confirm.as_deref() };
        let apply =
            |dry_run| write::apply(&self.cluster, namespace, &self.config_map, &change, dry_run);
        let name = &self.config_map.metadata.name;
        if flags.dry_run {
            apply(true).await?;
            writeln!(stdout(), "{name} would be changed; nothing was stored")?;
            return Ok(Exit::Fine);
        }
        if let Following::Anew(anew) = &mut floor
            && anew.audits_first
        {
            // What is refused anyway must not cost the floor.
            apply(true).await?;
            if let Err(fault) = anew.audit_first(&self.cluster).await {
                anew.take_back(&self.cluster).await;
                return Err(fault.into());
            }
        }
        if let Err(fault) = apply(false).await {
            if let Following::Anew(anew) = &floor {
                anew.take_back(&self.cluster).await;
            }
            return Err(fault.into());
        }
        let awaited = self.awaited(&new, data);
        writeln!(stdout(), "{name} changed, {}", awaited.on_its_way())?;
        let waited = match flags.wait {
            Duration::ZERO => Ok(None),
            limit => until_shown(&self.cluster, namespace, &awaited, limit).await.map(Some),
        };
        self.end_with_floor(&floor, waited, new.policy.hash()).await
    }

    /// What becomes of the floor, said before anybody is asked.
    async fn following(&self, new: &Policy, flags: &ChangeFlags) -> Result<Following, Failure> {
        let is_same = self.policy.as_ref().is_some_and(|old| old.hash() == new.hash());
        if flags.no_floor || is_same {
            return Ok(Following::Nothing);
        }
        let (cluster, namespace) = (&self.cluster, &self.gate.namespace);
        let following = Following::prepare(cluster, namespace, self.policy.as_ref(), new).await?;
        match &following {
            Following::Nothing => {}
            Following::Left(why) => {
                say(&format!("warning: {why}\n  hint: --no-floor leaves it as it is"));
            }
            Following::Anew(anew) => {
                let meanwhile = if anew.audits_first { " and only audits until then" } else { "" };
                writeln!(
                    stdout(),
                    "the floor is made anew once every replica enforces it{meanwhile}"
                )?;
            }
        }
        Ok(following)
    }

    /// Makes the floor anew once the replicas were waited for, or says why it is not.
    async fn end_with_floor(
        &self,
        floor: &Following,
        waited: Result<Option<Exit>, Failure>,
        hash: &str,
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
        if !matches!(waited, Ok(Some(Exit::Fine))) {
            say(&format!(
                "{}\n  hint: {SET}, once every replica enforces {hash}",
                anew.meanwhile()
            ));
            return waited.map(|_| Exit::Finding);
        }
        if let Err(fault) = anew.write(&self.cluster).await {
            say(&format!(
                "error: the policy is in force, and {}: {}\n  hint: {SET}",
                anew.meanwhile(),
                fault.message()
            ));
            return Ok(Exit::Finding);
        }
        writeln!(stdout(), "the floor is of {hash} now")?;
        Ok(Exit::Fine)
    }

    /// Whoever applies the file has to think of the floor.
    async fn note_floor(&self, new: &Policy) -> Result<(), Failure> {
        let found = InCluster::read(&self.cluster, Some(&self.gate.namespace)).await?;
        if let InCluster::Seen(installed) = found
            && installed.is_in_force()
            && !installed.is_of(new.hash())
        {
            say(&format!(
                "note: the floor stays of {}, and may refuse what the new policy admits\n  \
                 hint: `kubectl imagegate floor drop` before the file is applied where it loosens, `kubectl \
                 imagegate floor set` afterwards",
                installed.hashes_in_words()
            ));
        }
        Ok(())
    }

    /// What the replicas will say of themselves once they have read the new keys. A hash that stays shows
    /// nothing of an edit, so it is waited for only where nothing else changes.
    fn awaited<'a>(&self, new: &'a Compiled, data: &BTreeMap<String, String>) -> Awaited<'a> {
        let candidate_changes = self.candidate_changes(data);
        let policy_stays = self.policy.as_ref().is_some_and(|old| old.hash() == new.policy.hash());
        Awaited {
            policy: (!policy_stays || !candidate_changes).then_some(new.policy.hash()),
            candidate: match &new.candidate {
                _ if !candidate_changes => wait::Trial::Stays,
                Some(candidate) => wait::Trial::Begins(candidate.hash()),
                None => wait::Trial::Ends,
            },
        }
    }

    fn candidate_changes(&self, data: &BTreeMap<String, String>) -> bool {
        self.config_map.data.get(CANDIDATE_KEY) != data.get(CANDIDATE_KEY)
    }

    fn tell_difference(
        &self,
        new: &Policy,
        data: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let mut out = stdout();
        let paint = Paint::for_stdout();
        match &self.policy {
            None => writeln!(out, "the policy was not valid, and is {} now", new.hash())?,
            Some(old) if old.hash() == new.hash() => {
                writeln!(out, "the policy stays {}", old.hash())?;
            }
            Some(old) => {
                writeln!(out, "the policy changes from {} to {}", old.hash(), new.hash())?;
                let difference = Difference::between(old, new);
                write_changes(&difference, paint, &mut out)?;
            }
        }
        let (before, after) = (self.config_map.data.get(CANDIDATE_KEY), data.get(CANDIDATE_KEY));
        match (before, after) {
            (None, Some(_)) => writeln!(out, "a candidate goes on trial")?,
            (Some(_), None) => writeln!(out, "the candidate goes")?,
            (Some(before), Some(after)) if before != after => {
                writeln!(out, "the candidate changes")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Judges all that runs by the old policy and the new one, and by the candidate where that is new: it
    /// is on trial so that it can be promoted.
    async fn tell_hits(
        &self,
        new: &Compiled,
        data: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let of_policy = self.policy.as_ref().filter(|old| old.hash() != new.policy.hash());
        if let Some(old) = of_policy {
            self.tell_hits_between(old, &new.policy).await?;
        }
        let promoted = new.candidate.as_ref().filter(|_| self.candidate_changes(data));
        if let Some(candidate) = promoted {
            writeln!(stdout(), "if the candidate were promoted:")?;
            self.tell_hits_between(&new.policy, candidate).await?;
        }
        Ok(())
    }

    async fn tell_hits_between(&self, old: &Policy, new: &Policy) -> Result<(), Failure> {
        let hits = hit::Hits::find(&self.cluster, &self.gate, old, new).await?;
        hits.print(&mut stdout(), Paint::for_stdout())?;
        for gap in &hits.gaps {
            say(&format!("warning: {gap}"));
        }
        Ok(())
    }
}

/// The changes, one a line, and how many more there are.
fn write_changes(
    difference: &Difference,
    paint: Paint,
    out: &mut impl std::io::Write,
) -> std::io::Result<()> {
    for change in &difference.changes {
        let text = printable(&change.text);
        if change.loosens {
            writeln!(out, "  {}  (loosens)", paint.notable(&text))?;
        } else {
            writeln!(out, "  {text}")?;
        }
    }
    match (difference.left_out, difference.left_out_loosening) {
        (0, _) => Ok(()),
        (more, 0) => writeln!(out, "  and {more} more changes"),
        (more, loosening) => {
            writeln!(out, "  and {more} more changes, of which {loosening} loosen")
        }
    }
}

/// Asks on the terminal. Without one, nobody can answer.
pub(crate) fn confirmed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let fault = Fault::usage("standard input is not a terminal, so nobody can confirm");
        return Err(fault.with_hint("--yes applies without asking").into());
    }
    write!(std::io::stderr(), "apply this? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use imagegate_core::policy::Difference;

    use super::{Paint, write_changes};

    #[test]
    fn changes_that_are_left_out_say_how_many_of_them_loosen() {
        for (left_out, left_out_loosening, expected) in [
            (0, 0, ""),
            (3, 0, "  and 3 more changes\n"),
            (3, 2, "  and 3 more changes, of which 2 loosen\n"),
        ] {
            let difference = Difference { left_out, left_out_loosening, ..Difference::default() };
            let mut out = Vec::new();
            write_changes(&difference, Paint::never(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
