//! The last decisions that were no plain admissions, and who follows them.
//!
//! Numbers tell where a reader stopped. They begin at 1 in each process, so they mean nothing without
//! the time at which it started.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::broadcast;

use super::note::{Noted, cut};
use crate::telemetry::ImageDecision;
use imagegate_core::policy::{Decision, Mode, Rule};

/// Decisions that are kept.
pub const MOST_RECENT: usize = 1024;
/// Decisions that a follower may be behind before it is dropped. As many as are kept anyway; and the
/// keeper hands on at once what was noted since its last look, which nobody can have read before.
pub const LONGEST_FOLLOWED: usize = MOST_RECENT;
/// Bytes of each text.
const LONGEST_TEXT: usize = 256;

/// A denial, a warning, an exemption, or an admission that the candidate would deny.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// From 1, in the order in which they were noted.
    pub id: u64,
    /// Seconds since the Unix epoch.
    #[serde(serialize_with = "super::snapshot::as_rfc3339")]
    pub at: i64,
    /// `deny`, `warn`, `audit`, `exempt`, or `allow` where only the candidate would decide otherwise.
    pub decision: &'static str,
    /// `CREATE`, …
    pub operation: &'static str,
    /// Of the object.
    pub kind: Box<str>,
    /// Empty for a cluster-wide object.
    pub namespace: Box<str>,
    /// Empty where the server has yet to generate it.
    pub name: Box<str>,
    /// The controller that owns the object, `ReplicaSet/web-7d`, or the object itself.
    pub owner: Box<str>,
    /// Who asked.
    pub user: Box<str>,
    /// Of the request.
    pub uid: Box<str>,
    /// Whether nothing would have been stored.
    pub dry_run: bool,
    /// The rule that the first of its images breaks.
    pub rule: Option<&'static str>,
    /// Of that image, or of the first exempt one, or of the one that the candidate would refuse.
    pub container: Box<str>,
    /// As written.
    pub image: Box<str>,
    /// How many images break a rule.
    pub violations: usize,
    /// The first exemption that applied.
    pub exemption: Option<Box<str>>,
    /// The override that applied.
    #[serde(rename = "override")]
    pub override_name: Option<Box<str>>,
    /// What the candidate would decide, where that differs.
    pub candidate: Option<&'static str>,
    /// The rule on which they differ.
    pub candidate_rule: Option<&'static str>,
    /// The policy that decided.
    pub policy_hash: Box<str>,
}

/// The last decisions, and from then on those to come.
#[derive(Debug)]
pub struct Following {
    /// Of those that are kept, the ones behind the number that was asked for; the oldest first.
    pub past: Vec<Arc<Recent>>,
    /// How many of those that were asked for are not kept any more.
    pub missed: u64,
    /// What comes after `past`.
    pub to_come: broadcast::Receiver<Arc<Recent>>,
}

/// The last decisions. Only the keeper touches them.
#[derive(Debug)]
pub(super) struct Decisions {
    kept: VecDeque<Arc<Recent>>,
    last: u64,
    followers: broadcast::Sender<Arc<Recent>>,
}

impl Default for Decisions {
    fn default() -> Self {
        let followers = broadcast::Sender::new(LONGEST_FOLLOWED);
        Self { kept: VecDeque::new(), last: 0, followers }
    }
}

impl Decisions {
    /// Numbers a decision, keeps it and tells the followers.
    pub(super) fn push(&mut self, mut recent: Recent) {
        self.last += 1;
        recent.id = self.last;
        let recent = Arc::new(recent);
        if self.kept.len() == MOST_RECENT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(&recent));
        // There may be no follower.
        let _ = self.followers.send(recent);
    }

    /// All that came after the decision with the number `after`; 0 means all that are kept.
    pub(super) fn follow(&self, after: u64) -> Following {
        let past: Vec<_> = self.kept.iter().filter(|each| each.id > after).cloned().collect();
        let oldest = self.kept.front().map_or(self.last + 1, |oldest| oldest.id);
        let missed = if after == 0 { 0 } else { oldest.saturating_sub(after + 1) };
        Following { past, missed, to_come: self.followers.subscribe() }
    }
}

