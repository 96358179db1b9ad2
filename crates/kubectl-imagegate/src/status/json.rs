//! The status for programs. Fields are added, and never change their meaning.

use std::io::{self, Write};

use imagegate_report::write_json;
use serde_json::{Value, json};

use super::Seen;
use super::faults::Problem;
use super::text::verdict;
use crate::gate::{Memory, Reach, Replica, Said, Served};

pub(super) fn print(out: &mut impl Write, seen: &Seen, problems: &[Problem]) -> io::Result<()> {
    let webhooks = seen.webhooks.iter().flat_map(|webhooks| &webhooks.0);
    let webhooks = webhooks.enumerate().map(|(index, registration)| {
        let webhook = &registration.webhook;
        let served = seen.served.get(index).and_then(Option::as_ref);
        json!({
            "configuration": registration.configuration,
            "name": webhook.name,
            "judges": webhook.judges(),
            "failurePolicy": webhook.failure_policy,
            "address": webhook.address(),
            "timeoutSeconds": webhook.timeout_seconds,
            "certificateTrusted": served.and_then(|(_, served)| match served {
                Ok(served) => Some(*served == Served::Trusted),
                Err(_) => None,
            }),
        })
    });
    let memories = seen.memories.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let replicas = seen.replicas.iter().zip(memories);
    let replicas = replicas.map(|(each, memory)| replica(each, memory));
    let problems = problems.iter().map(problem);
    let status = json!({
        "verdict": verdict(&seen.replicas),
        "namespace": seen.gate_namespace,
        "replicas": replicas.collect::<Vec<_>>(),
        "webhooks": webhooks.collect::<Vec<_>>(),
        "excludedNamespaces": seen.namespaces_that(|reach| matches!(reach, Reach::Excluded(_))),
        "optedOutNamespaces": seen.namespaces_that(|reach| *reach == Reach::OptedOut),
        "configMapHash": seen.config_map_hash,
        "floor": seen.floor_there().map(|floor| json!({
            "policyHashes": floor.hashes(),
            "inForce": floor.is_in_force(),
            "inStep": seen.hash_of_all().map(|hash| floor.is_of(hash)),
        })),
        "problems": problems.collect::<Vec<_>>(),
    });
    write_json(&status, out)
}

/// Something that is wrong, or that somebody should know.
pub(crate) fn problem(problem: &Problem) -> Value {
    let Problem { is_wrong, text, hint, .. } = problem;
    let severity = if *is_wrong { "problem" } else { "note" };
    json!({ "severity": severity, "message": text, "hint": hint })
}

/// A replica, and what it says of itself.
pub(crate) fn replica(replica: &Replica, memory: Option<&Memory>) -> Value {
    let pod = replica.pod.as_ref();
    let mut shown = json!({
        "name": replica.name,
        "state": pod.map(|pod| &pod.state),
        "ready": pod.map(|pod| pod.ready),
        "restarts": pod.map(|pod| pod.restarts),
    });
    let said = match &replica.said {
        Ok(Said { page, version, certificate_ends, .. }) => json!({
            "version": version,
            "policyHash": page.hash,
            "mode": page.mode(),
            "generation": page.generation,
            "appliedAt": page.applied_at,
            "failingSince": page.failing_since,
            "problems": page.problems,
            "candidate": page.candidate.as_ref().map(|candidate| json!({
                "hash": candidate.hash,
                "evaluated": candidate.evaluated,
                "flippedToAllow": candidate.flipped_to_allow,
                "flippedToDeny": candidate.flipped_to_deny,
            })),
            "candidateProblems": page.candidate_problems,
            "certificateNotAfter": certificate_ends,
            "remembers": memory.map(|memory| json!({ "since": memory.since, "uses": memory.entries })),
        }),
        Err(fault) => json!({ "error": fault.message() }),
    };
    if let (Value::Object(shown), Value::Object(said)) = (&mut shown, said) {
        shown.extend(said);
    }
    shown
}
