//! An inotify watch on one directory that survives the directory's removal.
//!
//! It watches the mounted directory itself, not its content: a watch on a file or on `..data` would
//! miss every update after the first. The kind of event is ignored, since file systems differ: any
//! event except an access means "check again".

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// A watch on `directory` that is set up again whenever another directory takes its place.
#[derive(Debug)]
pub(super) struct DirectoryWatch {
    directory: PathBuf,
    changed: Arc<Notify>,
    armed: Option<Armed>,
    /// The last failure, so that each is logged once.
    failure: Option<String>,
}

#[derive(Debug)]
struct Armed {
    /// Device and inode, since another directory may have taken the name.
    identity: (u64, u64),
    /// Watches until it is dropped.
    _watcher: RecommendedWatcher,
}

impl DirectoryWatch {
    /// A watch that is not set up yet and notifies `changed`.
    pub(super) fn new(directory: PathBuf, changed: Arc<Notify>) -> Self {
        Self { directory, changed, armed: None, failure: None }
    }

    /// Sets up the watch unless it is in place. Returns whether it is in place now.
    pub(super) fn arm(&mut self) -> bool {
        let Ok(metadata) = fs::metadata(&self.directory) else {
            self.armed = None;
            return false;
        };
        let identity = (metadata.dev(), metadata.ino());
        if self.armed.as_ref().is_some_and(|armed| armed.identity == identity) {
            return true;
        }
        self.armed = None;
        match watcher(&self.directory, Arc::clone(&self.changed)) {
            Ok(watcher) => {
                self.armed = Some(Armed { identity, _watcher: watcher });
                self.failure = None;
                // Changes between the last check and this moment went unnoticed.
                self.changed.notify_one();
            }
            Err(error) => self.report(&error),
        }
        self.armed.is_some()
    }

    fn report(&mut self, error: &notify::Error) {
        let failure = error.to_string();
        if self.failure.as_ref() == Some(&failure) {
            return;
        }
        tracing::warn!(
            directory = %self.directory.display(),
            error = failure.as_str(),
            "cannot watch for changes, polling instead \
             (hint: raise fs.inotify.max_user_instances or max_user_watches on the node)"
        );
        self.failure = Some(failure);
    }
}

fn watcher(directory: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let wake = move |event: notify::Result<notify::Event>| {
        // An error or an overflow may hide a change, so it counts as one.
        if event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            return;
        }
        changed.notify_one();
    };
    let mut watcher = RecommendedWatcher::new(wake, Config::default())?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
