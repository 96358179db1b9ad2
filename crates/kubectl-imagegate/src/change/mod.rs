//! A change of the policy, from the new text to the last replica that enforces it.
//!
//! Whatever makes the change, the way is the same: compile, say the difference in words, say whom it would
//! hit, ask, write, wait. What somebody else wrote meanwhile is never overwritten. A floor in the API server
//! follows, where there is one.

mod hit;
mod put;
mod revisions;
mod tell;
mod text;
mod wait;
mod write;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use imagegate_core::policy::{
    CANDIDATE_KEY, Difference, Documents, Policy, Problems, Warning, compile, compile_candidate,
    printable,
};
use imagegate_report::Exit;
use serde::Serialize;

use crate::cli::{Failure, say, stdout};
use crate::cluster::{Cluster, Fault};
use crate::connection::{Connection, duration};
use crate::floor::InCluster;
use crate::gate::{ConfigMap, Found, PolicyFault, documents};
use crate::paint::Paint;

pub(crate) use hit::{Hits, InUse, Newly};
pub(crate) use put::Put;
pub(crate) use revisions::Revisions;
pub(crate) use tell::{AtPrompt, Tell};
pub(crate) use text::{data_of, promoted, text_of};
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
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    pub(crate) candidate: Option<Policy>,
    /// Of the policy.
    pub(crate) warnings: Vec<Warning>,
}

/// What a change does to the policy; of a candidate, what it would do once that is promoted.
pub(crate) struct Effect<'a> {
    pub(crate) is_of_candidate: bool,
    /// `None` where the policy was not valid: nothing can be compared then.
    pub(crate) old: Option<&'a Policy>,
    pub(crate) new: &'a Policy,
}

/// What becomes of the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnTrial {
    None,
    Begins,
    Ends,
    Changes,
    Stays,
}

impl OnTrial {
    /// With the keys `after` in place of those `before`.
    pub(crate) fn between(
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) -> Self {
        match (before.get(CANDIDATE_KEY), after.get(CANDIDATE_KEY)) {
            (None, None) => Self::None,
            (None, Some(_)) => Self::Begins,
            (Some(_), None) => Self::Ends,
            (Some(before), Some(after)) if before == after => Self::Stays,
            (Some(_), Some(_)) => Self::Changes,
        }
    }

    /// Whether it goes, comes or is another one.
    pub(crate) fn is_new(self) -> bool {
        matches!(self, Self::Begins | Self::Ends | Self::Changes)
    }

    fn in_words(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Stays => None,
            Self::Begins => Some("a candidate goes on trial"),
            Self::Ends => Some("the candidate goes"),
            Self::Changes => Some("the candidate changes"),
        }
    }
}

impl Compiled {
    /// Compiles both.
    ///
    /// # Errors
    /// All that is wrong with either; each problem names its document.
    pub(crate) fn of(documents: &Documents) -> Result<Self, Problems> {
        let candidate = compile_candidate(documents).transpose();
        match (compile(documents), candidate) {
            (Ok((policy, warnings)), Ok(candidate)) => {
                let candidate = candidate.map(|(candidate, _)| candidate);
                Ok(Self { policy, candidate, warnings })
            }
            (Err(mut problems), candidate) => {
                problems.0.extend(candidate.err().into_iter().flat_map(|problems| problems.0));
                Err(problems)
            }
            (Ok(_), Err(problems)) => Err(problems),
        }
    }

    /// What becomes of the policy `old`, and of a candidate that is new: it is on trial so that it can be promoted.
    pub(crate) fn effects<'a>(
        &'a self,
        old: Option<&'a Policy>,
        is_new_candidate: bool,
    ) -> Vec<Effect<'a>> {
        let new = &self.policy;
        let stays = old.is_some_and(|old| old.hash() == new.hash());
        let of_policy = (!stays).then_some(Effect { is_of_candidate: false, old, new });
        let candidate = self.candidate.as_ref().filter(|_| is_new_candidate);
        let of_candidate =
            candidate.map(|it| Effect { is_of_candidate: true, old: Some(new), new: it });
        of_policy.into_iter().chain(of_candidate).collect()
    }
}

