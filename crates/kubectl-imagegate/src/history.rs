//! `kubectl imagegate history` and `undo`: the policies before the present one.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::Write as _;

use imagegate_core::policy::{
    Difference, Documents, Policy, compile, compile_candidate, printable,
};
use imagegate_report::{Exit, write_json};
use serde_json::{Value, json};

use crate::change::{Before, ChangeFlags, Revisions};
use crate::cli::{Failure, stdout};
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::{Replica, documents};
use crate::output::TableOrJson;
use crate::table::Table;

/// Characters of what changed that a line shows.
const LONGEST: usize = 100;

/// Show the policies before the present one, and what each of them changed
///
/// The last ten that were replaced by this plugin are kept, in an annotation of the ConfigMap; `undo` goes
/// back to them. Changes by other tools are shown as far as the replicas remember them. Exit codes: 0 done,
/// 2 a replica does not answer, or there is no policy to read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list configmaps in the gate's namespace; for what the replicas remember, list pods, get and \
create pods/portforward there.")]
pub(crate) struct History {
    /// Output format; json has the policies themselves
    #[arg(short, long, value_enum, default_value_t)]
    output: TableOrJson,
}

/// Go back to a policy before the present one, and see it through
///
/// Goes the way of `edit`: what changes, whom it hits, and the wait for every replica. A candidate goes back
/// with it. Run again, it takes back what it did. Where something else has changed the policy since this
/// plugin did, it refuses until --to names the policy to go back to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `edit`.

  kubectl imagegate history
  kubectl imagegate undo --to 91c2f6a0e4d7")]
pub(crate) struct Undo {
    /// The policy's hash, or its beginning [default: the policy before]
    #[arg(long, value_name = "HASH")]
    to: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(crate) async fn undo(connection: &Connection, undo: &Undo) -> Result<Exit, Failure> {
    let before = Before::read(connection).await?;
    before.refuse_where_owned(&undo.flags)?;
    let kept = Revisions::of(&before.config_map).0;
    let found = match &undo.to {
        None => kept.first(),
        Some(hash) => kept.iter().find(|revision| {
            let policy = compiled(&documents(&revision.data, &before.gate));
            !hash.is_empty() && policy.is_some_and(|policy| policy.hash().starts_with(hash))
        }),
    };
    let hint = "`kubectl imagegate history` lists what is kept";
    let Some(revision) = found else {
        let message = match &undo.to {
            None => "no policy before the present one is kept".to_owned(),
            Some(hash) => format!("no policy with the hash `{hash}` is kept"),
        };
        return Err(Fault::not_found(&message).with_hint(hint).into());
    };
    // The one before the present policy is then not kept: going back would take back two changes.
    if undo.to.is_none() && !revision.was_replaced_by(&before.config_map.data) {
        let message = if revision.is_before_a_hole() {
            "the policy before the present one is not kept"
        } else {
            "the policy was changed by something else since the last change by this plugin"
        };
        let hint = format!("name the policy to go back to with --to; {hint}");
        return Err(Fault::usage(message).with_hint(&hint).into());
    }
    before.change_to(&revision.data, &undo.flags).await
}

pub(crate) async fn history(connection: &Connection, history: &History) -> Result<Exit, Failure> {
    let before = Before::read(connection).await?;
    let rows = Row::all(&before);
    let replicas = Replica::ask_all(&before.cluster, &before.gate).await;
    print(&rows, &replicas, history.output)?;
    let is_incomplete = Replica::warn_of_silent(&replicas);
    Ok(if is_incomplete { Exit::Unusable } else { Exit::Fine })
}

fn print(rows: &[Row], replicas: &[Replica], format: TableOrJson) -> std::io::Result<()> {
    let mut out = stdout();
    if format == TableOrJson::Json {
        return write_json(&in_json(rows, replicas), &mut out);
    }
    let mut table = Table::new(["POLICY", "CANDIDATE", "UNTIL", "WHAT IT CHANGED"]);
    for row in rows {
        table.row([
            row.hash.clone(),
            row.candidate.clone(),
            printable(row.until.as_deref().unwrap_or("now")).into_owned(),
            row.difference.as_ref().map(changes).unwrap_or_default(),
        ]);
    }
    table.print(&mut out)?;
    for replica in replicas {
        let Ok(said) = &replica.said else { continue };
        writeln!(out, "\nput in force at {}, the last one last:", printable(&replica.name))?;
        let mut table = Table::new(["APPLIED", "POLICY", "WHAT IT CHANGED"]);
        for edit in &said.page.history {
            table.row([
                printable(&edit.applied_at).into_owned(),
                printable(&edit.hash).into_owned(),
                summary(&edit.changes, edit.left_out, edit.loosens),
            ]);
        }
        table.print(&mut out)?;
    }
    Ok(())
}

/// A policy, in words.
pub(crate) struct Row {
    until: Option<String>,
    hash: String,
    candidate: String,
    /// To the policy before, where both are valid.
    difference: Option<Difference>,
    data: BTreeMap<String, String>,
    policy: Option<Policy>,
}

impl Row {
    /// The policy of the ConfigMap, and then those before it that are kept, the last one first.
    pub(crate) fn all(before: &Before) -> Vec<Self> {
        let present = Self::of(None, &before.config_map.data, before);
        let kept = Revisions::of(&before.config_map).0;
        let kept = kept.iter().map(|each| Self::of(Some(&each.until), &each.data, before));
        let mut rows: Vec<Self> = std::iter::once(present).chain(kept).collect();
        let policies: Vec<Option<Policy>> = rows.iter_mut().map(|row| row.policy.take()).collect();
        for (row, pair) in rows.iter_mut().zip(policies.windows(2)) {
            if let [Some(new), Some(old)] = pair {
                row.difference = Some(Difference::between(old, new));
            }
        }
        rows
    }

