//! The status for people: a verdict in one line, tables, and what is wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};

use imagegate_core::policy::printable;
use time::OffsetDateTime;

use super::Seen;
use super::faults::Problem;
use crate::floor::InCluster;
use crate::gate::{Memory, Reach, Replica, Said, Served};
use crate::paint::Paint;
use crate::table::Table;

/// Names of namespaces in one line.
const MOST_NAMED: usize = 20;

pub(super) fn print(
    out: &mut impl Write,
    paint: Paint,
    seen: &Seen,
    problems: &[Problem],
) -> io::Result<()> {
    let wrong = problems.iter().any(|problem| problem.is_wrong);
    let line = verdict(&seen.replicas);
    writeln!(out, "{}", if wrong { paint.bad(&line) } else { paint.good(&line) })?;
    writeln!(out)?;
    replicas(seen).print(out)?;
    if let Ok(webhooks) = &seen.webhooks
        && !webhooks.0.is_empty()
    {
        writeln!(out)?;
        registrations(seen).print(out)?;
    }
    let excluded = seen.namespaces_that(|reach| matches!(reach, Reach::Excluded(_)));
    let opted_out = seen.namespaces_that(|reach| *reach == Reach::OptedOut);
    let floor = floor(seen);
    if !excluded.is_empty() || !opted_out.is_empty() || floor.is_some() {
        writeln!(out)?;
    }
    for (title, names) in [("excluded ", excluded), ("opted out", opted_out)] {
        if !names.is_empty() {
            writeln!(out, "{title}  {}", listed(&names))?;
        }
    }
    if let Some(floor) = floor {
        writeln!(out, "floor      {floor}")?;
    }
    if !problems.is_empty() {
        writeln!(out)?;
    }
    for Problem { is_wrong, text, hint, .. } in problems {
        let kind = if *is_wrong { paint.bad("problem") } else { paint.notable("note") };
        writeln!(out, "{kind}: {text}\n  hint: {hint}")?;
    }
    Ok(())
}

/// The line on top: `2 of 2 replicas enforce 8a8df72b731a`.
pub(crate) fn verdict(replicas: &[Replica]) -> String {
    let all = replicas.len();
    let mut by_hash: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for Said { page, .. } in replicas.iter().filter_map(|replica| replica.said.as_ref().ok()) {
        if let Some(hash) = &page.hash {
            *by_hash.entry((hash, page.mode())).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = by_hash.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let said = |((hash, mode), count): &((&str, &str), usize)| {
        let word = match (*mode, *count) {
            ("warn", 1) => "warns by",
            ("warn", _) => "warn by",
            ("audit", 1) => "only logs by",
            ("audit", _) => "only log by",
            (_, 1) => "enforces",
            _ => "enforce",
        };
        format!("{word} {hash}")
    };
    match counts.as_slice() {
        [] => {
            let replicas = if all == 1 { "replica" } else { "replicas" };
            format!("no policy is known to be in force: none of {all} {replicas} says one")
        }
        [first, others @ ..] => {
            let replicas = if all == 1 { "replica" } else { "replicas" };
            let mut line = format!("{} of {all} {replicas} {}", first.1, said(first));
            for other in others {
                line = format!("{line}, {} {}", other.1, said(other));
            }
            line
        }
    }
}

fn replicas(seen: &Seen) -> Table<9> {
    let mut table = Table::new([
        "REPLICA",
        "VERSION",
        "POLICY",
        "GENERATION",
        "APPLIED",
        "CANDIDATE",
        "CERTIFICATE",
        "RESTARTS",
        "REMEMBERS",
    ]);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let unknown = || "-".to_owned();
    let memories = seen.memories.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    for (Replica { name, pod, said }, memory) in seen.replicas.iter().zip(memories) {
        let name = printable(name).into_owned();
        let restarts = pod.as_ref().map_or_else(unknown, |pod| pod.restarts.to_string());
        let Ok(Said { page, version, certificate_ends, .. }) = said else {
            let state = pod.as_ref().map_or("no answer", |pod| pod.state.as_str());
            let state = if state == "Running" { "no answer" } else { state };
            let state = printable(state).into_owned();
            table.row([
                name,
                unknown(),
                state,
                unknown(),
                unknown(),
                unknown(),
                unknown(),
                restarts,
                unknown(),
            ]);
            continue;
        };
        let candidate = page.candidate.as_ref().map_or_else(
            || "none".to_owned(),
            |candidate| {
                format!(
                    "{}: +{} -{} of {}",
                    candidate.hash,
                    candidate.flipped_to_allow,
                    candidate.flipped_to_deny,
                    candidate.evaluated
                )
            },
        );
        table.row([
            name,
            version.as_deref().map_or_else(unknown, |version| printable(version).into_owned()),
            page.hash
                .as_deref()
                .map_or_else(|| "none".to_owned(), |hash| printable(hash).into_owned()),
            page.generation.to_string(),
            page.applied_at
                .as_deref()
                .map_or_else(unknown, |at| printable(&to_seconds(at)).into_owned()),
            printable(&candidate).into_owned(),
            certificate_ends.map_or_else(unknown, |ends| days((ends - now).div_euclid(86_400))),
            restarts,
            memory.map_or_else(unknown, |Memory { since, entries }| {
                let plural = if *entries == 1 { "" } else { "s" };
                format!("{entries} use{plural} since {}", printable(&to_seconds(since)))
            }),
        ]);
    }
    table
}

fn registrations(seen: &Seen) -> Table<5> {
    let mut table = Table::new(["WEBHOOK", "ON FAILURE", "ASKED AT", "TIMEOUT", "CERTIFICATE"]);
    let webhooks = seen.webhooks.iter().flat_map(|webhooks| &webhooks.0);
    for (index, registration) in webhooks.enumerate() {
        let webhook = &registration.webhook;
        let certificate = match seen.served.get(index).and_then(Option::as_ref) {
            Some((_, Ok(Served::Trusted))) => "trusted",
            Some((_, Ok(Served::Untrusted(_)))) => "not trusted",
            Some((_, Err(_))) => "not seen",
            None => "not checked",
        };
        table.row([
            printable(&webhook.name).into_owned(),
            printable(&webhook.failure_policy).into_owned(),
            printable(&webhook.address()).into_owned(),
            format!("{} s", webhook.timeout_seconds),
            certificate.to_owned(),
        ]);
    }
    table
}

/// `of 8a8df72b731a, in step`; `None` where the API server can have none, or it is not known.
fn floor(seen: &Seen) -> Option<String> {
    match &seen.floor {
        Ok(InCluster::Seen(installed)) if installed.is_empty() => Some("none".to_owned()),
        Ok(InCluster::Seen(installed)) => {
            let is_in_step = seen.hash_of_all().is_some_and(|hash| installed.is_of(hash));
            let how = match (installed.is_in_force(), is_in_step) {
                (false, _) => "refuses nothing",
                (true, true) => "in step",
                (true, false) => "not in step",
            };
            Some(format!("of {}, {how}", installed.hashes_in_words()))
        }
        Ok(InCluster::Unsupported | InCluster::Unseen(_)) | Err(_) => None,
    }
}

fn days(days: i64) -> String {
    match days {
        ..=-1 => "expired".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// A time without its fraction of a second.
fn to_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMED).map(|name| printable(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
