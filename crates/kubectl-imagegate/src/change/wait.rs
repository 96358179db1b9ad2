//! Waiting until every replica has read an edit.

use std::time::{Duration, Instant};

use imagegate_core::policy::printable;
use imagegate_report::Exit;

use super::tell::Tell;
use crate::cli::Failure;
use crate::cluster::Cluster;
use crate::gate::{Found, Replica};

/// The pause before they are asked again, the first time and the longest. A volume that is read at once is seen
/// at once, and a kubelet takes its minute.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// By which each pause is longer than the one before.
const LONGER: Duration = Duration::from_millis(100);

/// What every replica says of itself once it has read an edit: hashes, as `/policy` shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited<'a> {
    /// The policy in force; `None` where the edit is of the candidate alone.
    pub(super) policy: Option<&'a str>,
    pub(super) candidate: Trial<'a>,
}

/// What an edit makes of the candidate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trial<'a> {
    /// There is none any more.
    Ends,
    /// There is another one, with this hash.
    Begins(&'a str),
    /// It stays as it is.
    Stays,
}

impl<'a> Awaited<'a> {
    /// A policy in force, whatever the candidate is.
    pub(crate) fn policy(hash: &'a str) -> Self {
        Self { policy: Some(hash), candidate: Trial::Stays }
    }

    /// `8a8df72b731a is on its way`
    pub(super) fn on_its_way(&self) -> String {
        match (self.policy, self.candidate) {
            (Some(policy), Trial::Begins(candidate)) => {
                format!("{policy} and the candidate {candidate} are on their way")
            }
            (Some(policy), Trial::Ends | Trial::Stays) => format!("{policy} is on its way"),
            (None, Trial::Begins(candidate)) => format!("the candidate {candidate} is on its way"),
            (None, Trial::Ends | Trial::Stays) => {
                "the end of the candidate is on its way".to_owned()
            }
        }
    }

    /// What the replicas do then: `enforce 8a8df72b731a`.
    fn done(&self) -> String {
        let enforce = self.policy.map(|policy| format!("enforce {policy}"));
        let evaluate = match self.candidate {
            Trial::Begins(candidate) => Some(format!("evaluate the candidate {candidate}")),
            Trial::Ends => Some("evaluate no candidate".to_owned()),
            Trial::Stays => None,
        };
        let both: Vec<String> = enforce.into_iter().chain(evaluate).collect();
        both.join(" and ")
    }

    fn is_shown_by(&self, replica: &Replica) -> bool {
        let Ok(said) = &replica.said else { return false };
        let page = &said.page;
        let shown = page.candidate.as_ref().map(|candidate| candidate.hash.as_str());
        self.policy.is_none_or(|policy| page.hash.as_deref() == Some(policy))
            && match self.candidate {
                Trial::Begins(candidate) => shown == Some(candidate),
                Trial::Ends => shown.is_none(),
                Trial::Stays => true,
            }
    }

    /// Why a replica does not show it.
    fn why_not(&self, replica: &Replica) -> String {
        let page = match &replica.said {
            Err(fault) => return format!("cannot be asked: {}", fault.message()),
            Ok(said) => &said.page,
        };
        let first_line =
            |problem: &String| printable(problem.lines().next().unwrap_or_default()).into_owned();
        if let (Some(since), Some(problem)) = (&page.failing_since, page.problems.first()) {
            let since = printable(since);
            return format!("keeps the last good policy since {since}: {}", first_line(problem));
        }
        if self.policy.is_some_and(|policy| page.hash.as_deref() != Some(policy)) {
            return match &page.hash {
                Some(hash) => format!("still enforces {}", printable(hash)),
                None => "has no policy yet".to_owned(),
            };
        }
        match (&page.candidate, page.candidate_problems.first()) {
            (_, Some(problem)) => format!("cannot evaluate the candidate: {}", first_line(problem)),
            (Some(candidate), None) => {
                format!("still evaluates the candidate {}", printable(&candidate.hash))
            }
            (None, None) => "evaluates no candidate yet".to_owned(),
        }
    }
}

