//! What is wrong with a gate, from what was seen of it, each with what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::policy::printable;
use time::OffsetDateTime;

use super::Seen;
use crate::floor::{InCluster, Installed, SET};
use crate::gate::{Reach, Replica, Said, Served};

/// A certificate that ends within so many days is a problem: the alert `ImageGateCertificateExpiresSoon` says the
/// same.
const SOON: i64 = 14;

/// What a problem is about, in the order in which one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The Pods, and whether they answer.
    Replicas,
    /// What they enforce.
    Policy,
    /// How the API server asks them.
    Registration,
    /// Whom it trusts when it does.
    Certificate,
    /// Which namespaces are judged.
    Namespaces,
    /// What the API server holds by itself.
    Floor,
}

/// Something that is wrong, or that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) about: About,
    /// Whether it is a finding; a note is none.
    pub(crate) is_wrong: bool,
    pub(crate) text: String,
    pub(crate) hint: String,
}

impl Problem {
    fn wrong(about: About, text: String, hint: &str) -> Self {
        Self { about, is_wrong: true, text, hint: hint.to_owned() }
    }

    fn note(about: About, text: String, hint: &str) -> Self {
        Self { about, is_wrong: false, text, hint: hint.to_owned() }
    }
}

/// Everything that is wrong, the replicas first.
pub(crate) fn of(seen: &Seen) -> Vec<Problem> {
    let mut problems = of_replicas(&seen.replicas);
    problems.extend(around(seen));
    problems
}

/// What is wrong by what the replicas say themselves.
pub(crate) fn of_replicas(replicas: &[Replica]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for replica in replicas {
        of_replica(replica, now, &mut problems);
    }
    differences(replicas, &mut problems);
    problems
}

/// What is wrong around the replicas: an edit that does not reach them, and how they are asked.
pub(crate) fn around(seen: &Seen) -> Vec<Problem> {
    let mut problems = Vec::new();
    unreached(seen, &mut problems);
    webhooks(seen, &mut problems);
    namespaces(seen, &mut problems);
    floor(seen, &mut problems);
    problems
}

fn of_replica(replica: &Replica, now: i64, problems: &mut Vec<Problem>) {
    let name = printable(&replica.name);
    let mut wrong = |about, text: String, hint: &str| {
        problems.push(Problem::wrong(about, text, hint));
    };
    if let Some(pod) = &replica.pod {
        if pod.last_end.as_deref() == Some("OOMKilled") {
            wrong(
                About::Replicas,
                format!("{name} was killed for its memory, {} restarts", pod.restarts),
                "raise the memory limit, or lower max_body_bytes_total with it",
            );
        }
        if replica.said.is_ok() && !pod.ready && pod.state == "Running" {
            wrong(
                About::Replicas,
                format!("{name} runs and is not ready"),
                "the Service does not lead to it; `kubectl describe pod` has the probe's answer",
            );
        }
    }
    let Said { page, certificate_ends, .. } = match &replica.said {
        Ok(said) => said,
        Err(fault) => {
            let hint = fault.hint().unwrap_or(
                "`kubectl describe pod` and `kubectl logs` say why; listing and port-forwarding Pods there is needed",
            );
            return wrong(
                About::Replicas,
                format!("{name} cannot be asked: {}", fault.message()),
                hint,
            );
        }
    };
    if page.hash.is_none() {
        wrong(
            About::Policy,
            format!("{name} has no valid policy yet, and refuses every Pod with 503"),
            "`kubectl logs` has the error; `kubectl get configmap` whether the policy is there",
        );
    }
    if let Some(since) = &page.failing_since {
        let problem = page.problems.first().map_or("", String::as_str);
        let problem = problem.lines().next().unwrap_or_default();
        wrong(
            About::Policy,
            format!("{name} keeps the last good policy since {since}: {}", printable(problem)),
            "correct the ConfigMap; a replica that starts now would have no policy at all",
        );
    }
    if let Some(since) = page.missing_since.as_ref().or(page.deleted_at.as_ref()) {
        wrong(
            About::Policy,
            format!("the policy that {name} enforces is gone since {since}"),
            "create the ConfigMap anew; a replica that starts now is never ready",
        );
    }
    if let Some(problem) = page.candidate_problems.first() {
        let problem = problem.lines().next().unwrap_or_default();
        wrong(
            About::Policy,
            format!("the candidate is not valid: {}", printable(problem)),
            "correct the key candidate.yaml of the ConfigMap; nothing is on trial until then",
        );
    }
    let days = certificate_ends.map(|ends| (ends - now).div_euclid(86_400));
    match days {
        Some(..0) => wrong(
            About::Certificate,
            format!("the certificate of {name} has expired: the API server does not talk to it"),
            "rotate it; docs/operations/certificates.md says how",
        ),
        Some(days @ 0..=SOON) => wrong(
            About::Certificate,
            format!("the certificate of {name} ends in {days} days"),
            "rotate it; docs/operations/certificates.md says how",
        ),
        _ => {}
    }
}

/// What the replicas do not agree on.
fn differences(replicas: &[Replica], problems: &mut Vec<Problem>) {
    let mut hashes: BTreeMap<&str, usize> = BTreeMap::new();
    for hash in replicas.iter().filter_map(Replica::hash) {
        *hashes.entry(hash).or_default() += 1;
    }
    if hashes.len() > 1 {
        let counts: Vec<String> =
            hashes.iter().map(|(hash, count)| format!("{count} enforce {hash}")).collect();
        problems.push(Problem::wrong(
            About::Policy,
            format!("the replicas differ: {}", counts.join(", ")),
            "an edit reaches a node within a minute or two; after that, touch the Pods so that the kubelet looks again",
        ));
    }
    let versions: BTreeSet<&str> =
        replicas.iter().filter_map(|each| each.said.as_ref().ok()?.version.as_deref()).collect();
    if versions.len() > 1 {
        let versions: Vec<&str> = versions.into_iter().collect();
        problems.push(Problem::note(
            About::Replicas,
            format!("the replicas run different versions: {}", versions.join(", ")),
            "a rollout does that for a while; `kubectl rollout status` follows it",
        ));
    }
}

