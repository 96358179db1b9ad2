//! ImageGate: a Kubernetes validating admission webhook that refuses Pods whose images come from
//! untrusted registries, carry a prohibited tag, or have no tag.
//!
//! What images, policies and reviews mean is in [`imagegate_core`]; here is what reaches the world.
//! A request travels one way: [`server`] reads its bytes, the core judges them by the policy that
//! [`reload`] has put in force, and [`telemetry`] counts and logs the verdict. The policy travels
//! another: a mounted ConfigMap is read by [`reload`], compiled by the core and swapped in with one
//! atomic store.
//!
//! | module | holds | IO |
//! |---|---|---|
//! | [`reload`] | watches the policy volume and owns the live policy | files |
//! | [`observed`] | what this replica remembers of the images it judged | memory |
//! | [`server`] | TLS, HTTP, limits, drain, admin endpoints | sockets |
//! | [`telemetry`] | events, metrics and the log | stderr |
//! | [`refusal`] | why a request gets an error instead of a verdict | none |
//! | [`files`] | regular files, read without waiting | files |
//! | [`clock`] | the current time | the clock |
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

pub mod cli;
pub mod clock;
pub mod files;
pub mod observed;
pub mod refusal;
pub mod reload;
pub mod server;
pub mod settings;
pub mod telemetry;
pub mod version;
