//! What this replica remembers of the requests that it judged: which images are in use, and the last
//! decisions that were no plain admissions.
//!
//! A request leaves a note in a bounded queue, without waiting and without a lock that a reader could
//! hold. One thread takes the notes and is the only one to touch the memory. Notes that the queue has
//! no room for are lost, and counted. Nothing is written to disk: a restart forgets. Who may read it is
//! decided elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `note` | what a request leaves behind, with a bound on its size |
//! | `handle` | the way in for requests, and the way out for readers |
//! | `keeper` | the thread |
//! | `memory` | the images by namespace and user, bounded in number and bytes |
//! | `order`, `table` | what the memory is made of: lists in the order of use, and interned texts |
//! | `recent` | the last decisions, and who follows them |
//! | `snapshot` | what a reader gets |

mod handle;
mod keeper;
mod memory;
mod note;
mod order;
mod recent;
mod snapshot;
mod table;

pub use handle::{Observed, Unanswered};
pub use memory::{BYTES_PER_IMAGE, MOST_IMAGES};
pub use note::Noted;
#[cfg(test)]
pub(crate) use recent::tests::recent as a_recent;
pub use recent::{Following, LONGEST_FOLLOWED, MOST_RECENT, Recent};
pub(crate) use snapshot::rfc3339;
pub use snapshot::{Circumstances, SeenImage, Snapshot};
