//! The attacking side of a siege, on threads of its own, so that what it costs can be told from what
//! the bystander and the test cost.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::fs;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Threads that do nothing but attack.
pub(crate) struct Attacker {
    /// What its threads are called, and no others of this process.
    name: String,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Attacker {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("attack-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let runtime = Builder::new_multi_thread().thread_name(&name).enable_all().build().unwrap();
        Self { name, runtime: Some(runtime) }
    }

    /// Runs an attack to its end. What it spawns and opens goes on on the same threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        attack: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let running = self.runtime.as_ref().unwrap().spawn(attack);
        running.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
    }

    /// The processor time that the attacks have used, those of TLS and of the kernel on their behalf
    /// included.
    pub(crate) fn processor_time(&self) -> Duration {
        let threads = fs::read_dir("/proc/self/task").unwrap();
        let used = threads.filter_map(|thread| {
            let thread = thread.unwrap().path();
            // Another test's thread may end meanwhile; these do not.
            let name = fs::read_to_string(thread.join("comm")).ok()?;
            if name.trim_end() != self.name {
                return None;
            }
            let times = fs::read_to_string(thread.join("schedstat")).ok()?;
            let nanoseconds = times.split_whitespace().next()?.parse().ok()?;
            Some(Duration::from_nanos(nanoseconds))
        });
        used.sum()
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // Within a runtime one must not wait for another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
