//! What `/metrics` shows: every series from the start, and counts that follow the events.

use std::time::Duration;

use crate::support::policy::policy;
use crate::support::reload::metric;
use imagegate::refusal::Refusal;
use imagegate::telemetry::{Decided, Metrics, Telemetry};
use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Rule};
use serde_json::json;
use std::sync::Arc;

fn series(metrics: &Metrics) -> Vec<String> {
    let text = metrics.render();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[test]
fn every_series_of_a_closed_set_is_there_from_the_start() {
    let series = series(&Metrics::new().unwrap());
    let count = |name: &str| series.iter().filter(|each| each.starts_with(name)).count();
    assert_eq!(count("imagegate_admission_decisions_total{"), 2 * 3 * 4);
    assert_eq!(count("imagegate_violations_total{"), Rule::ALL.len() * 3);
    assert_eq!(count("imagegate_admission_errors_total{"), Refusal::REASONS.len());
    assert_eq!(count("imagegate_candidate_flips_total{"), 2);
    assert_eq!(count("imagegate_policy_reloads_total{"), 2);
    assert_eq!(count("imagegate_tls_reloads_total{"), 2);
    assert_eq!(count("imagegate_overdue_looks_total{"), 2);
    let build: Vec<_> = series.iter().filter(|s| s.starts_with("imagegate_build_info{")).collect();
    let [build] = build[..] else { panic!("{build:?}") };
    for label in ["version", "commit", "build_date"] {
        assert!(build.contains(&format!("{label}=\"")), "{build}");
    }
    assert!(count("process_") >= 5);
    for name in [
        "imagegate_exempted_total",
        "imagegate_policy_last_reload_successful",
        "imagegate_policy_last_reload_success_timestamp_seconds",
        "imagegate_policy_generation",
        "imagegate_policy_source_present",
        "imagegate_policy_deletions_total",
        "imagegate_candidate_last_reload_successful",
        "imagegate_tls_certificate_not_after_timestamp_seconds",
        "imagegate_tls_handshake_errors_total",
        "imagegate_connections",
        "imagegate_requests_in_flight",
        "imagegate_requests_shed_total",
        "imagegate_panics_total",
    ] {
        assert!(series.iter().any(|each| each == name), "{name}");
    }
}

#[test]
fn one_policy_hash_is_shown_and_exemptions_end_with_the_policy_that_names_them() {
    let metrics = Metrics::new().unwrap();
    let exempting = policy(
        "exemptions:\n- {name: agent, images: [quay.io/a], reason: r, expires: 2027-01-31}\n\
         - {name: forever, images: [quay.io/b], reason: r}\n",
    );
    metrics.policy_applied(&exempting, 1, 1.0);
    let expiry = "imagegate_exemption_expiry_timestamp_seconds{exemption=\"agent\"}";
    assert_eq!(metric(&metrics.render(), expiry), 1_801_440_000);
    assert!(!metrics.render().contains("forever"));
    metrics.policy_applied(&policy("mode: warn"), 2, 2.0);
    let text = metrics.render();
    assert!(!text.contains("agent"));
    assert_eq!(text.matches("imagegate_policy_info{").count(), 1);
}

#[test]
fn a_decision_counts_what_was_answered_and_why() {
    let metrics = Arc::new(Metrics::new().unwrap());
    let telemetry = Telemetry::new(Arc::clone(&metrics), 100);
    let policy = policy("mode: warn\n");
    let body = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "kind": {"group": "", "kind": "Pod"},
            "object": {"spec": {"containers": [
                {"name": "a", "image": "nginx"}, {"name": "b", "image": "quay.io/x:1"},
            ]}},
        },
    })
    .to_string();
    let review = Review::parse(body.as_bytes()).unwrap();
    let verdict = review.judge(&policy, None, 0);
    assert_eq!(verdict.decision, Decision::Allow);
    let took = Duration::from_micros(60);
    Decided { review: &review, verdict: &verdict, flip: None, took }.emit(&telemetry);
    let text = metrics.render();
    for series in [
        "imagegate_admission_decisions_total{decision=\"allow\",mode=\"warn\",operation=\"CREATE\"}",
        "imagegate_violations_total{mode=\"warn\",rule=\"missing-tag\"}",
        "imagegate_violations_total{mode=\"warn\",rule=\"untrusted-registry\"}",
        "imagegate_admission_duration_seconds_bucket{le=\"0.0001\"}",
    ] {
        assert_eq!(metric(&text, series), 1, "{series}");
    }
    assert_eq!(metric(&text, "imagegate_admission_duration_seconds_bucket{le=\"0.00005\"}"), 0);
}

#[test]
fn gauges_fall_when_what_they_count_is_gone() {
    let metrics = Metrics::new().unwrap();
    let held = [metrics.connection(), metrics.connection()];
    assert_eq!(metric(&metrics.render(), "imagegate_connections"), 2);
    drop(held);
    assert_eq!(metric(&metrics.render(), "imagegate_connections"), 0);
}
