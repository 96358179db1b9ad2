//! `kubectl imagegate audit`: everything that runs in a cluster, judged as if it had to start again.

mod groups;
mod judge;
mod objects;
mod openreports;
mod running;
mod text;

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;
use imagegate_report::{
    Answer, Exit, FailOn, Format, PolicySource, Report, Style, Trouble, TroubleKind,
};
use time::OffsetDateTime;

use crate::cli::{Failure, say, stdout};
use crate::cluster::{Cluster, Scope};
use crate::connection::{Connection, Everywhere};
use crate::explain::PolicyFlags;
use crate::gate::{Found, InForce, Replica, Which};
use crate::paint::Paint;

pub(crate) use groups::{ByImage, ByUse, UseKey, by_image, by_use};
pub(crate) use judge::{Audited, Judged};
pub(crate) use objects::Objects;
#[cfg(test)]
pub(crate) use objects::{Image, Object};
pub(crate) use running::Running;

/// Judge every Pod and every workload of the cluster by the policy in force
///
/// A workload is judged as the Pods made from it would be. Pods that have ended, and ReplicaSets that
/// are kept for a rollback only, are left out. An exemption for certain users does not count: who made
/// an object is not written in it. Exit codes: 0 nothing is denied, 1 something is (see --fail-on),
/// 2 something could not be read, or there is nothing to judge, 3 the policy is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, replicationcontrollers, podtemplates, deployments, replicasets, statefulsets, \
daemonsets, jobs, cronjobs and namespaces (get, with -n); for the policy in force, list pods, get and create \
pods/portforward in the gate's namespace; list validatingwebhookconfigurations, to know which namespaces \
the gate leaves out. Where a namespace may not be read it is skipped; that is said, and the exit code is 2.

  kubectl imagegate audit
  kubectl imagegate audit -n prod -o wide
  kubectl imagegate audit --policy new.yaml -o json
  kubectl imagegate audit -o openreports | kubectl apply --server-side -f -")]
pub(crate) struct Audit {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(flatten)]
    policy: PolicyFlags,
    /// Output format
    ///
    /// table: one line for an image; wide: one line for an image of an owner, with the digest that runs;
    /// openreports: a Report of openreports.io for each namespace, for `kubectl apply --server-side`. The
    /// others are those of `imagegate check`
    #[arg(short, long, default_value = TABLE, value_parser = formats())]
    output: String,
    /// Show what is allowed, too
    #[arg(long)]
    all: bool,
    /// The mildest answer that ends with exit code 1
    #[arg(long, default_value = "deny", value_name = "ANSWER", value_parser = FailOn::ALL.map(FailOn::as_str))]
    fail_on: String,
    /// Exit with 0 where there is nothing to judge
    #[arg(long)]
    allow_empty: bool,
}

/// One line for an image.
const TABLE: &str = "table";
/// One line for an image of an owner.
const WIDE: &str = "wide";
/// Objects for the cluster.
const OPENREPORTS: &str = "openreports";

/// What an audit was made of, beside its findings.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) hash: String,
    pub(crate) origin: String,
    /// In words, one for each.
    pub(crate) gaps: Vec<String>,
    pub(crate) left_out: usize,
    pub(crate) namespaces: usize,
}

pub(crate) async fn run(connection: &Connection, audit: &Audit) -> Result<Exit, Failure> {
    let cluster = connection.open().await?;
    let scope = match &connection.namespace {
        Some(namespace) => Scope::Namespace(namespace.clone()),
        None => Scope::Everywhere,
    };
    let (in_force, running) =
        policy_and_running(&cluster, connection, &audit.policy.which(), &scope).await?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let audited = running.judged(&in_force.policy, now);
    let objects = &running.objects;

    let in_namespaces: BTreeSet<&str> =
        objects.all.iter().map(|object| object.namespace.as_str()).collect();
    let basis = Basis {
        hash: in_force.policy.hash().to_owned(),
        origin: in_force.origin.clone(),
        gaps: running.gaps().to_vec(),
        left_out: objects.left_out,
        namespaces: in_namespaces.len(),
    };
    for note in &in_force.notes {
        say(&format!("note: {note}"));
    }
    let report = report(objects, &audited, &basis, audit);
    let out = &mut std::io::BufWriter::new(stdout());
    let paint = Paint::for_stdout();
    match Format::ALL.into_iter().find(|format| format.as_str() == audit.output) {
        Some(format) => {
            let style = Style { color: paint.is_wanted(), verbose: audit.all };
            imagegate_report::write(&report, format, style, out)?;
        }
        None if audit.output == WIDE => text::wide(out, paint, objects, &audited, audit.all)?,
        None if audit.output == OPENREPORTS => {
            openreports::write(out, objects, &audited, &basis, audit.all, now)?;
        }
        None => text::table(out, paint, objects, &audited, audit.all)?,
    }
    std::io::Write::flush(out)?;
    for gap in &basis.gaps {
        say(&format!("warning: {gap}"));
    }
    say(&text::summary(&audited, &basis));
    let fail_on = FailOn::ALL.into_iter().find(|each| each.as_str() == audit.fail_on);
    Ok(report.summary.outcome(fail_on.unwrap_or_default(), audit.allow_empty).into())
}

/// The policy to judge by, and what runs. A policy from a file needs no gate.
async fn policy_and_running(
    cluster: &Cluster,
    connection: &Connection,
    which: &Which,
    scope: &Scope,
) -> Result<(InForce, Running), Failure> {
    let named = connection.gate_namespace.as_deref();
    if let Which::File(path) = which {
        return Ok((InForce::of_file(path)?, Running::read(cluster, named, scope).await?));
    }
    let endpoints = &connection.endpoint;
    let gate = Found::find_unless_named(cluster, named, endpoints).await?;
    let in_force = async {
        let replicas = Replica::ask_named_or_all(cluster, &gate, endpoints).await;
        InForce::read(cluster, &gate, &replicas, which).await
    };
    let of_gate = Found::namespace_of(&gate).or(named);
    let (in_force, running) = tokio::join!(in_force, Running::read(cluster, of_gate, scope));
    Ok((in_force?, running?))
}

/// The findings with their counts, for the formats of `imagegate check`. What is allowed is counted, and
/// is there only for who wants to see it.
fn report(objects: &Objects, audited: &Audited, basis: &Basis, audit: &Audit) -> Report {
    let Basis { hash, origin, gaps, .. } = basis;
    let mut report = Report::new(PolicySource { source: origin.clone(), hash: hash.clone() });
    report.summary.objects = objects.all.len();
    for Judged { finding, .. } in &audited.judged {
        report.summary.count(finding);
        if audit.all || finding.decision > Answer::Allow {
            report.findings.push(finding.clone());
        }
    }
    for gap in gaps {
        let message = gap.clone();
        let kind = TroubleKind::Unreadable;
        report.add_trouble(Trouble { kind, place: None, message, hint: None });
    }
    report.moved_tags.clone_from(&audited.moved_tags);
    report
}

/// The forms of an audit, then those of every command.
fn formats() -> PossibleValuesParser {
    [TABLE, WIDE, OPENREPORTS].into_iter().chain(Format::ALL.map(Format::as_str)).into()
}
