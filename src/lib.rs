//! ImageGate: a Kubernetes validating admission webhook that refuses Pods whose images come from
//! untrusted registries, carry a prohibited tag, or have no tag.
//!
//! A request travels one way: bytes become a [`admission::Review`], its images are judged by the
//! [`policy::Policy`] that is in force, and the [`policy::Verdict`] is rendered back to bytes.
//! The policy travels another: a mounted ConfigMap is read by [`reload`], compiled by
//! [`policy::compile`] and swapped in with one atomic store.
//!
//! | module | holds | IO |
//! |---|---|---|
//! | [`image`] | the reference grammar and its normalisation | none |
//! | [`policy`] | the policy language, its compiler and its evaluation | none |
//! | [`admission`] | AdmissionReview in, images out, AdmissionReview back | none |
//! | [`reload`] | watches the policy volume and owns the live policy | files |
//! | [`server`] | TLS, HTTP, limits, drain, admin endpoints | sockets |
//! | [`telemetry`] | events, metrics and the log | stderr |
//! | [`settings`] | process settings: ports, paths, limits | files, variables |
//! | [`version`] | version, commit and date of the build | none |
//! | [`cli`] | one file per subcommand | all |

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
pub mod cli;
pub mod image;
pub mod policy;
pub mod reload;
pub mod server;
pub mod settings;
pub mod telemetry;
pub mod version;
