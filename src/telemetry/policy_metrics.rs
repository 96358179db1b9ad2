//! The metrics of the policy in force.

use prometheus::{Gauge, GaugeVec, IntCounter, IntGauge, IntGaugeVec};

use super::register::Register;
use imagegate_core::policy::Policy;

#[derive(Debug)]
pub(super) struct PolicyMetrics {
    successful: IntGauge,
    present: IntGauge,
    candidate_successful: IntGauge,
    deletions: IntCounter,
    success_time: Gauge,
    generation: IntGauge,
    info: IntGaugeVec,
    exemption_expiry: GaugeVec,
}

impl PolicyMetrics {
    pub(super) fn new(register: &Register) -> Result<Self, prometheus::Error> {
        let candidate_successful = register.gauge(
            "imagegate_candidate_last_reload_successful",
            "Whether the latest candidate policy is valid; 1 if there is no candidate.",
        )?;
        candidate_successful.set(1);
        Ok(Self {
            successful: register.gauge(
                "imagegate_policy_last_reload_successful",
                "1 if the policy that was last read is valid, 0 if it is not.",
            )?,
            present: register.gauge(
                "imagegate_policy_source_present",
                "Whether the policy's source exists: 1 if it does, whatever it holds.",
            )?,
            candidate_successful,
            deletions: register.counter(
                "imagegate_policy_deletions_total",
                "Requests to delete the policy's ConfigMap.",
            )?,
            success_time: register.time(
                "imagegate_policy_last_reload_success_timestamp_seconds",
                "When a policy was last applied or restored, in Unix seconds.",
            )?,
            generation: register.gauge(
                "imagegate_policy_generation",
                "Policies applied since the process started.",
            )?,
            info: register.info(
                "imagegate_policy_info",
                "The hash of the policy in force.",
                &["hash"],
            )?,
            exemption_expiry: register.times(
                "imagegate_exemption_expiry_timestamp_seconds",
                "When an exemption of the policy in force expires, in Unix seconds.",
                "exemption",
            )?,
        })
    }

    /// `now` is in Unix seconds.
    pub(super) fn found_valid(&self, now: f64) {
        self.successful.set(1);
        self.present.set(1);
        self.success_time.set(now);
    }

    pub(super) fn found_invalid(&self, is_missing: bool) {
        self.successful.set(0);
        self.present.set(i64::from(!is_missing));
    }

    pub(super) fn candidate_looked_at(&self, is_fine: bool) {
        self.candidate_successful.set(i64::from(is_fine));
    }

    pub(super) fn deleted(&self) {
        self.deletions.inc();
    }

    pub(super) fn applied(&self, policy: &Policy, generation: u64) {
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.info.reset();
        self.info.with_label_values(&[policy.hash()]).set(1);
        self.exemption_expiry.reset();
        for exemption in policy.exemptions() {
            if let Some(expires_at) = exemption.expires_at() {
                #[expect(clippy::cast_precision_loss, reason = "Unix seconds are below 2^53")]
                let seconds = expires_at as f64;
                self.exemption_expiry.with_label_values(&[exemption.name()]).set(seconds);
            }
        }
    }
}
