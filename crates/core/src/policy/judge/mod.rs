//! The checked policy at work: its rules, the verdict on a workload, and the words for it.
//!
//! Takes only what [`compile`](super::compile()) has checked, and reads no document.

pub(super) mod advice;
pub(super) mod checks;
pub(super) mod evaluate;
pub(super) mod exemption;
pub(super) mod explain;
pub(super) mod labels;
pub(super) mod list;
pub(super) mod message;
pub(super) mod opt_out;
pub(super) mod outcome;
pub(super) mod policy;
pub(super) mod pull;
pub(super) mod registries;
pub(super) mod selector;
pub(super) mod standing;
pub(super) mod subject;
pub(super) mod template;
pub(super) mod terms;
pub(super) mod unchanged_updates;
pub(super) mod verdict;
pub(super) mod workloads;
