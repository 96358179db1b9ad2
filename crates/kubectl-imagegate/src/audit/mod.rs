//! `kubectl imagegate audit`: everything that runs in a cluster, judged as if it had to start again.

mod groups;
mod json;
mod judge;
mod objects;
mod text;

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::cli::{Failure, say};
use crate::cluster::{Cluster, Scope};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::explain::PolicyFlags;
use crate::gate::{Found, InForce, Namespaces, Replica, Webhooks, Which};
use crate::paint::Paint;

pub(crate) use judge::{Answer, Audited, judge};
pub(crate) use objects::Objects;

/// Judge every Pod and every workload of the cluster by the policy in force
///
/// A workload is judged as the Pods made from it would be. Pods that have ended, and ReplicaSets that
/// are kept for a rollback only, are left out. An exemption for certain users does not count: who made
/// an object is not written in it. Exit codes: 0 nothing is denied, 1 something is (see --fail-on),
/// 2 something could not be read, or there is nothing to judge, 3 the policy is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: list pods, replicationcontrollers, podtemplates, deployments, replicasets, statefulsets,
daemonsets, jobs, cronjobs and namespaces; for the policy in force, list pods and create
pods/portforward in the gate's namespace; list validatingwebhookconfigurations, to know which namespaces
the gate leaves out. Where a namespace may not be read it is skipped; that is said, and the exit code is 2.

  kubectl imagegate audit
  kubectl imagegate audit -n prod -o wide
  kubectl imagegate audit --policy new.yaml -o json")]
pub(crate) struct Audit {
    /// Look in every namespace; so it does unless -n names one
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    #[command(flatten)]
    policy: PolicyFlags,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Show what is allowed, too
    #[arg(long)]
    all: bool,
    /// What makes the exit code 1, or anything worse than it
    #[arg(long, value_enum, default_value_t = FailOn::Deny, value_name = "ANSWER")]
    fail_on: FailOn,
    /// Exit with 0 where there is nothing to judge
    #[arg(long)]
    allow_empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for an image
    Table,
    /// One line for an image of an owner, with the digest that runs
    Wide,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Deny,
    Warn,
    Audit,
    Never,
}

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
    let which = audit.policy.which();
    let (policy, read) = tokio::join!(policy_and_webhooks(&cluster, connection, &which), async {
        let namespaces = match &scope {
            Scope::Everywhere => Namespaces::read(&cluster).await?,
            Scope::Namespace(name) => Namespaces::one(&cluster, name).await.unwrap_or_default(),
        };
        let objects = Objects::read(&cluster, &scope, &namespaces.names()).await?;
        Ok::<_, crate::cluster::Fault>((namespaces, objects))
    });
    let ((in_force, webhooks), (namespaces, objects)) = (policy?, read?);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let audited = judge(&objects, &in_force.policy, &namespaces, webhooks.as_ref(), now);

    let in_namespaces: BTreeSet<&str> =
        objects.all.iter().map(|object| object.namespace.as_str()).collect();
    let mut basis = Basis {
        hash: in_force.policy.hash().to_owned(),
        origin: in_force.origin.clone(),
        gaps: objects.gaps.clone(),
        left_out: objects.left_out,
        namespaces: in_namespaces.len(),
    };
    if let Some(gap) = &namespaces.gap {
        basis.gaps.push(gap.clone());
    }
    if webhooks.is_none() {
        basis.gaps.push(
            "not allowed to list validatingwebhookconfigurations: namespaces that the gate leaves out are judged too"
                .to_owned(),
        );
    }
    for note in &in_force.notes {
        say(&format!("note: {note}"));
    }
    let out = &mut std::io::BufWriter::new(std::io::stdout().lock());
    match audit.output {
        Format::Table => text::table(out, Paint::for_stdout(), &objects, &audited, audit.all)?,
        Format::Wide => text::wide(out, Paint::for_stdout(), &objects, &audited, audit.all)?,
        Format::Json => json::print(out, &objects, &audited, &basis, audit.all)?,
    }
    std::io::Write::flush(out)?;
    for gap in &basis.gaps {
        say(&format!("warning: {gap}"));
    }
    say(&text::summary(&audited, &basis));
    Ok(exit(audit, &audited, &basis))
}

/// The policy to judge by, and how the API server asks the gate; `None` where that may not be read. A
/// policy from a file needs no gate.
async fn policy_and_webhooks(
    cluster: &Cluster,
    connection: &Connection,
    which: &Which,
) -> Result<(InForce, Option<Webhooks>), Failure> {
    let named = connection.gate_namespace.as_deref();
    if let Which::File(path) = which {
        let in_force = InForce::of_file(path)?;
        let webhooks = Webhooks::read(cluster, named).await.ok();
        return Ok((in_force, webhooks));
    }
    let gate = Found::find(cluster, named).await?;
    let replicas = match connection.endpoint.as_slice() {
        [] => Replica::ask_all(cluster, &gate).await,
        endpoints => Replica::ask_endpoints(endpoints).await,
    };
    let in_force = InForce::read(cluster, &gate, &replicas, which).await?;
    let webhooks = Webhooks::read(cluster, Some(&gate.namespace)).await.ok();
    Ok((in_force, webhooks))
}

/// A finding wins over what could not be read.
fn exit(audit: &Audit, audited: &Audited, basis: &Basis) -> Exit {
    let worst =
        audited.judged.iter().filter(|each| each.is_in_reach()).map(|each| each.answer).max();
    let least = match audit.fail_on {
        FailOn::Deny => Some(Answer::Deny),
        FailOn::Warn => Some(Answer::Warn),
        FailOn::Audit => Some(Answer::Audit),
        FailOn::Never => None,
    };
    if least.is_some_and(|least| worst.is_some_and(|worst| worst >= least)) {
        return Exit::Finding;
    }
    let empty = audited.judged.is_empty() && !audit.allow_empty;
    if empty || !basis.gaps.is_empty() { Exit::Unusable } else { Exit::Fine }
}
