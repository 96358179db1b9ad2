//! The core of ImageGate: what an image reference, a policy and an admission review mean.
//!
//! Bytes become a [`admission::Review`], its images are judged by a [`policy::Policy`], and the
//! [`policy::Verdict`] is rendered back to bytes. Every program of ImageGate decides through these
//! functions, so that no two of them can disagree.
//!
//! | module | holds |
//! |---|---|
//! | [`image`] | the reference grammar and its normalisation |
//! | [`policy`] | the policy language, its compiler and its evaluation |
//! | [`admission`] | AdmissionReview in, images out, AdmissionReview back |
//! | [`floor`] | what an API server holds of a policy by itself, as its objects |
//! | [`manifest`] | the images of any object, custom resources included |
//! | [`usage`] | which images are used where, and whom a change of policy hits |
//!
//! Pure: no IO, no lock, no clock but the one passed in. The list of dependencies holds it to that.

// Panics are defects: a webhook that dies refuses every Pod in the cluster. Tests may panic, so
// these lints stand here and not in Cargo.toml.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod admission;
pub mod floor;
pub mod image;
pub mod manifest;
pub mod policy;
pub mod usage;
