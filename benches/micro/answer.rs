//! One decision, whole, for whatever measures it.

use std::hint::black_box;

use imagegate_core::admission::Review;
use imagegate_core::policy::{Documents, Policy, compile};

/// The policy of a cluster that has set none.
pub(crate) fn default_policy() -> Policy {
    compile(&Documents::default()).unwrap().0
}

/// From the bytes of a review to the bytes of the answer.
pub(crate) fn answer(policy: &Policy, body: &[u8]) -> Vec<u8> {
    let review = Review::parse(black_box(body)).unwrap();
    let verdict = review.judge(policy, None, 0);
    review.answer(&verdict)
}
