//! Every series of `/metrics`, resolved once into plain counters.
//!
//! Labels have closed sets of values, except for two that come from the policy: its hash, of which
//! there is one at a time, and the names of its exemptions. No request adds a series.

use prometheus::{Encoder as _, Histogram, IntCounter, IntGauge, Registry, TextEncoder};

use super::closed::Closed;
use super::images::ObservedMetrics;
use super::looks::Looks;
use super::policy_metrics::PolicyMetrics;
use super::register::Register;
use crate::refusal::Refusal;
use imagegate_core::admission::Operation;
use imagegate_core::policy::{Decision, Mode, Policy, Rule};

/// In seconds, from 50 µs: a decision takes microseconds, waiting in a queue milliseconds.
const BUCKETS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
    5.0,
];

/// The process's metrics, to be shared: all methods take `&self` and cost an atomic add.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    decisions: Closed<(Decision, Mode, Operation)>,
    violations: Closed<(Rule, Mode)>,
    errors: Closed<&'static str>,
    candidate_flips: Closed<Decision>,
    guard_decisions: Closed<(&'static str, Decision)>,
    policy_reloads: Closed<bool>,
    tls_reloads: Closed<bool>,
    overdue_looks: Closed<Looks>,
    duration: Histogram,
    exempted: IntCounter,
    requests_shed: IntCounter,
    panics: IntCounter,
    handshake_errors: IntCounter,
    log_lines_suppressed: IntCounter,
    connections: IntGauge,
    requests: IntGauge,
    policy: PolicyMetrics,
    /// Of the images that are remembered.
    pub observed: ObservedMetrics,
    certificate_not_after: IntGauge,
}

/// Keeps a gauge raised by one until it is dropped.
#[derive(Debug)]
pub struct Held<'m>(&'m IntGauge);

impl Metrics {
    /// Creates and registers every series, so that each is present from the first scrape.
    ///
    /// # Errors
    /// If two series have the same name, which no caller can cause.
    pub fn new() -> Result<Self, prometheus::Error> {
        let register = Register::new()?;
        Ok(Self {
            decisions: register.closed(
                "imagegate_admission_decisions_total",
                "Requests answered with a verdict.",
                &["decision", "mode", "operation"],
                decisions(),
            )?,
            violations: register.closed(
                "imagegate_violations_total",
                "Images that violate the policy, by the first rule they violate.",
                &["rule", "mode"],
                violations(),
            )?,
            errors: register.closed(
                "imagegate_admission_errors_total",
                "Requests answered with an error instead of a verdict.",
                &["reason"],
                Refusal::REASONS.map(|reason| (reason, vec![reason])),
            )?,
            candidate_flips: register.closed(
                "imagegate_candidate_flips_total",
                "Requests that the candidate policy would have decided differently, by its decision.",
                &["to"],
                DECISIONS.map(|to| (to, vec![to.as_str()])),
            )?,
            guard_decisions: register.closed(
                "imagegate_guard_decisions_total",
                "Edits of the policy's ConfigMap and of namespaces, by the guard's decision.",
                &["guard", "decision"],
                guards(),
            )?,
            policy_reloads: register.closed(
                "imagegate_policy_reloads_total",
                "Policy changes: applied, or refused because they were not valid.",
                &["result"],
                results(),
            )?,
            tls_reloads: register.closed(
                "imagegate_tls_reloads_total",
                "Certificate changes: applied, or refused because they were not valid.",
                &["result"],
                results(),
            )?,
            overdue_looks: register.closed(
                "imagegate_overdue_looks_total",
                "How many times poll_seconds passed while a check of the files was hanging.",
                &["of"],
                Looks::ALL.map(|of| (of, vec![of.as_str()])),
            )?,
            duration: register.histogram(
                "imagegate_admission_duration_seconds",
                "Time from the last byte of a request body to the rendered response, in seconds.",
                &BUCKETS,
            )?,
            exempted: register.counter(
                "imagegate_exempted_total",
                "Images that violate the policy but are exempt.",
            )?,
            requests_shed: register.counter(
                "imagegate_requests_shed_total",
                "Requests and connections rejected because a limit was reached.",
            )?,
            panics: register.counter(
                "imagegate_panics_total",
                "Panics while serving a request or a connection. The request got an error.",
            )?,
            handshake_errors: register.counter(
                "imagegate_tls_handshake_errors_total",
                "TLS handshakes that failed or timed out.",
            )?,
            log_lines_suppressed: register.counter(
                "imagegate_log_lines_suppressed_total",
                "Decisions that were not logged because of the rate limit on log lines.",
            )?,
            connections: register
                .gauge("imagegate_connections", "Open connections to the webhook.")?,
            requests: register.gauge(
                "imagegate_requests_in_flight",
                "Requests that are being read or processed.",
            )?,
            policy: PolicyMetrics::new(&register)?,
            observed: ObservedMetrics::new(&register)?,
            certificate_not_after: register.gauge(
                "imagegate_tls_certificate_not_after_timestamp_seconds",
                "When the serving certificate expires, in Unix seconds.",
            )?,
            registry: register.into_registry(),
        })
    }

