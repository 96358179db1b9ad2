//! `kubectl imagegate doctor`: the runbook's troubleshooting, as far as a client can ask, in its order.

mod messages;
mod probe;
mod service;

use std::io::{self, Write};

use imagegate_core::policy::printable;
use imagegate_report::Exit;
use serde::Deserialize;

use crate::cli::{Failure, stdout};
use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::gate::Webhooks;
use crate::paint::Paint;
use crate::status::Seen;
use crate::status::faults::{self, About, Problem};
use crate::words::counted;

/// Look for what is wrong, in the order of the runbook, and try two Pods at the end
///
/// They are created with server dry-run in the namespace of -n: nothing is stored. Exit codes: 0 all
/// is well, 1 something is wrong, 2 the cluster does not answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Rights: those of `status`, get services and endpoints in the gate's namespace, create pods in the namespace \
of -n. A check that is not allowed says so and is passed over.")]
pub(crate) struct Doctor {}

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well; what was seen.
    Fine(String),
    /// Something is wrong; what was seen, and the cure.
    Wrong(String, String),
    /// It could not be checked; why.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

/// The checks as they are made, printed at once: the next one may take a while.
struct Report<W> {
    out: W,
    paint: Paint,
    wrong: usize,
}

pub(crate) async fn run(connection: &Connection, _: &Doctor) -> Result<Exit, Failure> {
    let cluster = connection.open().await?;
    let mut report = Report { out: stdout(), paint: Paint::for_stdout(), wrong: 0 };
    let version: Version = cluster.get("/version").await?;
    report.tell("API server", Outcome::Fine(format!("answers, {}", version.git_version)))?;

    let seen = match Seen::look(&cluster, connection).await {
        Ok(seen) => seen,
        Err(Failure::Fault(fault)) => {
            let cure = fault.hint().unwrap_or("docs/operations/break-glass.md, step 2").to_owned();
            report.tell("Pods", Outcome::Wrong(fault.message().to_owned(), cure))?;
            let left = registered_alone(&cluster).await;
            report.tell("webhooks", left)?;
            return report.end();
        }
        Err(failure) => return Err(failure),
    };
    let problems = faults::of(&seen);
    let running = seen.replicas.iter().filter(|replica| replica.said.is_ok()).count();
    let replicas = format!("{} of {} answer", running, counted(seen.replicas.len(), "replica"));
    report.tell_of("replicas", About::Replicas, &problems, replicas)?;
    let hash = seen.replicas.iter().find_map(crate::gate::Replica::hash).unwrap_or("none");
    report.tell_of("policy", About::Policy, &problems, format!("{hash} is in force"))?;
    let webhooks = seen.webhooks.as_ref().map_or(0, |webhooks| webhooks.0.len());
    let registered = format!("{} registered", counted(webhooks, "webhook"));
    report.tell_of("webhooks", About::Registration, &problems, registered)?;
    for outcome in service::check(&cluster, &seen).await {
        report.tell("Service", outcome)?;
    }
    let trusted = "the API server trusts what the replicas serve".to_owned();
    let checked = seen.served.iter().any(Option::is_some);
    if checked || problems.iter().any(|problem| problem.about == About::Certificate) {
        report.tell_of("certificates", About::Certificate, &problems, trusted)?;
    } else {
        let why = "no webhook with a Service and a caBundle, or no Pod to shake hands with";
        report.tell("certificates", Outcome::Unknown(why.to_owned()))?;
    }
    let left_out = "kube-system and the gate's own namespace are left out".to_owned();
    report.tell_of("namespaces", About::Namespaces, &problems, left_out)?;
    if let Some(floor) = seen.floor_there() {
        let in_step = format!("of {}, in step with the policy", floor.hashes_in_words());
        report.tell_of("floor", About::Floor, &problems, in_step)?;
    }
    for outcome in probe::try_pods(&cluster, &seen).await {
        report.tell("a Pod", outcome)?;
    }
    report.end()
}

/// A gate without Pods is no harm, unless the API server still asks it.
async fn registered_alone(cluster: &Cluster) -> Outcome {
    match Webhooks::read(cluster, None).await {
        Ok(webhooks) if webhooks.0.is_empty() => {
            Outcome::Fine("none registered: there is no gate here".to_owned())
        }
        Ok(webhooks) => {
            let closed = webhooks.gates().any(|webhook| webhook.failure_policy == "Fail");
            let what =
                if closed { "no Pod in their scope can be created" } else { "they fail open" };
            Outcome::Wrong(
                format!("{} registered, and nobody behind: {what}", counted(webhooks.0.len(), "webhook")),
                "bring the Pods back, or kubectl delete validatingwebhookconfiguration com.imagegate.webhook"
                    .to_owned(),
            )
        }
        Err(fault) => Outcome::Unknown(fault.message().to_owned()),
    }
}

impl<W: Write> Report<W> {
    /// The problems about something, or that it is fine.
    fn tell_of(
        &mut self,
        title: &str,
        about: About,
        problems: &[Problem],
        fine: String,
    ) -> io::Result<()> {
        let mut any = false;
        for Problem { is_wrong, text, hint, .. } in
            problems.iter().filter(|problem| problem.about == about)
        {
            any = true;
            self.tell(
                title,
                match is_wrong {
                    true => Outcome::Wrong(text.clone(), hint.clone()),
                    false => Outcome::Unknown(text.clone()),
                },
            )?;
        }
        if any { Ok(()) } else { self.tell(title, Outcome::Fine(fine)) }
    }

    fn tell(&mut self, title: &str, outcome: Outcome) -> io::Result<()> {
        let Self { out, paint, wrong } = self;
        match outcome {
            Outcome::Fine(seen) => {
                writeln!(out, "{}  {title:<12}  {}", paint.good("ok  "), printable(&seen))
            }
            Outcome::Wrong(seen, cure) => {
                *wrong += 1;
                writeln!(out, "{}  {title:<12}  {}", paint.bad("FAIL"), printable(&seen))?;
                writeln!(out, "      hint: {}", printable(&cure))
            }
            Outcome::Unknown(why) => {
                writeln!(out, "{}  {title:<12}  {}", paint.notable("?   "), printable(&why))
            }
        }
    }

    fn end(mut self) -> Result<Exit, Failure> {
        let Self { out, wrong, .. } = &mut self;
        writeln!(out)?;
        if *wrong == 0 {
            writeln!(out, "nothing is wrong")?;
            return Ok(Exit::Fine);
        }
        writeln!(
            out,
            "{} found; docs/operations/troubleshooting.md says more",
            counted(*wrong, "problem")
        )?;
        Ok(Exit::Finding)
    }
}
