//! A verdict is a value that carries its reasons.

use crate::policy::Field;

/// What the API server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Admit.
    Allow,
    /// Refuse.
    Deny,
}

/// What a violation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Admit, log and count.
    Audit,
    /// Refuse.
    Enforce,
    /// Admit with a warning that kubectl prints.
    Warn,
}

/// How pod templates (Deployments and the like) are treated. Pods always follow the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateMode {
    /// As Pods: by the policy's mode.
    Enforce,
    /// Not judged at all.
    Ignore,
    /// At most a warning.
    Warn,
}

/// Which references of an updated object are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateScope {
    /// All of them.
    All,
    /// Only those that the old object did not have, compared as written.
    Changed,
}

/// The rules an image can break, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `invalid-reference`: outside the reference grammar.
    InvalidReference,
    /// `missing-tag`: neither tag nor digest.
    MissingTag,
    /// `untrusted-registry`: not in the allowed registries, or in the blocked ones.
    UntrustedRegistry,
    /// `blocked-tag`: in the blocked tags, or not in the allowed ones.
    BlockedTag,
    /// `missing-digest`: not pinned by digest.
    MissingDigest,
}

/// One image that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The container's name.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// Where it stands.
    pub field: Field,
    /// The first rule it breaks.
    pub rule: Rule,
    /// The text for the user, without regard to length.
    pub message: String,
}

/// One image that breaks a rule and is exempt from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempted<'p> {
    /// The name of the exemption.
    pub exemption: &'p str,
    /// Why the exemption exists, as its author wrote it.
    pub reason: &'p str,
    /// The container's name.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// Where it stands.
    pub field: Field,
}

/// The answer of a policy to one request, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'p> {
    /// What the API server is told.
    pub decision: Decision,
    /// The mode that applied to this request.
    pub mode: Mode,
    /// Every image that breaks a rule, in the object's order. Filled in every mode.
    pub violations: Vec<Violation>,
    /// Every image that an exemption let through.
    pub exempted: Vec<Exempted<'p>>,
    /// The name of the override that applied.
    pub override_name: Option<&'p str>,
    /// The hash of the policy that judged.
    pub policy_hash: &'p str,
}

impl Mode {
    /// The name used in the policy, in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Enforce => "enforce",
            Self::Warn => "warn",
        }
    }
}

impl Decision {
    /// The name used in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl Rule {
    /// Every rule, in the order in which they are checked.
    pub const ALL: [Self; 5] = [
        Self::InvalidReference,
        Self::MissingTag,
        Self::UntrustedRegistry,
        Self::BlockedTag,
        Self::MissingDigest,
    ];

    /// The name used in metrics, logs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidReference => "invalid-reference",
            Self::MissingTag => "missing-tag",
            Self::UntrustedRegistry => "untrusted-registry",
            Self::BlockedTag => "blocked-tag",
            Self::MissingDigest => "missing-digest",
        }
    }
}
