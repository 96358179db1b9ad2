//! Watches the tasks that serving depends on.
//!
//! Without one of them, connections are no longer accepted or the policy is no longer updated,
//! while probes still succeed. So when one of them ends, the process ends.

use std::collections::HashMap;
use std::future::{Future, pending};

use tokio::task::{Id, JoinSet};

/// Tasks that never end while the process serves.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// Which task has ended, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) task: &'static str,
    pub(super) panicked: bool,
}

impl Tasks {
    /// Starts a task. The name is for the log.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until one of the tasks ends.
    pub(super) async fn ended(&mut self) -> Ended {
        let (id, panicked) = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, false),
            Some(Err(error)) => (error.id(), true),
            // There was no task at all.
            None => pending().await,
        };
        Ended { task: self.names.get(&id).copied().unwrap_or_default(), panicked }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::{Ended, Tasks};

    #[tokio::test]
    async fn the_first_end_of_a_task_is_told() {
        let mut tasks = Tasks::default();
        tasks.spawn("one that goes on", pending());
        tasks.spawn("one that ends", async {});
        assert_eq!(tasks.ended().await, Ended { task: "one that ends", panicked: false });
        tasks.spawn("one that panics", async { panic!("on purpose") });
        assert_eq!(tasks.ended().await, Ended { task: "one that panics", panicked: true });
    }
}