impl Recent {
    /// `None` for a plain admission.
    pub(super) fn of(noted: &Noted<'_, '_>) -> Option<Self> {
        let Noted { review, verdict, flip, now, .. } = noted;
        let (violation, exempted) = (verdict.deciding(), verdict.exempted.first());
        if violation.is_none() && exempted.is_none() && flip.is_none() {
            return None;
        }
        let decision = match (verdict.decision, violation, verdict.mode) {
            (Decision::Deny, ..) => ImageDecision::Deny,
            (Decision::Allow, Some(_), Mode::Audit) => ImageDecision::Audit,
            (Decision::Allow, Some(_), _) => ImageDecision::Warn,
            (Decision::Allow, None, _) if exempted.is_some() => ImageDecision::Exempt,
            (Decision::Allow, None, _) => ImageDecision::Allow,
        };
        let (container, image) = match (violation, exempted) {
            (Some(violation), _) => (violation.container.as_str(), violation.image.as_str()),
            (None, Some(exempted)) => (exempted.container.as_str(), exempted.image.as_str()),
            (None, None) => review.images().first().map_or(("", ""), |first| {
                (first.container.as_ref(), first.image.as_deref().unwrap_or_default())
            }),
        };
        let owner = review.owner();
        let kept = |text: &str| -> Box<str> { cut(text, LONGEST_TEXT).into() };
        Some(Self {
            id: 0,
            at: *now,
            decision: decision.as_str(),
            operation: review.operation().as_str(),
            kind: kept(review.kind()),
            namespace: kept(review.namespace()),
            name: kept(review.name()),
            owner: kept(&format!("{}/{}", kept(owner.kind), kept(owner.name))),
            user: kept(review.user()),
            uid: kept(review.uid()),
            dry_run: review.is_dry_run(),
            rule: violation.map(|each| each.rule.as_str()),
            container: kept(container),
            image: kept(image),
            violations: verdict.violated.total(),
            exemption: exempted.map(|each| kept(each.exemption)),
            override_name: verdict.override_name.map(kept),
            candidate: flip.map(|flip| flip.to.as_str()),
            candidate_rule: flip.and_then(|flip| flip.rule).map(Rule::as_str),
            policy_hash: kept(verdict.policy_hash),
        })
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        let texts = [
            &self.kind,
            &self.namespace,
            &self.name,
            &self.owner,
            &self.user,
            &self.uid,
            &self.container,
            &self.image,
            &self.policy_hash,
        ];
        let named = [&self.exemption, &self.override_name];
        size_of::<Self>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + named.iter().filter_map(|each| each.as_ref()).map(|text| text.len()).sum::<usize>()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Decisions, LONGEST_FOLLOWED, MOST_RECENT, Recent};

    pub(crate) fn recent() -> Recent {
        Recent {
            id: 0,
            at: 0,
            decision: "deny",
            operation: "CREATE",
            kind: "Pod".into(),
            namespace: "ci".into(),
            name: "web".into(),
            owner: "ReplicaSet/web-7d".into(),
            user: "somebody".into(),
            uid: "1".into(),
            dry_run: false,
            rule: None,
            container: "web".into(),
            image: "nginx".into(),
            violations: 1,
            exemption: None,
            override_name: None,
            candidate: None,
            candidate_rule: None,
            policy_hash: "".into(),
        }
    }

    fn decisions(count: usize) -> Decisions {
        let mut decisions = Decisions::default();
        for _ in 0..count {
            decisions.push(recent());
        }
        decisions
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped_and_is_told_what_it_missed() {
        let most = MOST_RECENT as u64;
        for (count, after, first, missed) in [
            (0, 0, None, 0),
            (3, 0, Some(1), 0),
            (3, 2, Some(3), 0),
            (3, 3, None, 0),
            (MOST_RECENT + 5, 0, Some(6), 0),
            (MOST_RECENT + 5, 2, Some(6), 3),
            (MOST_RECENT + 5, 5, Some(6), 0),
        ] {
            let following = decisions(count).follow(after);
            let ids: Vec<_> = following.past.iter().map(|each| each.id).collect();
            assert_eq!(ids.first().copied(), first, "{count} after {after}");
            assert!(ids.len() as u64 <= most && ids.is_sorted());
            assert_eq!(following.missed, missed, "{count} after {after}");
        }
    }

    #[test]
    fn nothing_is_told_twice_or_left_out_between_the_past_and_what_comes() {
        let mut decisions = decisions(2);
        let mut following = decisions.follow(1);
        decisions.push(recent());
        assert_eq!(following.past.iter().map(|each| each.id).collect::<Vec<_>>(), [2]);
        assert_eq!(following.to_come.try_recv().unwrap().id, 3);
    }

    #[test]
    fn a_slow_follower_is_told_and_holds_nothing_back() {
        let mut decisions = decisions(0);
        let mut following = decisions.follow(0);
        for _ in 0..=LONGEST_FOLLOWED {
            decisions.push(recent());
        }
        let error = following.to_come.try_recv().unwrap_err();
        assert_eq!(error, tokio::sync::broadcast::error::TryRecvError::Lagged(1));
    }
}
