//! The event of a guarded edit: of the policy, or of a namespace's opt-out label.

use super::Telemetry;
use super::decided::short;
use imagegate_core::admission::Guarded;
use imagegate_core::policy::Decision;

/// An edit that was judged and answered.
#[derive(Debug)]
pub struct Guard<'a> {
    /// `policy` or `namespace`.
    pub guard: &'static str,
    /// The name of the object, or an empty string.
    pub name: &'a str,
    /// The author of the edit.
    pub user: &'a str,
    /// The answer.
    pub guarded: &'a Guarded,
}

/// The most lines logged about one edit.
const MOST_LINES: usize = 10;

impl Guard<'_> {
    /// Counts the edit. If its author got a refusal or warnings, logs each line of them, up to ten.
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
                tracing::info!(
                    guard = self.guard,
                    said = &*short(said),
                    "another line about the edit"
                );
            } else {
                tracing::info!(
                    guard = self.guard,
                    decision = decision.as_str(),
                    name = &*short(self.name),
                    user = &*short(self.user),
                    said = &*short(said),
                    lines,
                    "an edit was judged"
                );
            }
        }
    }
}
