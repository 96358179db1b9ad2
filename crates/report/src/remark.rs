//! What a pipeline is told, whatever the command: one form for images, files that are not understood,
//! problems of a policy, and test cases.

use std::collections::HashMap;

use crate::Report;
use crate::answer::Answer;
use crate::finding::{Finding, Object, Place, hash_of};
use crate::rules::RuleId;
use crate::trouble::{NotJudged, Trouble};

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is wrong. Only a format that counts what passed shows it.
    Passed,
    /// Something to know.
    Note,
    /// Something that is let through with a warning.
    Warning,
    /// Something that fails.
    Error,
}

/// One thing that a command says about one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it weighs.
    pub level: Level,
    /// What it is about.
    pub rule: RuleId,
    /// Where it stands in a file, if in one.
    pub place: Option<Place>,
    /// What it is about: an image, a test case; empty for the file as a whole.
    pub subject: String,
    /// Where it stands in a Kubernetes object: `Deployment shop/web spec.containers[0].image`.
    pub object: String,
    /// What is wrong. A user's text can be in it, as it was written.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The name and reason of the exemption that suppresses it.
    pub suppressed: Option<(String, String)>,
    /// It was there before the change that is judged.
    pub known: bool,
    /// Different for each remark of a list, and the same in the next run: see
    /// [`Finding::fingerprint`]. Set by [`Remarks::new`].
    pub fingerprint: String,
}

/// Remarks of one run, with the lines that sum it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remarks {
    /// The command, as `imagegate check`.
    pub command: &'static str,
    /// The remarks in the order of what they are about.
    pub list: Vec<Remark>,
    /// A few lines for people.
    pub summary: Vec<String>,
}

impl Remarks {
    /// Gives each remark a fingerprint of its own: those of one kind about one thing are numbered.
    #[must_use]
    pub fn new(command: &'static str, mut list: Vec<Remark>, summary: Vec<String>) -> Self {
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(list.len());
        for remark in &mut list {
            if remark.fingerprint.is_empty() {
                remark.fingerprint = remark.own_fingerprint();
            }
            let count = seen.entry(remark.fingerprint.clone()).or_default();
            *count += 1;
            if *count > 1 {
                let number = count.to_string();
                remark.fingerprint = hash_of([Some(remark.fingerprint.as_str()), Some(&number)]);
            }
        }
        Self { command, list, summary }
    }

    /// The remarks on the images and the troubles of a report.
    #[must_use]
    pub fn of(command: &'static str, report: &Report) -> Self {
        let findings = report.findings.iter().map(Remark::of_finding);
        let troubles = report.troubles.iter().map(Remark::of_trouble);
        let not_judged = report.not_judged.iter().map(Remark::of_not_judged);
        let list = findings.chain(troubles).chain(not_judged).collect();
        Self::new(command, list, report.summary.lines())
    }
}

impl Remark {
    /// A remark at a place, without an object around it.
    #[must_use]
    pub fn new(level: Level, rule: RuleId, place: Option<Place>, message: String) -> Self {
        Self {
            level,
            rule,
            place,
            subject: String::new(),
            object: String::new(),
            message,
            hint: None,
            suppressed: None,
            known: false,
            fingerprint: String::new(),
        }
    }

    /// The message, with the hint in a line of its own.
    #[must_use]
    pub fn full_message(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\nhint: {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// What is said about the image of a finding. It has the finding's own fingerprint.
    #[must_use]
    pub fn of_finding(finding: &Finding) -> Self {
        let level = match finding.decision {
            Answer::Allow => Level::Passed,
            Answer::Audit | Answer::Exempt => Level::Note,
            Answer::Warn => Level::Warning,
            Answer::Deny => Level::Error,
        };
        let level = if finding.out_of_reach.is_some() { level.min(Level::Note) } else { level };
        let rule = match finding.rule {
            Some(rule) => RuleId::of(rule),
            None if finding.decision == Answer::Exempt => RuleId::Exempted,
            None => RuleId::Allowed,
        };
        let exemption = finding.exemption.as_ref();
        let suppressed = exemption.map(|each| (each.name.clone(), each.reason.clone()));
        let message = match (&finding.message, &suppressed) {
            (Some(message), _) => message.clone(),
            (None, Some((name, reason))) => format!("exempt by `{name}`: {reason}"),
            (None, None) => "allowed".to_owned(),
        };
        let message = match finding.out_of_reach {
            Some(why) => format!("{message} (the gate is not asked: {why})"),
            None => message,
        };
        Self {
            subject: finding.image.clone().unwrap_or_else(|| "(no image)".to_owned()),
            object: object_and_field(&finding.object, finding.field.as_deref()),
            hint: finding.hint.clone(),
            suppressed,
            known: finding.known,
            fingerprint: finding.fingerprint(),
            ..Self::new(level, rule, finding.object.place.clone(), message)
        }
    }

    fn of_trouble(trouble: &Trouble) -> Self {
        let rule = RuleId::of_trouble(trouble.kind);
        Self {
            hint: trouble.hint.clone(),
            ..Self::new(Level::Error, rule, trouble.place.clone(), trouble.message.clone())
        }
    }

    fn of_not_judged(not_judged: &NotJudged) -> Self {
        let message = format!("`{}` looks like an image and is not judged", not_judged.image);
        let place = not_judged.object.place.clone();
        Self {
            subject: not_judged.image.clone(),
            object: object_and_field(&not_judged.object, Some(&not_judged.field)),
            ..Self::new(Level::Note, RuleId::NotJudged, place, message)
        }
    }

    fn own_fingerprint(&self) -> String {
        hash_of([
            self.place.as_ref().map(|place| place.file.as_str()),
            Some(self.rule.as_str()),
            Some(&self.subject),
            Some(&self.object),
            Some(&self.message),
        ])
    }
}

fn object_and_field(object: &Object, field: Option<&str>) -> String {
    format!("{} {}", object.title(), field.unwrap_or_default()).trim().to_owned()
}
