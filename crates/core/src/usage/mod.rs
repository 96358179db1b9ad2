//! Which images are used where, and whom a change of policy hits.
//!
//! | room | holds |
//! |---|---|
//! | `distinct.rs` | one distinct use of an image |
//! | `impact.rs` | uses judged by two policies: who would be refused, warned or admitted anew |
//! | `words.rs` | that, in the few lines that the API server passes on |
//! | `inventory.rs` | uses from several sources, each distinct one once |
//! | `remembered.rs` | what replicas remember, read from their answers |
//! | `gathered.rs` | uses from all of these, what is in use apart from what was refused |
//! | `proposal/` | a policy from what is used |
//!
//! Pure, and keeps nothing: where the uses come from is up to the caller, be it the memory of a
//! replica, manifests, or the Pods of a cluster.

mod distinct;
mod gathered;
mod impact;
mod inventory;
mod proposal;
mod remembered;
mod words;

pub use distinct::{Owner, Usage};
pub use gathered::Gathered;
pub use impact::{Hit, Hits, Impact, MOST_HITS, MOST_NAMED};
pub use inventory::Inventory;
pub use proposal::{
    Exempting, ExemptingError, ExemptingPolicy, Fit, NotProposed, NothingUsed, Proposal, Proposed,
    Wish,
};
pub use remembered::{MOST_ENTRIES, NotRemembered, Remembered};
pub use words::{Budget, Seen};
