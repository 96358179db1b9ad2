//! `imagegate diff`: whom a new policy hits, and what changes in words.

use std::path::PathBuf;

use anyhow::Result;

use super::asker::AskerFlags;
use super::output::{self, Reads};
use super::policy_source;
use super::usages::Sources;
use crate::clock;
use imagegate_report::{Comparison, Exit, FailOn, Format};

/// Show whom a change of policy hits, and what changes
///
/// Judges images, manifests, `kubectl get pods -A -o json` on standard input with `-f -`, and what
/// replicas remember, by both policies. A pod template is judged like the Pods created from it.
/// Exit codes: 0 nothing would newly be refused, 1 something would, 2 something cannot be read, or
/// there was nothing to judge in what was named, 3 a policy is not valid. Without anything to judge,
/// it says what changes in words, and that fails nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// The current policy
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new policy
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    asker: AskerFlags,
    /// Output format
    #[arg(short, long, value_parser = output::format_parser(Reads::Comparison), default_value = "text")]
    output: Format,
    /// What fails the command: images that are newly refused; with `warn`, also those newly warned
    /// about; with `audit`, also those newly logged
    #[arg(long, value_name = "WHAT", value_parser = output::fail_on_parser(), default_value = "deny")]
    fail_on: FailOn,
    /// Succeed when there was nothing to judge
    #[arg(long)]
    allow_empty: bool,
}

pub(super) fn run(diff: &Diff) -> Result<Exit> {
    let Diff { old, new, sources, asker, output, fail_on, allow_empty } = diff;
    let (Some(old), Some(new)) =
        (policy_source::valid(Some(old))?, policy_source::valid(Some(new))?)
    else {
        return Ok(Exit::InvalidPolicy);
    };
    // Whatever one of the two judges can be hit.
    let workloads = old.workloads().merged(new.workloads());
    let (gathered, unreadable) = sources.gather(&asker.asker(), &workloads, &[&old, &new])?;
    let inventory = gathered.into_all();
    let judged = !sources.is_empty();
    let comparison = Comparison::between(&old, &new, &inventory, clock::unix_seconds());
    let mut out = output::stdout();
    comparison.write("imagegate diff", *output, &mut out)?;
    out.finish()?;
    if judged {
        super::say(&comparison.summary());
    }
    let nothing_judged = judged && inventory.is_empty() && !allow_empty;
    Ok(if comparison.failing(*fail_on) > 0 {
        Exit::Finding
    } else if unreadable > 0 || nothing_judged {
        Exit::Unusable
    } else {
        Exit::Fine
    })
}
