//! The live policy: read from a mounted volume, compiled off the hot path, swapped in atomically.
//!
//! One [`Owner`] is the only writer. The [`Lookout`] (inotify, a polling timer, SIGHUP) only says
//! when to check again; the content decides whether anything changed.

mod candidate;
mod history;
mod live;
mod lookout;
mod overdue;
mod owner;
mod volume;
mod watch;

pub use candidate::Candidate;
pub use history::{Applied, History};
pub use live::{InForce, Live, Status};
pub use lookout::Lookout;
pub use overdue::in_time;
pub use owner::{Outcome, Owner, PolicySource};
pub use volume::{VolumeError, read_volume};
