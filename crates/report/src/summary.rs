//! The counts of a run, and how a command ends because of them.

use std::fmt::Write as _;

use serde::Serialize;

use imagegate_core::policy::printable;

use crate::answer::Answer;
use crate::finding::Finding;
use crate::trouble::{Trouble, TroubleKind};

/// The policy that judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySource {
    /// The path, or other words for where it was taken from.
    pub source: String,
    /// The policy's hash, in full.
    pub hash: String,
}

/// What a run looked at, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The policy that judged.
    pub policy: PolicySource,
    /// Kubernetes objects, those without images included.
    pub objects: usize,
    /// Images that were judged.
    pub images: usize,
    /// Images that break no rule.
    pub allowed: usize,
    /// Images that are refused.
    pub denied: usize,
    /// Images that are admitted with a warning.
    pub warned: usize,
    /// Images that break a rule and are only logged.
    pub audited: usize,
    /// Images that an exemption let through.
    pub exempted: usize,
    /// Images that break a rule as they did before the change that is judged. They are in none of
    /// the counts above but `images`.
    pub known: usize,
    /// Images of objects that the gate is not asked about. They are in none of the counts above but
    /// `images`.
    pub out_of_reach: usize,
    /// Files and documents that are no manifests, and were passed over.
    pub skipped: usize,
    /// Values that look like images, in fields that are not known to hold any.
    pub not_judged: usize,
    /// Documents that are no manifests that are understood.
    pub not_understood: usize,
    /// Files that could not be read.
    pub unreadable: usize,
}

/// The weakest answer that fails a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Refused images.
    #[default]
    Deny,
    /// Those, and images with a warning.
    Warn,
    /// Those, and images that are only logged.
    Audit,
    /// No answer fails it.
    Never,
}

/// How a command ends because of what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was judged, and nothing fails.
    Fine,
    /// An image fails, whatever else could not be read.
    Found,
    /// No image fails, and something could not be judged, or there was nothing to judge.
    Unusable,
}

impl Summary {
    /// Counts a finding.
    pub fn count(&mut self, finding: &Finding) {
        self.images += 1;
        let count = match finding.decision {
            _ if finding.out_of_reach.is_some() => &mut self.out_of_reach,
            decision if finding.known && decision.is_violation() => &mut self.known,
            Answer::Allow => &mut self.allowed,
            Answer::Audit => &mut self.audited,
            Answer::Deny => &mut self.denied,
            Answer::Exempt => &mut self.exempted,
            Answer::Warn => &mut self.warned,
        };
        *count += 1;
    }

    /// Counts something that could not be read or understood.
    pub fn count_trouble(&mut self, trouble: &Trouble) {
        match trouble.kind {
            TroubleKind::Unreadable => self.unreadable += 1,
            TroubleKind::NotUnderstood => self.not_understood += 1,
        }
    }

    /// The counts in words, for people: the policy, what was looked at, the answers.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let counted = |count: usize, word: &str| {
            format!("{count} {word}{}", if count == 1 { "" } else { "s" })
        };
        let PolicySource { source, hash } = &self.policy;
        let hash = hash.get(..12).unwrap_or(hash);
        let policy = match source.as_str() {
            "" => format!("policy {hash}"),
            source => format!("policy {} ({hash})", printable(source)),
        };
        let mut objects = counted(self.objects, "object");
        add(&mut objects, self.skipped, "skipped");
        add(&mut objects, self.not_judged, "not judged");
        add(&mut objects, self.not_understood, "not understood");
        add(&mut objects, self.unreadable, "unreadable");
        let mut images = counted(self.images, "image");
        let _ = write!(images, ": {} allowed, {} denied", self.allowed, self.denied);
        add(&mut images, self.warned, "warned");
        add(&mut images, self.audited, "audited");
        add(&mut images, self.exempted, "exempted");
        add(&mut images, self.known, "known before");
        add(&mut images, self.out_of_reach, "out of reach");
        vec![policy, objects, images]
    }

    /// How the command ends. With `allow_empty`, a run that judged nothing is fine.
    #[must_use]
    pub fn outcome(&self, fail_on: FailOn, allow_empty: bool) -> Outcome {
        let failing = match fail_on {
            FailOn::Deny => self.denied,
            FailOn::Warn => self.denied + self.warned,
            FailOn::Audit => self.denied + self.warned + self.audited,
            FailOn::Never => 0,
        };
        if failing > 0 {
            Outcome::Found
        } else if self.unreadable + self.not_understood > 0 || (self.images == 0 && !allow_empty) {
            Outcome::Unusable
        } else {
            Outcome::Fine
        }
    }
}

/// Adds a count to a line, unless it is nought.
fn add(line: &mut String, count: usize, word: &str) {
    if count > 0 {
        let _ = write!(line, ", {count} {word}");
    }
}

impl FailOn {
    /// Every value, strictest last but `never`.
    pub const ALL: [Self; 4] = [Self::Deny, Self::Warn, Self::Audit, Self::Never];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Never => "never",
        }
    }
}
