//! What `/metrics` shows of the policy in force.

use prometheus::{Gauge, GaugeVec, IntGauge, IntGaugeVec};

use super::register::Register;
use crate::policy::Policy;

#[derive(Debug)]
pub(super) struct PolicyMetrics {
    successful: IntGauge,
    success_time: Gauge,
    generation: IntGauge,
    info: IntGaugeVec,
    exemption_expiry: GaugeVec,
}

impl PolicyMetrics {
    pub(super) fn new(register: &Register) -> Result<Self, prometheus::Error> {
        Ok(Self {
            successful: register.gauge(
                "imagegate_policy_last_reload_successful",
                "Whether the policy last seen is valid.",
            )?,
            success_time: register.time(
                "imagegate_policy_last_reload_success_timestamp_seconds",
                "When the policy was last found valid and changed.",
            )?,
            generation: register
                .gauge("imagegate_policy_generation", "Policies applied since the start.")?,
            info: register.info(
                "imagegate_policy_info",
                "The policy in force, by its hash.",
                &["hash"],
            )?,
            exemption_expiry: register.times(
                "imagegate_exemption_expiry_timestamp_seconds",
                "When an exemption of the policy in force stops to apply.",
                "exemption",
            )?,
        })
    }

    /// `now` is in Unix seconds.
    pub(super) fn found_valid(&self, now: f64) {
        self.successful.set(1);
        self.success_time.set(now);
    }

    pub(super) fn found_invalid(&self) {
        self.successful.set(0);
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
