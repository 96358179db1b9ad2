//! The event of a guarded edit: of the policy, or of a namespace's opt-out label.

use super::Telemetry;
use super::decided::short;
use imagegate_core::admission::Guarded;
use imagegate_core::policy::Decision;

/// An edit was judged and answered.
#[derive(Debug)]
pub struct Guard<'a> {
    /// `policy` or `namespace`.
    pub guard: &'static str,
    /// The name of the object; may be empty.
    pub name: &'a str,
    /// Who made the edit.
    pub user: &'a str,
    /// The answer.
    pub guarded: &'a Guarded,
}

impl Guard<'_> {
    /// Counts the edit, and logs one line if it was refused or warned about.
    pub fn emit(&self, telemetry: &Telemetry) {
        let (decision, said) = match self.guarded {
            Guarded::Accepted(warnings) => (Decision::Allow, warnings.join("\n")),
            Guarded::Refused(why) => (Decision::Deny, why.clone()),
        };
        telemetry.metrics.guarded(self.guard, decision);
        if said.is_empty() {
            return;
        }
        if telemetry.lines.admit().is_none() {
            telemetry.metrics.log_line_suppressed();
            return;
        }
        tracing::info!(
            guard = self.guard,
            decision = decision.as_str(),
            name = short(self.name),
            user = short(self.user),
            said,
            "an edit was judged"
        );
    }
}
