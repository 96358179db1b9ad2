//! `kubectl imagegate floor`, and the floor that follows each change of the policy.

mod following;
mod installed;

use std::io::Write as _;
use std::time::Duration;

use imagegate_core::floor::{Registered, drift, headline, lines};
use imagegate_core::policy::{Policy, printable};
use imagegate_report::Exit;
use time::OffsetDateTime;

use crate::change::{AtPrompt, Awaited, Before, confirmed, until_shown};
use crate::cli::{Failure, say, stdout};
use crate::cluster::Fault;
use crate::connection::{Connection, duration};
use crate::gate::{PolicyFault, Webhooks};

pub(crate) use following::{Following, SET};
pub(crate) use installed::{InCluster, Installed};

/// Have the API server hold the policy by itself while no replica answers
///
/// The floor is a `ValidatingAdmissionPolicy` with its binding, for API servers from 1.30 on: what
/// `imagegate export vap` prints, for the webhooks that are registered. It never refuses what the policy
/// admits. Once it is there, whatever changes the policy by this plugin makes it anew. Exit codes: 0 done, or
/// `show` finds it in step; 1 it is not in step, or you said no; 2 it could not be done; 3 the policy is not
/// valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `status`; list, create, update and delete validatingadmissionpolicies and \
validatingadmissionpolicybindings, list validatingwebhookconfigurations. `show` only lists.")]
pub(crate) struct Floor {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make it, or bring it in step with the policy that every replica enforces
    Set {
        #[command(flatten)]
        flags: Flags,
        /// How long to wait until every replica enforces the policy, such as 30, 5s or 2m
        #[arg(long, value_name = "TIME", default_value = "3m", value_parser = duration)]
        wait: Duration,
    },
    /// Show what of the policy it holds, what it leaves to the webhook, and whether it is in step
    Show,
    /// Take it away
    Drop {
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Flags {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(connection: &Connection, floor: &Floor) -> Result<Exit, Failure> {
    let before = Before::read(connection).await?;
    let gate = &before.gate.namespace;
    let installed = match InCluster::read(&before.cluster, Some(gate)).await? {
        InCluster::Seen(installed) => installed,
        InCluster::Unseen(fault) => return Err(fault.into()),
        InCluster::Unsupported => {
            let fault = Fault::not_found("the API server has no ValidatingAdmissionPolicy");
            return Err(fault.with_hint("it has one from Kubernetes 1.30 on").into());
        }
    };
    match &floor.action {
        Action::Set { flags, wait } => set(&before, installed, *flags, *wait).await,
        Action::Show => show(&before, &installed).await,
        Action::Drop { flags } => take_away(&before, &installed, *flags).await,
    }
}

async fn set(
    before: &Before,
    installed: Installed,
    flags: Flags,
    wait: Duration,
) -> Result<Exit, Failure> {
    let policy = policy(before)?;
    let Before { cluster, gate, .. } = before;
    installed.unless_kept(following::AT_ITS_SOURCE)?;
    let registered = Webhooks::registered(cluster, &gate.namespace).await?;
    let anew = following::Anew::whole(cluster, &registered, installed, policy).await?;
    tell_coverage(&registered, policy)?;
    if !flags.yes && !confirmed()? {
        say("nothing was changed");
        return Ok(Exit::Finding);
    }
    // What a replica still admits must not be refused.
    let awaited = Awaited::policy(policy.hash());
    match until_shown(cluster, &gate.namespace, &awaited, wait, &AtPrompt).await? {
        Exit::Fine => {}
        other => return Ok(other),
    }
    anew.write(cluster).await?;
    writeln!(stdout(), "the floor is of {} now", policy.hash())?;
    Ok(Exit::Fine)
}

async fn show(before: &Before, installed: &Installed) -> Result<Exit, Failure> {
    let policy = policy(before)?;
    let registered = Webhooks::registered(&before.cluster, &before.gate.namespace).await?;
    tell_coverage(&registered, policy)?;
    let mut out = stdout();
    if installed.is_empty() {
        writeln!(out, "there is no floor\n  hint: `kubectl imagegate floor set` makes one")?;
        return Ok(Exit::Finding);
    }
    let wanted = following::wanted(policy, &registered, &installed.base_name());
    let differences = drift(&wanted, &installed.objects());
    for difference in &differences {
        writeln!(out, "{difference}")?;
    }
    if differences.is_empty() {
        writeln!(out, "the floor is in step with the policy, {}", policy.hash())?;
        return Ok(Exit::Fine);
    }
    writeln!(out, "  hint: {SET}")?;
    Ok(Exit::Finding)
}

async fn take_away(before: &Before, installed: &Installed, flags: Flags) -> Result<Exit, Failure> {
    if installed.is_empty() {
        writeln!(stdout(), "there is no floor")?;
        return Ok(Exit::Fine);
    }
    installed.unless_kept("take it away at its source")?;
    for object in installed.objects() {
        let kind = if installed::is_binding(&object) { "binding" } else { "policy" };
        writeln!(stdout(), "{kind} {}", printable(installed::name(&object)))?;
    }
    if !flags.yes && !confirmed()? {
        say("nothing was changed");
        return Ok(Exit::Finding);
    }
    // A policy without a binding refuses nothing.
    for object in installed.bindings.iter().chain(&installed.policies) {
        installed::delete(&before.cluster, object).await?;
    }
    writeln!(stdout(), "the floor is gone")?;
    Ok(Exit::Fine)
}

fn policy(before: &Before) -> Result<&Policy, Failure> {
    match &before.policy {
        Some(policy) => Ok(policy),
        None => match before.compile(&before.config_map.data) {
            Err(fault @ PolicyFault::Invalid { .. }) => Err(fault.into()),
            Err(PolicyFault::Unread(fault)) => Err(fault.into()),
            Ok(_) => Err(Fault::unreadable("the policy cannot be read").into()),
        },
    }
}

/// What is held of the policy, and of each override that a webhook names.
fn tell_coverage(registered: &[Registered], policy: &Policy) -> Result<(), Failure> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut out = stdout();
    for webhook in registered {
        let pinned = webhook.pinned.as_deref();
        let Some(floor) = policy.floor(now, pinned) else { continue };
        let what = pinned.map_or("the policy".to_owned(), |it| format!("the override `{it}`"));
        writeln!(out, "{}, {}", printable(&what), headline(&floor))?;
        for line in lines(&floor) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}
