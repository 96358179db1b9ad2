//! Evaluation: a policy and images in, a verdict out.

use crate::policy::{ContainerImage, Decision, Mode, Policy, Subject, UpdateScope, Verdict};

impl Policy {
    /// Which references of an updated object this policy judges for `subject`.
    #[must_use]
    pub fn update_scope(&self, subject: &Subject<'_>) -> UpdateScope {
        let _ = subject;
        UpdateScope::Changed
    }

    /// Judges `images`, which the caller has already narrowed to the update scope.
    pub fn evaluate<'p, 'i>(
        &'p self,
        subject: &Subject<'_>,
        images: impl IntoIterator<Item = &'i ContainerImage<'i>>,
    ) -> Verdict<'p> {
        // SKELETON: replaced by the policy worker.
        let _ = (subject, images.into_iter().count());
        Verdict {
            decision: Decision::Allow,
            mode: Mode::Enforce,
            violations: Vec::new(),
            exempted: Vec::new(),
            override_name: None,
            policy_hash: self.hash(),
        }
    }

    /// Whether an override of this name exists, for paths that pin one.
    #[must_use]
    pub fn has_override(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}
