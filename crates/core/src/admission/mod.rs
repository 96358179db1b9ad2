//! AdmissionReview bytes in, images out; a verdict in, AdmissionReview bytes out.
//!
//! Pure: no IO, no clock but the one passed in. A review that is not understood is an error, never
//! an admission; an object that holds no image is allowed.

mod bad_review;
mod bounded;
mod config_map;
mod envelope;
mod guard;
mod json;
mod label;
mod labels;
mod named;
mod namespace_edit;
mod object;
mod operation;
mod overwritten;
mod owner;
mod pod_spec;
mod policy_edit;
mod reach;
mod response;
mod review;
mod seen_here;
mod strict;
mod warning;
mod workload;

pub(crate) use bounded::MOST_LISTED;
pub(crate) use workload::WorkloadKind;

pub use bad_review::BadReview;
pub use config_map::{CONFIRM_ANNOTATION, POLICY_LABEL};
pub use guard::Guarded;
pub use namespace_edit::{NamespaceEdit, OPT_OUT_LABEL};
pub use object::{ObjectImages, images_of_item, images_of_object};
pub use operation::{ApiVersion, Operation};
pub use policy_edit::{Before, Judged, Judging, NewPolicy, PolicyEdit};
pub use review::Review;
pub use seen_here::SeenHere;

/// Panics if the two JSON readers disagree on `body`. Only for fuzzing.
#[cfg(fuzzing)]
pub fn compare_readers(body: &[u8]) {
    json::oracle::compare(body);
}
