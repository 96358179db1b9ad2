//! Why an image gets its verdict, as JSON; the lists are those of the console's `/api/explain`.

use imagegate_check::{Judge, Target};
use imagegate_core::policy::{Explanation, Step, printable};
use serde::{Serialize, Serializer};

/// The explanation of one finding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explained {
    /// Its index among the findings.
    finding: usize,
    /// The canonical form; `None` where there is none.
    canonical: Option<String>,
    /// Why there is none.
    unreadable: Option<String>,
    steps: Vec<Checked>,
    exemptions: Vec<String>,
    near_misses: Vec<String>,
    accepted: Vec<String>,
    remedies: Vec<String>,
    notes: Vec<String>,
}

/// One rule that was checked.
#[derive(Debug)]
struct Checked(Step);

impl Explained {
    /// Explains the finding at `finding`.
    pub(crate) fn of(finding: usize, judge: &Judge<'_>, target: &Target) -> Self {
        let explanation = judge.explanation(target);
        let image = target.image.as_deref().unwrap_or_default();
        let accepted = explanation.accepted(image);
        let Explanation { canonical, steps, exemptions, near_misses, remedies, .. } = &*explanation;
        let asked = target.asking.as_ref().filter(|_| judge.asker().is_nobody());
        let note = asked
            .map(|asked| format!("judged for `{}`, who makes the request", printable(&asked.user)));
        Self {
            finding,
            canonical: canonical.as_ref().ok().cloned(),
            unreadable: canonical.as_ref().err().cloned(),
            steps: steps.iter().cloned().map(Checked).collect(),
            exemptions: exemptions.clone(),
            near_misses: near_misses.clone(),
            accepted,
            remedies: remedies.clone(),
            notes: note.into_iter().collect(),
        }
    }
}

impl Serialize for Checked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'s> {
            rule: &'s str,
            passed: bool,
            detail: &'s str,
        }
        let Step { rule, passed, detail } = &self.0;
        Written { rule: rule.as_str(), passed: *passed, detail }.serialize(serializer)
    }
}
