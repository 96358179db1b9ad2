//! `kubectl imagegate candidate`: a policy on trial, from its first request to its promotion.

use std::io::Write as _;
use std::path::PathBuf;

use imagegate_core::policy::{CANDIDATE_KEY, printable};
use imagegate_report::Exit;

use crate::change::{Before, ChangeFlags, promoted};
use crate::cli::{Failure, stdout};
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::Replica;
use crate::table::Table;

/// Try a policy on live requests before it answers any
///
/// The candidate is judged beside the policy in force and never answers; what it would have decided
/// differently is counted. Exit codes of `show`: 0 every replica answers, 2 one does not, or there is
/// no candidate; of the others, those of `edit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `edit`; `show` needs list configmaps, list pods, get and create pods/portforward in the gate's \
namespace.")]
pub(crate) struct Candidate {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put a policy in full form on trial
    Set {
        /// The policy
        #[arg(short, long, value_name = "FILE")]
        filename: PathBuf,
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Show the candidate, and what it would have decided differently at each replica
    Show,
    /// Make the candidate the policy in force
    Promote {
        #[command(flatten)]
        flags: ChangeFlags,
    },
    /// Take the candidate away
    Drop {
        #[command(flatten)]
        flags: ChangeFlags,
    },
}

pub(crate) async fn run(connection: &Connection, candidate: &Candidate) -> Result<Exit, Failure> {
    match &candidate.action {
        Action::Set { filename, flags } => {
            let shown = filename.display().to_string();
            let text = std::fs::read_to_string(filename)
                .map_err(|error| Fault::usage(&format!("cannot read `{shown}`: {error}")))?;
            let before = Before::read(connection).await?;
            let mut data = before.config_map.data.clone();
            data.insert(CANDIDATE_KEY.to_owned(), text);
            before.change_to(&data, flags).await
        }
        Action::Show => show(connection).await,
        Action::Promote { flags } => {
            let before = Before::read(connection).await?;
            let data = promoted(&before.config_map.data).ok_or_else(none)?;
            before.change_to(&data, flags).await
        }
        Action::Drop { flags } => {
            let before = Before::read(connection).await?;
            let mut data = before.config_map.data.clone();
            data.remove(CANDIDATE_KEY).ok_or_else(none)?;
            before.change_to(&data, flags).await
        }
    }
}

async fn show(connection: &Connection) -> Result<Exit, Failure> {
    let before = Before::read(connection).await?;
    let text = before.config_map.data.get(CANDIDATE_KEY).ok_or_else(none)?;
    let replicas = Replica::ask_all(&before.cluster, &before.gate).await;
    let mut table =
        Table::new(["REPLICA", "CANDIDATE", "EVALUATED", "NEWLY ADMITTED", "NEWLY DENIED"]);
    for replica in &replicas {
        table.row(row(replica));
    }
    let mut out = stdout();
    for line in text.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    writeln!(out)?;
    table.print(&mut out)?;
    let is_incomplete = Replica::warn_of_silent(&replicas);
    Ok(if is_incomplete { Exit::Unusable } else { Exit::Fine })
}

/// What a replica says of the candidate. That it says nothing is no answer, and not that there is none.
fn row(replica: &Replica) -> [String; 5] {
    let name = printable(&replica.name).into_owned();
    let without = |why: &str| {
        let unknown = || "-".to_owned();
        [name.clone(), why.to_owned(), unknown(), unknown(), unknown()]
    };
    match &replica.said {
        Err(_) => without("no answer"),
        Ok(said) => match &said.page.candidate {
            Some(candidate) => [
                name,
                printable(&candidate.hash).into_owned(),
                candidate.evaluated.to_string(),
                candidate.flipped_to_allow.to_string(),
                candidate.flipped_to_deny.to_string(),
            ],
            None if said.page.candidate_problems.is_empty() => without("none"),
            None => without("not valid"),
        },
    }
}

fn none() -> Fault {
    Fault::not_found("there is no candidate")
        .with_hint("`kubectl imagegate candidate set --filename FILE` puts one on trial")
}

#[cfg(test)]
mod tests {
    use super::row;
    use crate::cluster::Fault;
    use crate::gate::{Replica, Said};

    #[test]
    fn a_replica_without_an_answer_is_not_one_without_a_candidate() {
        let page = |page: &str| {
            let page = serde_json::from_str(page).unwrap();
            Ok(Said { page, ..Said::default() })
        };
        let tried =
            r#"{"candidate":{"hash":"c1","evaluated":3,"flippedToAllow":1,"flippedToDeny":2}}"#;
        for (said, cells) in [
            (Err(Fault::lost("no answer")), ["no answer", "-", "-", "-"]),
            (page("{}"), ["none", "-", "-", "-"]),
            (page(r#"{"candidateProblems":["bad"]}"#), ["not valid", "-", "-", "-"]),
            (page(tried), ["c1", "3", "1", "2"]),
        ] {
            let replica = Replica { name: "one".to_owned(), pod: None, said };
            assert_eq!(row(&replica)[1..], cells, "{replica:?}");
        }
    }
}
