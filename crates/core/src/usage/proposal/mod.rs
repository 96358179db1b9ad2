//! A policy from what is used: the shortest that refuses none of it, with the least beyond it.
//!
//! | room | holds |
//! |---|---|
//! | `cover.rs` | registries and path prefixes that cover what is used |
//! | `shared.rs` | the registries where anyone may publish |
//! | `tags.rs` | tags that move, and which of them nobody uses |
//! | `evidence.rs` | the comment on a line: who uses what it is about |
//! | `policy.rs` | the proposal, and its text |
//! | `exempting.rs` | exemptions with an end for what another policy would refuse |
//! | `proposed.rs` | either of these, judged by itself before it is handed out |
//! | `scalar.rs`, `yaml.rs` | texts, and a policy, as YAML |
//!
//! The same uses always give the same text. What no policy admits, an image that is not a reference
//! or a namespace that cannot be, is set aside and named.

mod cover;
mod evidence;
mod exempting;
mod policy;
mod proposed;
mod scalar;
mod shared;
mod tags;
mod yaml;

pub use cover::Fit;
pub use exempting::{Exempting, ExemptingError, ExemptingPolicy};
pub use policy::{NothingUsed, Proposal};
pub use proposed::{NotProposed, Proposed, Wish};
