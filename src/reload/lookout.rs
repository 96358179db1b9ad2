//! Says when to check some files again, but not what changed in them.
//!
//! There are three triggers: inotify, once a burst of events is over; a timer, since inotify may be
//! unavailable, exhausted or silent; and SIGHUP.

use std::future::pending;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use super::watch::DirectoryWatch;

/// A burst is over after this long without an event. The kubelet writes for a few milliseconds.
const QUIET: Duration = Duration::from_millis(50);
/// The files are checked after this long even if a burst goes on.
const LONGEST_BURST: Duration = Duration::from_millis(500);
/// The polling interval while a directory is not being watched.
const POLL_UNWATCHED: Duration = Duration::from_secs(5);

/// Waits for changes below some paths.
#[derive(Debug)]
pub struct Lookout {
    watches: Vec<DirectoryWatch>,
    /// Whether every watch was in place at the last attempt.
    armed: bool,
    changed: Arc<Notify>,
    hangup: Option<Signal>,
    poll: Duration,
}

impl Lookout {
    /// Watches each of `paths`, which are directories, or files whose directories are watched. In
    /// any case it is time for a check every `poll`. Must be called within a runtime.
    #[must_use]
    pub fn new(paths: &[&Path], poll: Duration) -> Self {
        let mut directories: Vec<PathBuf> = paths.iter().map(|path| directory_of(path)).collect();
        directories.sort_unstable();
        directories.dedup();
        let changed = Arc::new(Notify::new());
        let watch = |directory| DirectoryWatch::new(directory, Arc::clone(&changed));
        Self {
            watches: directories.into_iter().map(watch).collect(),
            armed: false,
            changed: Arc::clone(&changed),
            hangup: signal(SignalKind::hangup()).ok(),
            poll,
        }
    }

    /// The longest time between two checks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.poll
    }

    /// Sets up the watches that are missing. Call it before each check, so that no change is missed
    /// in between. If this is not polled to completion, nothing is watched any more.
    pub async fn arm(&mut self) {
        let mut watches = std::mem::take(&mut self.watches);
        // A hanging file system must not block a thread that serves requests.
        let arming = spawn_blocking(move || {
            let mut armed = true;
            for watch in &mut watches {
                armed &= watch.arm();
            }
            (watches, armed)
        });
        match arming.await {
            Ok((watches, armed)) => (self.watches, self.armed) = (watches, armed),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => pending().await,
            },
        }
    }

    /// Returns when it is time for the next check.
    pub async fn wait(&mut self) {
        let poll = if self.armed { self.poll } else { self.poll.min(POLL_UNWATCHED) };
        tokio::select! {
            () = self.changed.notified() => self.settle().await,
            () = sleep(poll) => {}
            () = received(self.hangup.as_mut()) => {}
        }
    }

    /// Waits until the burst is over or has lasted too long.
    async fn settle(&self) {
        let ceiling = Instant::now() + LONGEST_BURST;
        loop {
            let quiet = ceiling.min(Instant::now() + QUIET);
            let again = timeout_at(quiet, self.changed.notified()).await.is_ok();
            if !again || Instant::now() >= ceiling {
                return;
            }
        }
    }
}

/// The directory to watch: the path itself, or the one that the file is in. A path that does not
/// exist yet counts as a directory unless it is named like a file.
fn directory_of(path: &Path) -> PathBuf {
    let is_file = if path.exists() { !path.is_dir() } else { path.extension().is_some() };
    match path.parent() {
        Some(parent) if is_file && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_file => parent.to_owned(),
        _ => path.to_owned(),
    }
}

/// Never returns if the signal cannot be received.
async fn received(signal: Option<&mut Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::pin::pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::time::{sleep, timeout};

    use super::{LONGEST_BURST, Lookout, POLL_UNWATCHED, directory_of};

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn the_directory_of_what_is_there_or_may_come_is_watched() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["file", "file.yaml"] {
            std::fs::write(path(name), "").unwrap();
        }
        std::fs::create_dir(path("directory.d")).unwrap();
        let here = directory.path().to_owned();
        for (name, expected) in [
            ("file", &here),
            ("file.yaml", &here),
            ("directory.d", &path("directory.d")),
            ("missing", &path("missing")),
            ("missing.yaml", &here),
        ] {
            assert_eq!(&directory_of(&path(name)), expected, "{name}");
        }
        assert_eq!(directory_of(Path::new("missing.yaml")), PathBuf::from("."));
        assert_eq!(directory_of(Path::new("missing")), PathBuf::from("missing"));
    }

    #[tokio::test]
    async fn it_is_time_to_look_once_a_watch_is_armed_and_then_not_until_something_happens() {
        let directory = TempDir::new().unwrap();
        let mut lookout = Lookout::new(&[directory.path()], LONG);
        assert_eq!(lookout.period(), LONG);
        lookout.arm().await;
        assert!(lookout.armed);
        timeout(POLL_UNWATCHED * 6, lookout.wait())
            .await
            .expect("what happened before is not seen");
        {
            let waiting = pin!(lookout.wait());
            assert!(waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        std::fs::write(directory.path().join("file"), "").unwrap();
        timeout(POLL_UNWATCHED * 6, lookout.wait()).await.expect("it is not seen");
    }

    #[tokio::test]
    async fn a_burst_goes_on_with_the_next_change_and_ends_with_quiet() {
        let directory = TempDir::new().unwrap();
        let lookout = Lookout::new(&[directory.path()], LONG);
        lookout.changed.notify_one();
        {
            let settling = pin!(lookout.settle());
            let mut context = Context::from_waker(Waker::noop());
            assert!(settling.poll(&mut context).is_pending(), "another change, and then quiet");
        }
        // Whichever is asked first wins if both are over, so a busy machine changes nothing.
        let longest = sleep(LONGEST_BURST / 2);
        tokio::select! {
            biased;
            () = lookout.settle() => {}
            () = longest => panic!("quiet does not end it"),
        }
    }

    #[tokio::test]
    async fn one_directory_that_cannot_be_watched_is_enough_to_look_more_often() {
        let directory = TempDir::new().unwrap();
        let missing = directory.path().join("missing");
        let mut lookout = Lookout::new(&[directory.path(), &missing], LONG);
        lookout.arm().await;
        assert!(!lookout.armed);
        std::fs::create_dir(&missing).unwrap();
        lookout.arm().await;
        assert!(lookout.armed);
    }
}
