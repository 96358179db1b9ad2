//! An edit of the policy beside a full memory, whole, for whatever measures it.

use std::collections::BTreeMap;
use std::hint::black_box;

use imagegate::observed::Snapshot;
use imagegate_core::admission::{Before, Judging, POLICY_LABEL, PolicyEdit, SeenHere};
use imagegate_core::policy::Policy;
use serde_json::json;

use crate::full_memory::{IN_FORCE, NOW, STRICTER, full_memory, policy};

/// An edit, what it replaces, and what was seen before.
pub(crate) struct Edit {
    body: Vec<u8>,
    in_force: Policy,
    memory: Snapshot,
}

impl Edit {
    /// Removes the registry of a third of so many different images, a power of two.
    pub(crate) fn of_a_third(images: usize) -> Self {
        let object = json!({
            "metadata": {"labels": {POLICY_LABEL: "true"}}, "data": {"policy.yaml": STRICTER},
        });
        let request = json!({
            "uid": "1", "operation": "UPDATE", "object": object,
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        });
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request,
        });
        Self {
            body: review.to_string().into_bytes(),
            in_force: policy(IN_FORCE),
            memory: full_memory(images, images),
        }
    }

    /// From the bytes of the review to those of the answer.
    pub(crate) fn answer(&self) -> Vec<u8> {
        let Self { body, in_force, memory } = self;
        let mut edit = PolicyEdit::parse(black_box(body)).unwrap();
        let Judging::Compile(new) = edit.judge() else { panic!("it is the policy") };
        let before = Before { policy: Some(in_force), candidate: None };
        let usages = memory.usages();
        let total = memory.images.len();
        let seen =
            SeenHere { usages: Some(usages), total, replica: "a", since: NOW - 3600, now: NOW };
        let judged = new.judge(&BTreeMap::new(), before, &seen);
        assert!(judged.impact.is_some());
        edit.answer(&judged.guarded)
    }
}
