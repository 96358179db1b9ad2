//! What becomes of one image, in one word.

use serde::Serialize;

use imagegate_core::policy::{Mode, Verdict};

/// The answers of every command, by rising weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It breaks no rule.
    #[default]
    Allow,
    /// It breaks a rule from which it is exempt.
    Exempt,
    /// It breaks a rule, is admitted, and only logged.
    Audit,
    /// It breaks a rule and is admitted with a warning.
    Warn,
    /// It is refused.
    Deny,
}

impl Answer {
    /// Every answer, in the order in which messages list them.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Deny, Self::Warn, Self::Audit, Self::Exempt];

    /// The answer to a verdict on one image.
    #[must_use]
    pub fn of(verdict: &Verdict<'_>) -> Self {
        match (verdict.violations.is_empty(), verdict.exempted.is_empty(), verdict.mode) {
            (true, true, _) => Self::Allow,
            (true, false, _) => Self::Exempt,
            (false, _, Mode::Audit) => Self::Audit,
            (false, _, Mode::Enforce) => Self::Deny,
            (false, _, Mode::Warn) => Self::Warn,
        }
    }

    /// The name, as it is written in every format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Exempt => "exempt",
            Self::Warn => "warn",
        }
    }

    /// Whether a rule is broken and no exemption covers that.
    #[must_use]
    pub fn is_violation(self) -> bool {
        matches!(self, Self::Audit | Self::Warn | Self::Deny)
    }
}
