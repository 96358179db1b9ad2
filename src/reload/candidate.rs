//! A candidate policy: it is evaluated on live requests and never decides one.

use std::sync::atomic::{AtomicU64, Ordering};

use imagegate_core::policy::{Decision, Flip, Policy, Rule, Verdict};

/// A candidate policy, with counts of what it would have decided differently.
#[derive(Debug)]
pub struct Candidate {
    /// The compiled candidate.
    pub policy: Policy,
    evaluated: AtomicU64,
    to_allow: AtomicU64,
    to_deny: AtomicU64,
    /// Flips by the first rule that the denying policy found broken, in the order of [`Rule::ALL`].
    by_rule: [AtomicU64; Rule::ALL.len()],
}

impl Candidate {
    /// A candidate that has seen no request yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            evaluated: AtomicU64::new(0),
            to_allow: AtomicU64::new(0),
            to_deny: AtomicU64::new(0),
            by_rule: Default::default(),
        }
    }

    /// Counts the candidate's verdict, and compares it with the one that was given; `Some` if they
    /// differ.
    pub fn compare(&self, given: &Verdict<'_>, own: &Verdict<'_>) -> Option<Flip> {
        self.evaluated.fetch_add(1, Ordering::Relaxed);
        let flip = Flip::between(given, own)?;
        let counter = match flip.to {
            Decision::Allow => &self.to_allow,
            Decision::Deny => &self.to_deny,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut by_rule = Rule::ALL.into_iter().zip(&self.by_rule);
        if let Some((_, counter)) = by_rule.find(|(rule, _)| Some(*rule) == flip.rule) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Some(flip)
    }

    /// The number of requests that the candidate has judged.
    #[must_use]
    pub fn evaluated(&self) -> u64 {
        self.evaluated.load(Ordering::Relaxed)
    }

    /// The number of requests whose decision it would change to this one.
    #[must_use]
    pub fn flipped(&self, to: Decision) -> u64 {
        match to {
            Decision::Allow => self.to_allow.load(Ordering::Relaxed),
            Decision::Deny => self.to_deny.load(Ordering::Relaxed),
        }
    }

    /// Flips by rule, most frequent first; rules without flips are left out.
    #[must_use]
    pub fn flips_by_rule(&self) -> Vec<(Rule, u64)> {
        let counts = self.by_rule.iter().map(|counter| counter.load(Ordering::Relaxed));
        let mut flips: Vec<_> =
            Rule::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
        flips.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        flips
    }
}