impl Before {
    /// Reads it all.
    pub(crate) async fn read(connection: &Connection) -> Result<Self, Failure> {
        let cluster = connection.open().await?;
        Ok(Self::read_in(cluster, connection.gate_namespace.as_deref()).await?)
    }

    /// As [`Before::read`], in a cluster that is known already.
    pub(crate) async fn read_in(
        cluster: Cluster,
        gate_namespace: Option<&str>,
    ) -> Result<Self, Fault> {
        let gate = Found::find(&cluster, gate_namespace).await?;
        let config_map = ConfigMap::read(&cluster, &gate.namespace).await?;
        let policy = compile(&config_map.documents(&gate)).ok().map(|(policy, _)| policy);
        Ok(Self { cluster, gate, config_map, policy })
    }

    /// A tool will put the policy back: then there is no use in an edit, unless it goes to a file.
    pub(crate) fn refuse_where_owned(&self, flags: &ChangeFlags) -> Result<(), Failure> {
        match self.owned().filter(|_| flags.to_file.is_none()) {
            Some(fault) => {
                let hint = "change it at its source; --to-file FILE writes the ConfigMap for it";
                Err(fault.with_hint(hint).into())
            }
            None => Ok(()),
        }
    }

    /// Why there is no use in an edit, where a tool will put the policy back.
    pub(crate) fn owned(&self) -> Option<Fault> {
        let owner = self.config_map.owner()?;
        let name = &self.config_map.metadata.name;
        let message = format!("the ConfigMap {name} belongs to {owner}, which would undo an edit");
        Some(Fault::usage(&message).with_hint("change it at its source"))
    }

    /// The policy, and the candidate, that new keys make.
    pub(crate) fn compile(&self, data: &BTreeMap<String, String>) -> Result<Compiled, PolicyFault> {
        Compiled::of(&documents(data, &self.gate)).map_err(|problems| {
            let is_of_policy = problems.0.iter().any(|each| each.document != CANDIDATE_KEY);
            let origin = if is_of_policy { "the policy" } else { "the candidate" };
            PolicyFault::Invalid { origin: origin.to_owned(), problems }
        })
    }

    /// Takes new keys all the way.
    pub(crate) async fn change_to(
        &self,
        data: &BTreeMap<String, String>,
        flags: &ChangeFlags,
    ) -> Result<Exit, Failure> {
        self.refuse_where_owned(flags)?;
        let new = self.compile(data)?;
        for warning in &new.warnings {
            say(&format!("warning: {warning}"));
        }
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
        let confirm = flags.confirm.as_deref();
        let put = Put { before: self, data, new: &new, confirm, wait: flags.wait };
        let mut floor = put.prepare_floor(flags.no_floor, &AtPrompt).await?;
        if !flags.yes && !flags.dry_run && !confirmed()? {
            say("nothing was changed");
            return Ok(Exit::Finding);
        }
        if flags.dry_run {
            put.try_out().await?;
            let name = &self.config_map.metadata.name;
            writeln!(stdout(), "{name} would be changed; nothing was stored")?;
            return Ok(Exit::Fine);
        }
        put.store(&mut floor, &AtPrompt).await?;
        put.see_through(&floor, &AtPrompt).await
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

    /// What new keys make of the candidate.
    pub(crate) fn on_trial(&self, data: &BTreeMap<String, String>) -> OnTrial {
        OnTrial::between(&self.config_map.data, data)
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
        if let Some(words) = self.on_trial(data).in_words() {
            writeln!(out, "{words}")?;
        }
        Ok(())
    }

    /// Judges all that runs by the old policy and the new one, and by the candidate where that is new.
    async fn tell_hits(
        &self,
        new: &Compiled,
        data: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let effects = new.effects(self.policy.as_ref(), self.on_trial(data).is_new());
        if effects.iter().all(|effect| effect.old.is_none()) {
            return Ok(());
        }
        let in_use = InUse::read(&self.cluster, &self.gate).await?;
        for Effect { is_of_candidate, old, new } in effects {
            let Some(old) = old else { continue };
            if is_of_candidate {
                writeln!(stdout(), "if the candidate were promoted:")?;
            }
            Hits::of(&in_use, old, new).print(&mut stdout(), Paint::for_stdout())?;
        }
        for gap in &in_use.gaps {
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