/// Waits, or says which replica does not show it and why. The Pods are looked up each time, since one may
/// be replaced meanwhile.
pub(crate) async fn until_shown(
    cluster: &Cluster,
    namespace: &str,
    awaited: &Awaited<'_>,
    limit: Duration,
    told: &impl Tell,
) -> Result<Exit, Failure> {
    let end = Instant::now() + limit;
    let done = awaited.done();
    let mut said = usize::MAX;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let replicas = match Found::find(cluster, Some(namespace)).await {
            Ok(gate) => Replica::ask_all(cluster, &gate).await,
            Err(fault) if Instant::now() < end => {
                told.aside(&format!("waiting: {}", fault.message()));
                Vec::new()
            }
            Err(fault) => return Err(fault.into()),
        };
        let count = replicas.iter().filter(|replica| awaited.is_shown_by(replica)).count();
        let all = replicas.len();
        if all > 0 && count == all {
            told.done(&format!("{count} of {all} replicas {done}"))?;
            return Ok(Exit::Fine);
        }
        if count != said {
            told.aside(&format!("{count} of {all} replicas {done}, waiting"));
            said = count;
        }
        if Instant::now() >= end {
            for replica in replicas.iter().filter(|replica| !awaited.is_shown_by(replica)) {
                told.aside(&format!("{}: {}", printable(&replica.name), awaited.why_not(replica)));
            }
            told.aside(
                "  hint: the kubelet writes the volume within a minute or two; `kubectl imagegate status --watch` follows it",
            );
            return Ok(Exit::Finding);
        }
        tokio::time::sleep(pause).await;
        pause = (pause + LONGER).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::{Awaited, Trial};
    use crate::cluster::Fault;
    use crate::gate::{Replica, Said};

    const NEW_POLICY: Awaited<'_> = Awaited { policy: Some("p2"), candidate: Trial::Stays };
    const NEW_CANDIDATE: Awaited<'_> = Awaited { policy: None, candidate: Trial::Begins("c2") };
    const NO_CANDIDATE: Awaited<'_> = Awaited { policy: None, candidate: Trial::Ends };
    const PROMOTED: Awaited<'_> = Awaited { policy: Some("c1"), candidate: Trial::Ends };
    const BOTH: Awaited<'_> = Awaited { policy: Some("p2"), candidate: Trial::Begins("c2") };

    fn replica(page: &str) -> Replica {
        let page = serde_json::from_str(page).unwrap();
        let said = Ok(Said { page, ..Said::default() });
        Replica { name: "one".to_owned(), pod: None, said }
    }

    #[test]
    fn an_edit_is_waited_for_by_the_hash_that_it_changes() {
        let none = r#"{"hash":"p1","candidate":null}"#;
        let old = r#"{"hash":"p1","candidate":{"hash":"c1"}}"#;
        let tried = r#"{"hash":"p1","candidate":{"hash":"c2"}}"#;
        let promoted = r#"{"hash":"c1","candidate":null}"#;
        let enforced = r#"{"hash":"p2","candidate":null}"#;
        let both = r#"{"hash":"p2","candidate":{"hash":"c2"}}"#;
        for (awaited, page, why_not) in [
            (NEW_POLICY, none, Some("still enforces p1")),
            (NEW_POLICY, "{}", Some("has no policy yet")),
            (NEW_POLICY, enforced, None),
            (NEW_CANDIDATE, none, Some("evaluates no candidate yet")),
            (NEW_CANDIDATE, old, Some("still evaluates the candidate c1")),
            (NEW_CANDIDATE, tried, None),
            (NO_CANDIDATE, old, Some("still evaluates the candidate c1")),
            (NO_CANDIDATE, none, None),
            (
                PROMOTED,
                r#"{"hash":"c1","candidate":{"hash":"c1"}}"#,
                Some("still evaluates the candidate c1"),
            ),
            (PROMOTED, promoted, None),
            (BOTH, enforced, Some("evaluates no candidate yet")),
            (BOTH, tried, Some("still enforces p1")),
            (BOTH, both, None),
            (
                NEW_CANDIDATE,
                r#"{"hash":"p1","candidateProblems":["bad\nworse"]}"#,
                Some("cannot evaluate the candidate: bad"),
            ),
            (
                NEW_POLICY,
                r#"{"hash":"p1","failingSince":"then","problems":["bad\nworse"]}"#,
                Some("keeps the last good policy since then: bad"),
            ),
        ] {
            let replica = replica(page);
            assert_eq!(awaited.is_shown_by(&replica), why_not.is_none(), "{awaited:?} {page}");
            if let Some(why_not) = why_not {
                assert_eq!(awaited.why_not(&replica), why_not, "{awaited:?} {page}");
            }
        }
        let said = Err(Fault::lost("no answer"));
        let silent = Replica { name: "one".to_owned(), pod: None, said };
        for awaited in [NEW_POLICY, NEW_CANDIDATE, NO_CANDIDATE] {
            assert!(!awaited.is_shown_by(&silent), "{awaited:?}");
            assert_eq!(awaited.why_not(&silent), "cannot be asked: no answer");
        }
    }

    #[test]
    fn it_is_said_of_the_policy_or_of_the_candidate() {
        for (awaited, on_its_way, done) in [
            (NEW_POLICY, "p2 is on its way", "enforce p2"),
            (NEW_CANDIDATE, "the candidate c2 is on its way", "evaluate the candidate c2"),
            (NO_CANDIDATE, "the end of the candidate is on its way", "evaluate no candidate"),
            (PROMOTED, "c1 is on its way", "enforce c1 and evaluate no candidate"),
            (
                BOTH,
                "p2 and the candidate c2 are on their way",
                "enforce p2 and evaluate the candidate c2",
            ),
        ] {
            assert_eq!(
                (awaited.on_its_way().as_str(), awaited.done().as_str()),
                (on_its_way, done)
            );
        }
    }
}
