//! What `imagegate check` does to a text: manifests are read, and their images judged into findings.
//!
//! | module | holds |
//! |---|---|
//! | `manifests` | every object of a source, and its images, with their places |
//! | `target` | one image with what its verdict depends on, and who asks for it |
//! | `located` | a place in a source, as a report has it |
//! | `judge` | a finding of an image, and what to do about it |
//!
//! Pure, like the core: no IO but the reader that is passed in, no clock but the time that is. Which files
//! are read, how many at once, and how a report is written is for the caller.

// As in the core: a panic would lose the verdict of a whole run. Tests may panic.
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

mod judge;
mod located;
mod manifests;
mod target;

pub use judge::Judge;
pub use located::{not_judged, placed, trouble};
pub use manifests::{Problem, Visitor, cannot_read, read, unreadable};
pub use target::{Asker, Asking, Place, Target, labels, template};
