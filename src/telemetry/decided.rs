//! The event of a decision, from which both the log line and the counters are made.

use std::borrow::Cow;
use std::time::Duration;

use super::{Metrics, Telemetry};
use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Flip, Mode, Rule, Verdict, printable};

/// The longest user input in a log line, in characters.
const LONGEST: usize = 256;

/// A request that was judged and answered.
#[derive(Debug)]
pub struct Decided<'a, 'b> {
    /// The request.
    pub review: &'a Review<'b>,
    /// The verdict that was sent.
    pub verdict: &'a Verdict<'a>,
    /// What the candidate policy would have decided, with its verdict, if it differs.
    pub flip: Option<(Flip, Verdict<'a>)>,
    /// From the last byte of the body to the rendered answer.
    pub took: Duration,
}

impl Decided<'_, '_> {
    /// Counts the decision and logs one line unless it is a plain allow.
    pub fn emit(&self, telemetry: &Telemetry) {
        self.count(&telemetry.metrics);
        let Verdict { violations, exempted, .. } = self.verdict;
        if violations.is_empty() && exempted.is_empty() && self.flip.is_none() {
            return;
        }
        match telemetry.lines.admit() {
            Some(suppressed) => self.log(suppressed),
            None => telemetry.metrics.log_line_suppressed(),
        }
    }

    fn count(&self, metrics: &Metrics) {
        let Verdict { decision, mode, violations, violated, exempted_total, .. } = self.verdict;
        metrics.decided(*decision, *mode, self.review.operation(), self.took.as_secs_f64());
        if !violations.is_empty() {
            for (rule, mode) in
                Rule::ALL.into_iter().flat_map(|rule| Mode::ALL.map(|it| (rule, it)))
            {
                metrics.violated(rule, mode, violated.of_mode(rule, mode) as u64);
            }
        }
        metrics.exempted(*exempted_total as u64);
        if let Some((flip, _)) = &self.flip {
            metrics.candidate_flipped(flip.to);
        }
    }

    fn log(&self, suppressed: u64) {
        let Self { review, verdict, flip, took } = self;
        let violation = verdict.deciding();
        let exempted = verdict.exempted.first();
        // Only the denying verdict has an image to name.
        let flipped = flip.as_ref().and_then(|(_, candidate)| candidate.deciding());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let message = match verdict.decision {
            Decision::Deny => "denied",
            Decision::Allow if violation.is_some() => "admitted although it violates the policy",
            Decision::Allow if exempted.is_some() => "admitted by an exemption",
            Decision::Allow => "admitted",
        };
        tracing::info!(
            message,
            decision = verdict.decision.as_str(),
            mode = verdict.mode.as_str(),
            operation = review.operation().as_str(),
            kind = &*short(review.kind()),
            namespace = &*short(review.namespace()),
            name = &*short(review.name()),
            user = &*short(review.user()),
            uid = &*short(review.uid()),
            dry_run = review.is_dry_run(),
            rule = violation.map(|each| each.rule.as_str()),
            container = violation.map(|each| short(&each.container)).as_deref(),
            image = violation.map(|each| short(&each.image)).as_deref(),
            violations = verdict.violated.total(),
            exemption = exempted.map(|each| each.exemption),
            exempted_image = exempted.map(|each| short(&each.image)).as_deref(),
            reason = exempted.map(|each| short(each.reason)).as_deref(),
            override_name = verdict.override_name,
            candidate = flip.as_ref().map(|(flip, _)| flip.to.as_str()),
            candidate_rule = flip.as_ref().and_then(|(flip, _)| flip.rule).map(Rule::as_str),
            candidate_container = flipped.map(|each| short(&each.container)).as_deref(),
            candidate_image = flipped.map(|each| short(&each.image)).as_deref(),
            policy = verdict.policy_hash,
            micros,
            suppressed = (suppressed > 0).then_some(suppressed),
        );
    }
}

/// At most the first 256 characters of user input, fit to be shown. Either format escapes control
/// characters by itself, but not those that turn the direction of writing.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    // A character has at least one byte.
    if text.len() <= LONGEST {
        return printable(text);
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => printable(text.get(..end).unwrap_or(text)),
        None => printable(text),
    }
}
