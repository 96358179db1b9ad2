//! `kubectl imagegate candidate`: a policy on trial, from its first request to its promotion.

use std::io::Write as _;
use std::path::PathBuf;

use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY, SIMPLE_KEYS, printable};
use imagegate_report::Exit;

use crate::change::{Before, ChangeFlags};
use crate::cli::Failure;
use crate::cluster::Fault;
use crate::connection::Connection;
use crate::gate::Replica;
use crate::table::Table;

/// Try a policy on live requests before it answers any
///
/// The candidate is judged beside the policy in force and never answers; what it would have decided
/// differently is counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `edit`; `show` needs list configmaps, list pods and create pods/portforward in the gate's
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
            let mut data = before.config_map.data.clone();
            let text = data.remove(CANDIDATE_KEY).ok_or_else(none)?;
            data.retain(|key, _| !SIMPLE_KEYS.contains(&key.as_str()));
            data.insert(POLICY_KEY.to_owned(), text);
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
        let name = printable(&replica.name).into_owned();
        let candidate = replica.said.as_ref().ok().and_then(|said| said.page.candidate.as_ref());
        table.row(match candidate {
            Some(candidate) => [
                name,
                printable(&candidate.hash).into_owned(),
                candidate.evaluated.to_string(),
                candidate.flipped_to_allow.to_string(),
                candidate.flipped_to_deny.to_string(),
            ],
            None => [name, "none".to_owned(), "-".to_owned(), "-".to_owned(), "-".to_owned()],
        });
    }
    let mut out = std::io::stdout().lock();
    for line in text.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    writeln!(out)?;
    table.print(&mut out)?;
    Ok(Exit::Fine)
}

fn none() -> Fault {
    Fault::not_found("there is no candidate")
        .with_hint("`kubectl imagegate candidate set --filename FILE` puts one on trial")
}