/// An edit that is stored, and that no replica enforces.
fn unreached(seen: &Seen, problems: &mut Vec<Problem>) {
    let hashes: BTreeSet<&str> = seen.replicas.iter().filter_map(Replica::hash).collect();
    if let (Some(stored), [hash]) =
        (&seen.config_map_hash, hashes.into_iter().collect::<Vec<_>>().as_slice())
        && stored != hash
    {
        problems.push(Problem::wrong(
            About::Policy,
            format!("the ConfigMap says {stored}, which no replica enforces yet"),
            "an edit reaches a node within a minute or two; after that, see whether the Pods mount this ConfigMap",
        ));
    }
}

fn webhooks(seen: &Seen, problems: &mut Vec<Problem>) {
    let webhooks = match &seen.webhooks {
        Ok(webhooks) => webhooks,
        Err(fault) => {
            let text =
                format!("how the API server asks the gate is not known: {}", fault.message());
            let hint = "list validatingwebhookconfigurations is the right it takes";
            return problems.push(Problem::note(About::Registration, text, hint));
        }
    };
    if webhooks.gates().next().is_none() {
        problems.push(Problem::wrong(
            About::Registration,
            "no webhook leads to the gate: nothing is judged".to_owned(),
            "apply the webhook configuration of the installation",
        ));
    }
    for (index, registration) in webhooks.0.iter().enumerate() {
        let webhook = &registration.webhook;
        let name = printable(&webhook.name);
        if webhook.judges() && webhook.failure_policy != "Fail" {
            let fails = format!("{name} fails open: while no replica answers,");
            problems.push(if seen.floor_there().is_some_and(Installed::is_in_force) {
                let text = format!("{fails} the floor alone refuses images");
                let hint = "`kubectl imagegate floor show` says what it leaves to the webhook";
                Problem::note(About::Registration, text, hint)
            } else {
                let text = format!("{fails} every image is admitted");
                let hint = "set failurePolicy: Fail once the gate has proven itself";
                Problem::wrong(About::Registration, text, hint)
            });
        }
        if webhook.server_name().is_some() && webhook.ca_bundle().is_none() {
            problems.push(Problem::wrong(
                About::Certificate,
                format!(
                    "{name} has no caBundle, so the API server trusts no certificate of the gate"
                ),
                "apply webhook.yaml from the run of certificates.sh that made the Secret",
            ));
        }
        match seen.served.get(index).and_then(Option::as_ref) {
            Some((replica, Ok(Served::Untrusted(why)))) => problems.push(Problem::wrong(
                About::Certificate,
                format!(
                    "{name}: the API server does not trust the certificate of {}: {why}",
                    printable(replica)
                ),
                "apply secret.yaml and webhook.yaml from the same run of certificates.sh",
            )),
            Some((replica, Err(fault))) => problems.push(Problem::wrong(
                About::Certificate,
                format!(
                    "{name}: the certificate of {} could not be seen: {}",
                    printable(replica),
                    fault.message()
                ),
                "the webhook port of the Pod does not answer; `kubectl logs` says why",
            )),
            _ => {}
        }
    }
}

/// The floor against the policy that the replicas enforce. While they differ, nobody can be in step.
fn floor(seen: &Seen, problems: &mut Vec<Problem>) {
    let installed = match &seen.floor {
        Ok(InCluster::Seen(installed)) if !installed.is_empty() => installed,
        Ok(InCluster::Unseen(fault)) | Err(fault) => {
            let text = format!("whether there is a floor is not known: {}", fault.message());
            let hint = "list validatingadmissionpolicies and validatingadmissionpolicybindings are the rights it takes";
            return problems.push(Problem::note(About::Floor, text, hint));
        }
        Ok(InCluster::Seen(_) | InCluster::Unsupported) => return,
    };
    let of = installed.hashes_in_words();
    if !installed.is_in_force() {
        let text = format!("the floor of {of} refuses nothing: no binding of it denies");
        let hint = "`kubectl imagegate floor set` puts it in force, `floor drop` takes it away";
        return problems.push(Problem::note(About::Floor, text, hint));
    }
    if let Some(hash) = seen.hash_of_all().filter(|hash| !installed.is_of(hash)) {
        let text = format!(
            "the floor is of {of}, and the replicas enforce {}: it may refuse what the policy admits",
            printable(hash)
        );
        problems.push(Problem::wrong(About::Floor, text, SET));
    }
}

fn namespaces(seen: &Seen, problems: &mut Vec<Problem>) {
    if let Some(gap) = &seen.namespaces.gap {
        problems.push(Problem::note(
            About::Namespaces,
            gap.clone(),
            "list namespaces is the right it takes",
        ));
    }
    let judged = seen.namespaces_that(|reach| matches!(reach, Reach::Judged(_)));
    let own = seen.gate_namespace.as_deref();
    for name in
        judged.iter().filter(|name| name.as_str() == "kube-system" || Some(name.as_str()) == own)
    {
        problems.push(Problem::wrong(
            About::Namespaces,
            format!("the namespace {} is judged: while the gate is down, what would bring it back cannot start", printable(name)),
            "label it kubernetes.io/metadata.name=NAME; API servers before 1.21 do not do so themselves",
        ));
    }
}
