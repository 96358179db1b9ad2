//! `kubectl imagegate diff`: whom a new policy would hit, and what would change.

use std::io::Write as _;
use std::path::PathBuf;

use imagegate_report::{Comparison, Exit, FailOn, Format};
use time::OffsetDateTime;

use crate::cli::{Failure, say, stdout};
use crate::connection::{Connection, Everywhere};
use crate::gate::{InForce, Which};
use crate::uses::{Gate, Source};

/// Show whom a new policy would hit, and what would change
///
/// Judges what is used by the policy in force and by the new one. Exit codes: 0 nothing would newly be
/// refused, 1 something would (see --fail-on), 2 something could not be read, or nothing is used, 3 the
/// new policy is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `audit` for what runs; list pods, get and create pods/portforward in the gate's namespace for what \
the replicas remember; list configmaps there, for --candidate.

  kubectl imagegate diff new.yaml
  kubectl imagegate diff --candidate --from observed -o markdown")]
pub(crate) struct Diff {
    #[command(flatten)]
    everywhere: Everywhere,
    /// The new policy, or the manifest of a ConfigMap
    #[arg(value_name = "NEW", required_unless_present = "candidate", conflicts_with = "candidate")]
    new: Option<PathBuf>,
    /// The new policy is the candidate
    #[arg(long)]
    candidate: bool,
    /// What it would hit is looked for here
    #[arg(long, value_enum, value_name = "SOURCE", default_value = "all")]
    from: Source,
    /// Output format
    #[arg(short, long, default_value = "text", value_parser = Format::ALL.map(Format::as_str))]
    output: String,
    /// What makes the exit code 1: images that are newly refused; with warn, also those newly warned
    /// about; with audit, also those newly logged
    #[arg(long, default_value = "deny", value_name = "WHAT", value_parser = FailOn::ALL.map(FailOn::as_str))]
    fail_on: String,
    /// Exit with 0 where nothing is used
    #[arg(long)]
    allow_empty: bool,
}

pub(crate) async fn run(connection: &Connection, diff: &Diff) -> Result<Exit, Failure> {
    let which = match &diff.new {
        Some(path) => Which::File(path.clone()),
        None => Which::Candidate,
    };
    let gate = Gate::find(connection).await?;
    let read = async |which| InForce::read(&gate.cluster, &gate.found, &gate.replicas, which).await;
    let new = read(&which).await?;
    let old = read(&Which::Live).await?;
    for note in old.notes.iter().chain(&new.notes) {
        say(&format!("note: {note}"));
    }
    let uses = gate.uses(connection, diff.from, &[&old.policy, &new.policy]).await?;
    let complete = uses.gaps.is_empty();
    let inventory = uses.gathered.into_all();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let comparison = Comparison::between(&old.policy, &new.policy, &inventory, now);
    let format = Format::ALL.into_iter().find(|format| format.as_str() == diff.output);
    let fail_on = FailOn::ALL.into_iter().find(|each| each.as_str() == diff.fail_on);
    let out = &mut std::io::BufWriter::new(stdout());
    comparison.write("kubectl imagegate diff", format.unwrap_or_default(), out)?;
    out.flush()?;
    say(&comparison.summary());
    Ok(if comparison.failing(fail_on.unwrap_or_default()) > 0 {
        Exit::Finding
    } else if !complete || (inventory.is_empty() && !diff.allow_empty) {
        Exit::Unusable
    } else {
        Exit::Fine
    })
}
