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

/// Lines of what was said to the author of an edit.
const MOST_LINES: usize = 10;

impl Guard<'_> {
    /// Counts the edit. If it was refused or warned about, logs a line, and one more for each further
    /// line that was said to its author, up to ten.
    pub fn emit(&self, telemetry: &Telemetry) {
        let decision = match self.guarded {
            Guarded::Accepted(_) => Decision::Allow,
            Guarded::Refused(_) => Decision::Deny,
        };
        telemetry.metrics.guarded(self.guard, decision);
        let said: Vec<&str> = match self.guarded {
            Guarded::Accepted(warnings) => warnings.iter().map(String::as_str).collect(),
            Guarded::Refused(why) => why.lines().map(str::trim).collect(),
        };
        let lines = said.len();
        for (index, said) in said.into_iter().take(MOST_LINES).enumerate() {
            if telemetry.lines.admit().is_none() {
                telemetry.metrics.log_line_suppressed();
            } else if index > 0 {
                tracing::info!(guard = self.guard, said = short(said), "more was said of the edit");
            } else {
                tracing::info!(
                    guard = self.guard,
                    decision = decision.as_str(),
                    name = short(self.name),
                    user = short(self.user),
                    said = short(said),
                    lines,
                    "an edit was judged"
                );
            }
        }
    }
}
