//! A verdict is a value that carries its reasons.

use crate::policy::judge::checks::Rule;
use crate::policy::judge::subject::Field;
use crate::policy::rules::fields::Rules;

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
    /// What follows: the mode of the request, unless the entry of the registry has its own.
    pub mode: Mode,
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

/// How many images break each rule, by what follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts([[usize; Mode::ALL.len()]; Rule::ALL.len()]);

/// The answer of a policy to one request, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'p> {
    /// What the API server is told.
    pub decision: Decision,
    /// The mode that applied to this request: the strictest among those of its violations, since an
    /// entry of the allowed registries may have its own.
    pub mode: Mode,
    /// The first 32 images that break a rule, in the object's order. Filled in every mode; where there
    /// are more, those that are refused stay.
    pub violations: Vec<Violation>,
    /// How many images break a rule, those that are not among `violations` included.
    pub violated: RuleCounts,
    /// The first 32 images that an exemption let through.
    pub exempted: Vec<Exempted<'p>>,
    /// How many images an exemption let through.
    pub exempted_total: usize,
    /// The policy's own line beside a denial, where it has one.
    pub denial_hint: Option<&'p str>,
    /// The name of the override that applied; of several, that of the image that decided.
    pub override_name: Option<&'p str>,
    /// The hash of the policy that judged.
    pub policy_hash: &'p str,
}

impl RuleCounts {
    /// How many images break `rule` before any other.
    #[must_use]
    pub fn of(&self, rule: Rule) -> usize {
        Mode::ALL.into_iter().map(|mode| self.of_mode(rule, mode)).sum()
    }

    /// How many images break `rule` before any other, and are treated by `mode`.
    #[must_use]
    pub fn of_mode(&self, rule: Rule, mode: Mode) -> usize {
        let counted = self.0.get(rule as usize).and_then(|modes| modes.get(mode as usize));
        counted.copied().unwrap_or_default()
    }

    /// How many images break some rule.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// How many images break some rule, and are treated by `mode`.
    #[must_use]
    pub fn total_of(&self, mode: Mode) -> usize {
        Rule::ALL.into_iter().map(|rule| self.of_mode(rule, mode)).sum()
    }

    pub(in crate::policy) fn add(&mut self, rule: Rule, mode: Mode, count: usize) {
        let counted = self.0.get_mut(rule as usize).and_then(|modes| modes.get_mut(mode as usize));
        if let Some(counted) = counted {
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

    /// The first violation that is treated as the request is: the first reason for a denial.
    #[must_use]
    pub fn deciding(&self) -> Option<&Violation> {
        self.violations.iter().find(|each| each.mode == self.mode)
    }

    /// Counts `count` images that break `rule` of these rules and are treated by `mode`, and describes the
    /// first of them where there is room.
    pub(in crate::policy) fn violated(
        &mut self,
        rule: Rule,
        (mode, (rules, override_name)): (Mode, (&'p Rules, Option<&'p str>)),
        count: usize,
        describe: impl FnOnce() -> Violation,
    ) {
        let is_first = self.violated.total() == 0;
        if is_first || mode.strictness() > self.mode.strictness() {
            self.mode = mode;
            self.denial_hint = rules.hint();
            self.override_name = override_name;
        }
        self.violated.add(rule, mode, count);
        if mode == Mode::Enforce {
            self.decision = Decision::Deny;
        }
        if self.violations.len() >= MOST_DESCRIBED && !self.make_room(mode) {
            return;
        }
        self.violations.push(describe());
    }

    /// Gives up the last description of a violation that is treated more mildly, if there is one: the
    /// reasons of a denial have to be among those that are described.
    fn make_room(&mut self, mode: Mode) -> bool {
        let is_milder = |each: &Violation| each.mode.strictness() < mode.strictness();
        let milder = self.violations.iter().rposition(is_milder);
        milder.is_some_and(|position| {
            self.violations.remove(position);
            true
        })
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
    /// The one of both that lets less pass in silence.
    pub(in crate::policy) fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Enforce, _) | (_, Self::Enforce) => Self::Enforce,
            (Self::Warn, _) | (_, Self::Warn) => Self::Warn,
            (Self::Audit, Self::Audit) => Self::Audit,
        }
    }

    /// Every mode, from the mildest to the strictest.
    pub const ALL: [Self; 3] = [Self::Audit, Self::Warn, Self::Enforce];

    /// How strict it is, beside another.
    pub(in crate::policy) fn strictness(self) -> usize {
        match self {
            Self::Audit => 0,
            Self::Warn => 1,
            Self::Enforce => 2,
        }
    }

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
