//! What becomes of one image, in one word.

use serde::Serialize;

use imagegate_core::policy::{Mode, Verdict};

/// The words of `check`, `test` and `diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    /// It breaks no rule.
    Allow,
    /// It breaks a rule, is admitted, and only logged.
    Audit,
    /// It is refused.
    Deny,
    /// It breaks a rule from which it is exempt.
    Exempt,
    /// It breaks a rule and is admitted with a warning.
    Warn,
}

impl Answer {
    /// Every answer.
    pub(super) const ALL: [Self; 5] =
        [Self::Allow, Self::Deny, Self::Warn, Self::Audit, Self::Exempt];

    /// The answer to a verdict on one image.
    pub(super) fn of(verdict: &Verdict<'_>) -> Self {
        match (verdict.violations.is_empty(), verdict.exempted.is_empty(), verdict.mode) {
            (true, true, _) => Self::Allow,
            (true, false, _) => Self::Exempt,
            (false, _, Mode::Audit) => Self::Audit,
            (false, _, Mode::Enforce) => Self::Deny,
            (false, _, Mode::Warn) => Self::Warn,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Exempt => "exempt",
            Self::Warn => "warn",
        }
    }
}
