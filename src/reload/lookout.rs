//! Says when it is time to look again at some files, and nothing about what changed.
//!
//! Three things say so: inotify, on the trailing edge of a burst; a timer, since inotify may be
//! missing, exhausted or deaf; and SIGHUP.

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

/// Quiet for so long, a burst is over: kubelet's own writing takes a few milliseconds.
const QUIET: Duration = Duration::from_millis(50);
/// A burst that does not end is looked at nevertheless.
const LONGEST_BURST: Duration = Duration::from_millis(500);
/// The poll interval while some directory is not watched.
const POLL_UNWATCHED: Duration = Duration::from_secs(5);

/// Waits for changes below some paths.
#[derive(Debug)]
pub struct Lookout {
    watches: Vec<DirectoryWatch>,
    /// Whether every watch was armed the last time.
    armed: bool,
    changed: Arc<Notify>,
    hangup: Option<Signal>,
    poll: Duration,
}

impl Lookout {
    /// Watches each of `paths`, a directory or the directory of a file, and looks again every
    /// `poll` whatever happens. Must be called within a runtime.
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

    /// The longest time between two looks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.poll
    }

    /// Arms the watches that are not. Call it before each look, so that no change falls between.
    /// Where this is not polled to its end, nothing is watched any more.
    pub async fn arm(&mut self) {
        let mut watches = std::mem::take(&mut self.watches);
        // A file system that hangs must not hold up a thread that serves requests.
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

    /// Returns when it is time to look again.
    pub async fn wait(&mut self) {
        let poll = if self.armed { self.poll } else { self.poll.min(POLL_UNWATCHED) };
        tokio::select! {
            () = self.changed.notified() => self.settle().await,
            () = sleep(poll) => {}
            () = received(self.hangup.as_mut()) => {}
        }
    }

    /// Waits until the burst is over, or has lasted long enough.
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

/// The directory to watch: the path itself, or that of the file. What does not exist yet is taken
/// for a directory unless it is named like a file.
fn directory_of(path: &Path) -> PathBuf {
    let is_file = if path.exists() { !path.is_dir() } else { path.extension().is_some() };
    match path.parent() {
        Some(parent) if is_file && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_file => parent.to_owned(),
        _ => path.to_owned(),
    }
}

/// Never returns where the signal cannot be had.
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
        let longest = sleep(LONGEST_BURST);
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
