//! A verdict is a value that carries its reasons.

use crate::policy::judge::checks::Rule;
use crate::policy::judge::subject::Field;

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

/// Violations, and exempt images, that a verdict describes. The others are counted: no answer and
/// no line of the log has room for them.
pub(in crate::policy) const MOST_DESCRIBED: usize = 32;
/// Bytes of a user's text that a verdict keeps; an answer shows less.
const LONGEST_TEXT: usize = 1024;

/// One image that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The container's name, or where it stands if it has none.
    pub container: String,
    /// The image as written, at most its first 1,024 bytes.
    pub image: String,
    /// Where it stands.
    pub field: Field,
    /// The first rule it breaks.
    pub rule: Rule,
    /// The text for the user, without regard to length.
    pub message: String,
    /// One line on what to do about it, where the policy wants that to be said of denials.
    pub advice: Option<String>,
}

/// One image that breaks a rule and is exempt from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempted<'p> {
    /// The name of the exemption.
    pub exemption: &'p str,
    /// Why the exemption exists, as its author wrote it.
    pub reason: &'p str,
    /// The container's name, or where it stands if it has none.
    pub container: String,
    /// The image as written, at most its first 1,024 bytes.
    pub image: String,
    /// Where it stands.
    pub field: Field,
}

/// How many images break each rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts([usize; Rule::ALL.len()]);

/// The answer of a policy to one request, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'p> {
    /// What the API server is told.
    pub decision: Decision,
    /// The mode that applied to this request.
    pub mode: Mode,
    /// The first 32 images that break a rule, in the object's order. Filled in every mode.
    pub violations: Vec<Violation>,
    /// How many images break a rule, those that are not among `violations` included.
    pub violated: RuleCounts,
    /// The first 32 images that an exemption let through.
    pub exempted: Vec<Exempted<'p>>,
    /// How many images an exemption let through.
    pub exempted_total: usize,
    /// The policy's own line beside a denial, where it has one.
    pub denial_hint: Option<&'p str>,
    /// The name of the override that applied.
    pub override_name: Option<&'p str>,
    /// The hash of the policy that judged.
    pub policy_hash: &'p str,
}

impl RuleCounts {
    /// How many images break `rule` before any other.
    #[must_use]
    pub fn of(&self, rule: Rule) -> usize {
        self.0.get(rule as usize).copied().unwrap_or_default()
    }

    /// How many images break some rule.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(in crate::policy) fn add(&mut self, rule: Rule, count: usize) {
        if let Some(counted) = self.0.get_mut(rule as usize) {
            *counted += count;
        }
    }
}

impl<'p> Verdict<'p> {
    /// The verdict while nothing is wrong, of the policy with this hash.
    #[must_use]
    pub(crate) fn admitting(mode: Mode, policy_hash: &'p str) -> Self {
        Self {
            decision: Decision::Allow,
            mode,
            violations: Vec::new(),
            violated: RuleCounts::default(),
            exempted: Vec::new(),
            exempted_total: 0,
            denial_hint: None,
            override_name: None,
            policy_hash,
        }
    }

    /// Counts `count` images that break `rule`, and describes the first of them where there is room.
    pub(in crate::policy) fn violated(
        &mut self,
        rule: Rule,
        count: usize,
        describe: impl FnOnce() -> Violation,
    ) {
        self.violated.add(rule, count);
        if self.violations.len() < MOST_DESCRIBED {
            self.violations.push(describe());
        }
    }

    /// Counts an image that is exempt, and describes it where there is room.
    pub(in crate::policy) fn exempted(&mut self, describe: impl FnOnce() -> Exempted<'p>) {
        self.exempted_total += 1;
        if self.exempted.len() < MOST_DESCRIBED {
            self.exempted.push(describe());
        }
    }
}

/// As much of a user's text as a verdict keeps.
pub(in crate::policy) fn kept(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or(text)
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
