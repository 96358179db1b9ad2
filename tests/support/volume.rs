//! A ConfigMap volume, written step by step as kubelet writes it.
//!
//! Source: steps 5 to 11 of `AtomicWriter.Write`, `pkg/volume/util/atomic_writer.go`.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A mounted volume; removed when it is dropped.
pub(crate) struct Volume {
    /// Holds the mount directory, so that the mount itself can be taken away.
    root: TempDir,
    swaps: usize,
}

impl Volume {
    /// A mount directory that holds nothing.
    pub(crate) fn empty() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("mount")).unwrap();
        Self { root, swaps: 0 }
    }

    /// A volume with `policy.yaml` alone.
    pub(crate) fn with_policy(yaml: &str) -> Self {
        let mut volume = Self::empty();
        volume.write(&[("policy.yaml", yaml)]);
        volume
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("mount")
    }

    /// Replaces the content by `keys`, as kubelet does.
    pub(crate) fn write(&mut self, keys: &[(&str, &str)]) {
        let keys: Vec<_> = keys.iter().map(|(key, text)| (*key, text.as_bytes())).collect();
        self.write_bytes(&keys);
    }

    /// Replaces the content by `keys`, as kubelet does.
    pub(crate) fn write_bytes(&mut self, keys: &[(&str, &[u8])]) {
        let mount = self.path();
        let old = fs::read_link(mount.join("..data")).ok();
        self.swaps += 1;
        let timestamped = format!("..2026_11_24_00_00_00.{:09}", self.swaps);
        fs::create_dir(mount.join(&timestamped)).unwrap();
        for (key, bytes) in keys {
            fs::write(mount.join(&timestamped).join(key), bytes).unwrap();
        }
        symlink(&timestamped, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        for (key, _) in keys {
            let link = mount.join(key);
            if fs::symlink_metadata(&link).is_err() {
                symlink(Path::new("..data").join(key), link).unwrap();
            }
        }
        self.remove_stale_links(keys);
        if let Some(old) = old {
            fs::remove_dir_all(mount.join(old)).unwrap();
        }
    }

    /// Takes the mount directory away.
    pub(crate) fn unmount(&self) {
        fs::rename(self.path(), self.root.path().join("elsewhere")).unwrap();
    }

    /// Puts the mount directory back, as it was.
    pub(crate) fn mount(&self) {
        fs::rename(self.root.path().join("elsewhere"), self.path()).unwrap();
    }

    /// Makes `..data` point to nothing.
    pub(crate) fn dangle(&self) {
        symlink("..nowhere", self.path().join("..data_tmp")).unwrap();
        fs::rename(self.path().join("..data_tmp"), self.path().join("..data")).unwrap();
    }

    fn remove_stale_links(&self, keys: &[(&str, &[u8])]) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with("..") && !keys.iter().any(|(key, _)| *key == name) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}
