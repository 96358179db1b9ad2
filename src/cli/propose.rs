//! `imagegate propose`: a policy from what is used.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::asker::AskerFlags;
use super::output;
use super::policy_source;
use super::usages::Sources;
use crate::clock;
use crate::files;
use imagegate_core::policy::{POLICY_KEY, Policy, Workloads, end_of_exemption};
use imagegate_core::usage::{Exempting, Fit, Proposed, Wish};
use imagegate_report::Exit;

/// Propose a policy from what is used
///
/// Reads manifests, `kubectl get pods -A -o json` on standard input with `-f -`, and what replicas
/// remember, and prints the shortest policy that refuses none of it, with the least beyond it.
/// A comment on each line says who uses it.
///
/// Exit codes: 0 the policy refuses nothing in use, 1 it does, since no policy could admit it, 2
/// something cannot be read or nothing is in use, 3 the policy to exempt from is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Propose {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    asker: AskerFlags,
    /// Allow each repository in use by itself
    #[arg(long, conflicts_with = "loose")]
    tight: bool,
    /// Allow the owner of each image in use, whatever else they publish
    #[arg(long)]
    loose: bool,
    /// Instead of a new policy, print the one of `--policy` with exemptions for what it would refuse
    #[arg(long, requires_all = ["expires", "owner", "policy"], conflicts_with_all = ["tight", "loose"])]
    exempt_existing: bool,
    /// The last day of the exemptions, as `2027-01-31`
    #[arg(long, value_name = "DATE", requires = "exempt_existing", value_parser = last_day)]
    expires: Option<String>,
    /// Who answers for the exemptions
    #[arg(long, value_name = "NAME", requires = "exempt_existing")]
    owner: Option<String>,
    /// Why there are exemptions, such as a ticket
    #[arg(
        long,
        value_name = "TEXT",
        requires = "exempt_existing",
        default_value = "in use before this policy"
    )]
    reason: String,
    /// The policy to exempt from: a directory, a file, or a ConfigMap manifest
    #[arg(long, value_name = "PATH", requires = "exempt_existing")]
    policy: Option<PathBuf>,
}

pub(super) fn run(propose: &Propose) -> Result<Exit> {
    let Propose { sources, asker, tight, loose, exempt_existing, .. } = propose;
    if sources.is_empty() {
        bail!(
            "nothing to propose from\n  hint: name manifests with -f, or a replica's memory with \
             --from; `kubectl get pods -A -o json | imagegate propose -f -`"
        );
    }
    let exempt_from = if *exempt_existing {
        match policy_source::valid(propose.policy.as_deref())? {
            Some(policy) => Some(policy),
            None => return Ok(Exit::InvalidPolicy),
        }
    } else {
        None
    };
    let workloads = exempt_from.as_ref().map_or(Workloads::none(), Policy::workloads);
    let policies: Vec<_> = exempt_from.iter().collect();
    let (gathered, unreadable) = sources.gather(&asker.asker(), workloads, &policies)?;
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let (expires, owner) = (of(&propose.expires), of(&propose.owner));
    let source = propose.policy.as_deref().and_then(text_of);
    let wish = match &exempt_from {
        Some(policy) => {
            let exempting = Exempting { expires: &expires, owner: &owner, reason: &propose.reason };
            Wish::Exempting { policy, source: source.as_deref(), exempting }
        }
        None if *tight => Wish::New(Fit::Tight),
        None if *loose => Wish::New(Fit::Loose),
        None => Wish::New(Fit::Balanced),
    };
    let Proposed { yaml, notes, denied } = Proposed::of(&wish, &gathered, clock::unix_seconds())?;
    for note in notes {
        super::say(&note);
    }
    let mut out = output::stdout();
    out.write_all(yaml.as_bytes())?;
    out.finish()?;
    Ok(match (denied, unreadable) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Unusable,
        _ => Exit::Finding,
    })
}

/// Reads the last day of the exemptions. Checked at once, so that what is wrong with it is said of the flag.
fn last_day(text: &str) -> Result<String, &'static str> {
    end_of_exemption(text).map(|_| text.to_owned()).ok_or("not a day; write it as 2027-01-31")
}

/// The text of a policy, whose comments are kept.
fn text_of(path: &Path) -> Option<String> {
    let path = if path.is_dir() { &path.join(POLICY_KEY) } else { path };
    String::from_utf8(files::read_regular(path, 4 << 20).ok()?).ok()
}
