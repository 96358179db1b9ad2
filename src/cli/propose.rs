//! `imagegate propose`: a policy from what is used.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

use super::output;
use super::policy_source;
use super::target::Asker;
use super::usages::{Gathered, Sources};
use crate::clock;
use crate::files;
use imagegate_core::policy::{Documents, POLICY_KEY, Policy, compile, printable};
use imagegate_core::usage::{
    Exempting, ExemptingError, Fit, Impact, Inventory, NothingUsed, Proposal,
};
use imagegate_report::Exit;

/// What a ConfigMap can hold, in bytes.
const LARGEST: usize = 1 << 20;

/// Propose a policy from what is used
///
/// Reads manifests, `kubectl get pods -A -o json` on standard input with `-f -`, and what replicas
/// remember, and prints the shortest policy that refuses none of it, with the least beyond it. Each
/// line says who uses what it is about. Exit codes: 0 a policy that refuses nothing in use, 1 one
/// that does, since no policy admits it, 2 something cannot be read or nothing is used, 3 the
/// policy to exempt from is not valid.
#[derive(Debug, clap::Args)]
pub(super) struct Propose {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    asker: Asker,
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
    #[arg(long, value_name = "DATE", requires = "exempt_existing")]
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
    let Gathered { used, refused, unreadable } = sources.gather(asker)?;
    if used.is_empty() {
        bail!("nothing is used in what was read");
    }
    let yaml = if let Some(policy) = exempt_from {
        exempting(propose, &policy, &used)?
    } else {
        let fit = match (tight, loose) {
            (true, _) => Fit::Tight,
            (_, true) => Fit::Loose,
            _ => Fit::Balanced,
        };
        let proposal = Proposal::of(used.usages(), fit);
        proposal.map_err(|NothingUsed| anyhow!(NothingUsed))?.yaml().to_owned()
    };
    let left_out = refused.images().difference(&used.images()).count();
    if left_out > 0 {
        super::say(&format!("left out, since refused when last seen: {}", super::images(left_out)));
    }
    let denied = still_denied(&yaml, &used)?;
    let mut out = output::stdout();
    out.write_all(yaml.as_bytes())?;
    out.finish()?;
    Ok(match (denied, unreadable) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Unusable,
        _ => Exit::Finding,
    })
}

/// The policy with exemptions for what it would refuse.
fn exempting(propose: &Propose, policy: &Policy, used: &Inventory) -> Result<String> {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let (expires, owner) = (of(&propose.expires), of(&propose.owner));
    // Where there is a text, its comments are kept.
    let source = propose.policy.as_deref().and_then(|path| {
        let path = if path.is_dir() { &path.join(POLICY_KEY) } else { path };
        String::from_utf8(files::read_regular(path, 4 << 20).ok()?).ok()
    });
    let exempting = Exempting { expires: &expires, owner: &owner, reason: &propose.reason };
    let now = clock::unix_seconds();
    match exempting.of(policy, source.as_deref(), used.usages(), now) {
        Ok(exempting) => {
            let (added, images) = (exempting.added, super::images(exempting.images));
            let plural = if added == 1 { "" } else { "s" };
            super::say(&format!("{images} exempt until {expires} by {added} exemption{plural}"));
            Ok(exempting.yaml)
        }
        Err(ExemptingError::Ended) => bail!("`{}` lies in the past", printable(&expires)),
        Err(ExemptingError::Problems(problems)) => {
            bail!("the exemptions are not valid\n{problems}")
        }
    }
}

/// Judges what is used by what is about to be printed: whatever made it, it is known to be a policy,
/// and what it refuses is said.
fn still_denied(yaml: &str, used: &Inventory) -> Result<usize> {
    let policy = compiled(yaml)?;
    let impact = Impact::between(None, &policy, used.usages(), clock::unix_seconds());
    let Impact { images, newly_denied, .. } = impact;
    let admitted = images - newly_denied.images;
    super::say(&format!("{}: {admitted} admitted", super::images(images)));
    if newly_denied.images > 0 {
        let shown = newly_denied.most_frequent.iter().take(10);
        let shown: Vec<_> = shown.map(|hit| printable(&hit.image)).collect();
        let more = match newly_denied.images - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        super::say(&format!(
            "refused, since no policy and no exemption admits it: {}{more}",
            shown.join(", ")
        ));
    }
    if yaml.len() > LARGEST {
        super::say(
            "warning: this is larger than a ConfigMap can be\n  hint: --loose makes it shorter",
        );
    }
    Ok(newly_denied.images)
}

fn compiled(yaml: &str) -> Result<Policy> {
    let volume = Some([(POLICY_KEY.to_owned(), yaml.as_bytes().to_vec())].into());
    match compile(&Documents { volume, ..Documents::default() }) {
        Ok((policy, _)) => Ok(policy),
        Err(problems) => bail!("what is proposed is not valid\n{problems}"),
    }
}
