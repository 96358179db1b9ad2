//! Which images are used where, and whom a change of policy hits.
//!
//! | room | holds |
//! |---|---|
//! | `distinct.rs` | one distinct use of an image |
//! | `impact.rs` | uses judged by two policies: who would be refused, warned or admitted anew |
//! | `words.rs` | that, in the few lines that the API server passes on |
//!
//! Pure, and keeps nothing: where the uses come from is up to the caller, be it the memory of a
//! replica, manifests, or the Pods of a cluster.

mod distinct;
mod impact;
mod words;

pub use distinct::{Owner, Usage};
pub use impact::{Hit, Hits, Impact, MOST_HITS, MOST_NAMED};
pub use words::{Budget, Seen};
