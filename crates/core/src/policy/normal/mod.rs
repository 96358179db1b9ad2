//! Policies side by side: the normal form and its hash, and how two policies or two verdicts
//! differ.
//!
//! Judges no image, and does not decide which of two policies is in force.

pub(super) mod difference;
pub(super) mod flip;
pub(super) mod form;
mod sharing;
