//! `kubectl imagegate`: what a cluster runs, and what its image policy says of it.
//!
//! Whoever asks is the user of the kubeconfig, with the rights that user has. The gate itself has no
//! client and no token; this is where both are. Images are judged by `imagegate_core`, as the gate
//! judges them.
//!
//! | module | holds | IO |
//! |---|---|---|
//! | `connection` | the flags of kubectl, and the client they make | kubeconfig |
//! | `cluster` | requests to the API server: retries, pages, port-forward | the network |
//! | `gate` | where the gate is, what its replicas say, how it is registered | by `cluster` |
//! | `status`, `explain`, `audit`, `doctor`, `tail`, `images`, `propose`, `diff` | the commands of these names | standard output |
//! | `edit`, `candidate`, `exempt`, `history` | the commands that change the policy, or take that back | an editor |
//! | `console` | the page of `console`, and the server of it on this machine | a socket on loopback |
//! | `uses` | what is used, in the cluster and as the replicas remember | by `cluster` |
//! | `change` | a change of the policy, from the text to the last replica | by `cluster` |
//! | `floor` | the command of this name, and the floor that follows a change | by `cluster` |
//! | `complete` | what may come next on the command line | none |
//! | `output` | the formats of commands that have two | none |
//! | `table`, `words`, `paint` | columns, numbers and colours of text | none |

// Tests may panic, so these lints stand here and not in Cargo.toml.
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

mod audit;
mod candidate;
mod change;
mod cli;
mod cluster;
mod complete;
mod connection;
mod console;
mod diff;
mod doctor;
mod edit;
mod exempt;
mod explain;
mod floor;
mod gate;
mod history;
mod images;
mod output;
mod paint;
mod propose;
mod status;
mod table;
mod tail;
mod uses;
mod words;

pub use cli::{command, main};