    /// The text exposition format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory does not fail; whatever was written is valid.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// `imagegate_admission_decisions_total` and `imagegate_admission_duration_seconds`
    pub fn decided(&self, decision: Decision, mode: Mode, operation: Operation, seconds: f64) {
        self.decisions.add_one(&(decision, mode, operation));
        self.duration.observe(seconds);
    }

    /// `imagegate_violations_total{rule,mode}`
    pub fn violated(&self, rule: Rule, mode: Mode, images: u64) {
        if images > 0 {
            self.violations.add(&(rule, mode), images);
        }
    }

    /// `imagegate_exempted_total`
    pub fn exempted(&self, images: u64) {
        self.exempted.inc_by(images);
    }

    /// `imagegate_candidate_flips_total{to}`
    pub fn candidate_flipped(&self, to: Decision) {
        self.candidate_flips.add_one(&to);
    }

    /// `imagegate_guard_decisions_total{guard,decision}`
    pub fn guarded(&self, guard: &'static str, decision: Decision) {
        self.guard_decisions.add_one(&(guard, decision));
    }

    /// `imagegate_log_lines_suppressed_total`
    pub fn log_line_suppressed(&self) {
        self.log_lines_suppressed.inc();
    }

    /// `imagegate_connections` up by one until the value is dropped.
    #[must_use]
    pub fn connection(&self) -> Held<'_> {
        Held::new(&self.connections)
    }

    /// `imagegate_requests_in_flight` up by one until the value is dropped.
    #[must_use]
    pub fn request(&self) -> Held<'_> {
        Held::new(&self.requests)
    }

    /// `imagegate_admission_errors_total{reason}`, and an overload among the requests that are
    /// shed.
    pub fn refused(&self, refusal: &Refusal) {
        self.errors.add_one(&refusal.reason());
        if *refusal == Refusal::Overload {
            self.request_shed();
        }
    }

    /// `imagegate_requests_shed_total`
    pub fn request_shed(&self) {
        self.requests_shed.inc();
    }

    /// `imagegate_panics_total`
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// `imagegate_tls_handshake_errors_total`
    pub fn tls_handshake_error(&self) {
        self.handshake_errors.inc();
    }

    /// `imagegate_tls_reloads_total{result}`
    pub fn tls_reloaded(&self, success: bool) {
        self.tls_reloads.add_one(&success);
    }

    /// `imagegate_overdue_looks_total{of}`
    pub fn look_overdue(&self, of: Looks) {
        self.overdue_looks.add_one(&of);
    }

    /// `imagegate_tls_certificate_not_after_timestamp_seconds`
    pub fn tls_certificate_not_after(&self, unix_seconds: i64) {
        self.certificate_not_after.set(unix_seconds);
    }

    /// `imagegate_policy_reloads_total{result="success"}` and the gauges that go with it.
    /// `now` is in Unix seconds.
    pub fn policy_applied(&self, policy: &Policy, generation: u64, now: f64) {
        self.policy_reloads.add_one(&true);
        self.policy.found_valid(now);
        self.policy.applied(policy, generation);
    }

    /// `imagegate_policy_reloads_total{result="failure"}`, last reload not successful, and whether
    /// there was something to read.
    pub fn policy_rejected(&self, is_missing: bool) {
        self.policy_reloads.add_one(&false);
        self.policy.found_invalid(is_missing);
    }

    /// `imagegate_candidate_last_reload_successful`; no candidate is fine.
    pub fn candidate_looked_at(&self, is_fine: bool) {
        self.policy.candidate_looked_at(is_fine);
    }

    /// `imagegate_policy_deletions_total`
    pub fn policy_deleted(&self) {
        self.policy.deleted();
    }

    /// Last reload successful again: the content went back to what is in force.
    /// `now` is in Unix seconds.
    pub fn policy_restored(&self, now: f64) {
        self.policy.found_valid(now);
    }
}

impl<'m> Held<'m> {
    fn new(gauge: &'m IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const DECISIONS: [Decision; 2] = [Decision::Allow, Decision::Deny];
const MODES: [Mode; 3] = [Mode::Audit, Mode::Enforce, Mode::Warn];

fn decisions() -> impl Iterator<Item = ((Decision, Mode, Operation), Vec<&'static str>)> {
    let of_mode = |decision: Decision, mode: Mode| {
        Operation::ALL.map(|operation| {
            let labels = vec![decision.as_str(), mode.as_str(), operation.as_str()];
            ((decision, mode, operation), labels)
        })
    };
    DECISIONS
        .into_iter()
        .flat_map(move |decision| MODES.into_iter().flat_map(move |mode| of_mode(decision, mode)))
}

fn violations() -> impl Iterator<Item = ((Rule, Mode), Vec<&'static str>)> {
    Rule::ALL
        .into_iter()
        .flat_map(|rule| MODES.map(|mode| ((rule, mode), vec![rule.as_str(), mode.as_str()])))
}

fn guards() -> impl Iterator<Item = ((&'static str, Decision), Vec<&'static str>)> {
    ["policy", "namespace"]
        .into_iter()
        .flat_map(|guard| DECISIONS.map(|each| ((guard, each), vec![guard, each.as_str()])))
}

fn results() -> [(bool, Vec<&'static str>); 2] {
    [(true, vec!["success"]), (false, vec!["failure"])]
}
