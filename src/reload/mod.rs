//! The live policy: read from a mounted volume, compiled off the hot path, swapped in atomically.
//!
//! One owner task does the only store. The watcher, the poll timer and SIGHUP only tell it to
//! look again; the content's hash decides whether anything changed.

mod live;

pub use live::{InForce, Live, Status};