    pub(crate) fn to_json(&self) -> Value {
        let difference = self.difference.as_ref();
        let changes = difference.map(|it| it.changes.as_slice()).unwrap_or_default().iter();
        json!({
            "policyHash": self.hash,
            "candidateHash": self.candidate,
            "until": self.until,
            "changes": changes.map(|change| &change.text).collect::<Vec<_>>(),
            "changesLeftOut": difference.map_or(0, |it| it.left_out),
            "loosens": difference.is_some_and(|it| it.loosens),
            "data": self.data,
        })
    }

    fn of(until: Option<&str>, data: &BTreeMap<String, String>, before: &Before) -> Self {
        let documents = documents(data, &before.gate);
        let policy = compiled(&documents);
        let candidate = match compile_candidate(&documents) {
            None => "none".to_owned(),
            Some(Ok((policy, _))) => policy.hash().to_owned(),
            Some(Err(_)) => "not valid".to_owned(),
        };
        let hash = policy.as_ref().map_or("not valid", Policy::hash).to_owned();
        let until = until.map(str::to_owned);
        Self { until, hash, candidate, difference: None, data: data.clone(), policy }
    }
}

fn compiled(documents: &Documents) -> Option<Policy> {
    compile(documents).ok().map(|(policy, _)| policy)
}

fn changes(difference: &Difference) -> String {
    let texts: Vec<&str> = difference.changes.iter().map(|change| change.text.as_str()).collect();
    summary(&texts, difference.left_out, difference.loosens)
}

/// Changes in one line. However long they are, it says whether one of them loosens, and how many are missing.
fn summary<T: Borrow<str>>(changes: &[T], left_out: usize, loosens: bool) -> String {
    let shown = shortened(&changes.join("; "));
    let more = if left_out > 0 { format!("; {left_out} more") } else { String::new() };
    format!("{shown}{more}{}", if loosens { " (loosens)" } else { "" })
}

fn shortened(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

fn in_json(rows: &[Row], replicas: &[Replica]) -> Value {
    let replicas = replicas.iter().map(|replica| {
        let said = match &replica.said {
            Ok(said) => said,
            Err(fault) => return json!({ "name": replica.name, "error": fault.message() }),
        };
        let edits = said.page.history.iter().map(|edit| {
            json!({
                "appliedAt": edit.applied_at,
                "policyHash": edit.hash,
                "generation": edit.generation,
                "changes": edit.changes,
                "changesLeftOut": edit.left_out,
                "loosens": edit.loosens,
            })
        });
        json!({ "name": replica.name, "history": edits.collect::<Vec<_>>() })
    });
    json!({
        "policies": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        "replicas": replicas.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, summary};

    #[test]
    fn a_line_that_is_shortened_still_says_that_it_loosens() {
        assert_eq!(summary(&["a", "b"], 0, false), "a; b");
        assert_eq!(summary(&["a".to_owned()], 2, true), "a; 2 more (loosens)");
        let long = "x".repeat(LONGEST);
        assert_eq!(summary(&[&*long, "b"], 0, true), format!("{long}… (loosens)"));
    }
}
