//! The event of a policy, or of a candidate, that is not valid.

use super::decided::short;
use super::metrics::Metrics;
use imagegate_core::policy::Problem;

/// The most problems that are logged. `/policy` shows up to a hundred.
const MOST_LINES: usize = 10;

/// A policy, or a candidate, that is not valid or is missing.
#[derive(Debug)]
pub struct Rejected<'a> {
    /// Which of them it is.
    pub what: Rejects<'a>,
    /// The problems; never empty.
    pub problems: &'a [Problem],
}

/// What is not valid.
#[derive(Clone, Copy, Debug)]
pub enum Rejects<'a> {
    /// The policy.
    Policy {
        /// The hash of the policy that stays in force, if there is one.
        in_force: Option<&'a str>,
        /// Whether the source is missing, rather than invalid.
        is_missing: bool,
    },
    /// The candidate policy.
    Candidate,
}

impl Rejected<'_> {
    /// Counts it, and logs a summary line and one line for each of the first ten problems.
    pub fn emit(&self, metrics: &Metrics) {
        let problems = self.problems.len();
        match self.what {
            Rejects::Policy { in_force, is_missing } => {
                metrics.policy_rejected(is_missing);
                let in_force = in_force.unwrap_or("none: every request is refused");
                if is_missing {
                    tracing::error!(
                        in_force,
                        problems,
                        "the policy's source is missing: a replica that starts now \
                         cannot become ready"
                    );
                } else {
                    tracing::error!(
                        in_force,
                        problems,
                        "the policy is not valid and was not applied"
                    );
                }
            }
            Rejects::Candidate => {
                metrics.candidate_looked_at(false);
                tracing::error!(problems, "the candidate policy is not valid and is not evaluated");
            }
        }
        for Problem { document, path, place, message, hint } in
            self.problems.iter().take(MOST_LINES)
        {
            tracing::error!(
                document = &*short(document),
                line = place.map(|(line, _)| line),
                column = place.map(|(_, column)| column),
                path = (!path.is_empty()).then(|| short(path)).as_deref(),
                problem = &*short(message),
                hint = hint.as_deref().map(short).as_deref(),
                "a problem of the policy"
            );
        }
    }
}
