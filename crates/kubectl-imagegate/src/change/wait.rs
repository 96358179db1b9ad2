//! Waiting until every replica enforces a policy.

use std::io::Write as _;
use std::time::{Duration, Instant};

use imagegate_core::policy::printable;
use imagegate_report::Exit;

use crate::cli::{Failure, say};
use crate::cluster::Cluster;
use crate::gate::{Found, Replica};

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(1);

/// Waits, or says which replica does not enforce it and why. The Pods are looked up each time, since one
/// may be replaced meanwhile.
pub(super) async fn until_enforced(
    cluster: &Cluster,
    namespace: &str,
    hash: &str,
    limit: Duration,
) -> Result<Exit, Failure> {
    let end = Instant::now() + limit;
    let mut said = usize::MAX;
    loop {
        let replicas = match Found::find(cluster, Some(namespace)).await {
            Ok(gate) => Replica::ask_all(cluster, &gate).await,
            Err(fault) if Instant::now() < end => {
                say(&format!("waiting: {}", fault.message()));
                Vec::new()
            }
            Err(fault) => return Err(fault.into()),
        };
        let count = replicas.iter().filter(|replica| replica.hash() == Some(hash)).count();
        let all = replicas.len();
        if all > 0 && count == all {
            writeln!(std::io::stdout(), "{count} of {all} replicas enforce {hash}")?;
            return Ok(Exit::Fine);
        }
        if count != said {
            say(&format!("{count} of {all} replicas enforce {hash}, waiting"));
            said = count;
        }
        if Instant::now() >= end {
            for replica in replicas.iter().filter(|replica| replica.hash() != Some(hash)) {
                say(&format!("{}: {}", printable(&replica.name), why(replica)));
            }
            say(
                "  hint: the kubelet writes the volume within a minute or two; `kubectl imagegate status --watch` follows it",
            );
            return Ok(Exit::Finding);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn why(replica: &Replica) -> String {
    match &replica.said {
        Err(fault) => format!("cannot be asked: {}", fault.message()),
        Ok(said) => match (&said.page.failing_since, said.page.problems.first()) {
            (Some(since), Some(problem)) => {
                let problem = problem.lines().next().unwrap_or_default();
                format!("keeps the last good policy since {since}: {}", printable(problem))
            }
            _ => match &said.page.hash {
                Some(hash) => format!("still enforces {}", printable(hash)),
                None => "has no policy yet".to_owned(),
            },
        },
    }
}
