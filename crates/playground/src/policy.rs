//! What is wrong with the policy, as JSON.

use imagegate_core::policy::{Policy, Problem, Problems, Warning};
use serde::Serialize;

/// What is said of the policy.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    /// `None` where it is not valid.
    hash: Option<String>,
    problems: Vec<Found>,
    warnings: Vec<Found>,
}

/// A problem or a warning.
#[derive(Debug, Serialize)]
struct Found {
    document: String,
    path: String,
    /// From 1.
    line: Option<u64>,
    /// In characters, from 1.
    column: Option<u64>,
    message: String,
    hint: Option<String>,
}

impl Said {
    pub(crate) fn valid(policy: &Policy, warnings: &[Warning]) -> Self {
        let warnings = warnings.iter().map(|warning| Found::of(&warning.0)).collect();
        Self { hash: Some(policy.hash().to_owned()), problems: Vec::new(), warnings }
    }

    pub(crate) fn invalid(problems: &Problems) -> Self {
        let problems = problems.0.iter().map(Found::of).collect();
        Self { hash: None, problems, warnings: Vec::new() }
    }
}

impl Found {
    fn of(problem: &Problem) -> Self {
        let Problem { document, path, place, message, hint } = problem.clone();
        let (line, column) = place.unzip();
        Self { document, path, line, column, message, hint }
    }
}
