//! A mounted volume is read as one whole, whatever its writer does meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use imagegate::reload::{VolumeError, read_volume};
use tempfile::TempDir;

/// Keys of one edit: the more there are, the more likely a swap falls between two of them.
const KEYS: usize = 20;
/// Edits that stay on the disk after their time, so that a slow reader is not always too late. The
/// kubelet keeps none, but a reader that is too late finds nothing, rather than a mixture.
const KEPT: usize = 100;
/// Edits that are to be seen.
const SEEN: usize = 200;

#[test]
fn no_two_keys_come_from_different_edits() {
    let mount = TempDir::new().unwrap();
    swap(mount.path(), 0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let edits = (1..).take_while(|_| !stop.load(Ordering::Relaxed));
            edits.inspect(|edit| swap(mount.path(), *edit)).count()
        });
        let (mut seen, mut mixed) = (BTreeSet::new(), None);
        while seen.len() < SEEN && mixed.is_none() {
            let keys = match read_volume(mount.path()) {
                Ok(keys) => keys,
                Err(VolumeError::Missing(_)) => continue,
                Err(error) => panic!("{error}"),
            };
            let edits: BTreeSet<_> = keys.into_values().collect();
            if edits.len() > 1 {
                mixed = Some(edits);
            } else {
                seen.extend(edits);
            }
        }
        stop.store(true, Ordering::Relaxed);
        println!("{} edits were seen of {}", seen.len(), writer.join().unwrap());
        assert_eq!(mixed, None, "keys of different edits");
    });
}

/// Replaces the content by another one, as the kubelet does, but that old ones are kept for a while.
fn swap(mount: &Path, edit: usize) {
    let directory = format!("..{edit}");
    fs::create_dir(mount.join(&directory)).unwrap();
    for key in 0..KEYS {
        fs::write(mount.join(&directory).join(format!("key{key}")), edit.to_string()).unwrap();
    }
    symlink(&directory, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    if let Some(old) = edit.checked_sub(KEPT) {
        fs::remove_dir_all(mount.join(format!("..{old}"))).unwrap();
    }
}

#[test]
fn no_more_is_read_than_a_volume_may_hold() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let four = vec![b'#'; 4 << 20];
    fs::write(path("policy.yaml"), &four).unwrap();
    assert_eq!(read_volume(directory.path()).unwrap()["policy.yaml"], four);
    fs::write(path("other"), "#").unwrap();
    let error = read_volume(directory.path()).unwrap_err();
    assert!(matches!(error, VolumeError::TooLarge(_)), "all keys together: {error}");
    // As much as no machine has, and nothing of it is on the disk.
    fs::File::create(path("policy.yaml")).unwrap().set_len(1 << 43).unwrap();
    for path in [directory.path().to_owned(), path("policy.yaml")] {
        let error = read_volume(&path).unwrap_err();
        assert!(matches!(error, VolumeError::TooLarge(_)), "{error}");
    }
}

#[test]
fn a_thousand_keys_are_read_and_one_more_is_too_many() {
    let directory = TempDir::new().unwrap();
    for key in 0..1_000 {
        fs::write(directory.path().join(format!("key{key}")), "").unwrap();
    }
    assert_eq!(read_volume(directory.path()).unwrap().len(), 1_000);
    fs::write(directory.path().join("key1000"), "").unwrap();
    assert!(matches!(read_volume(directory.path()), Err(VolumeError::TooLarge(_))));
}

#[test]
fn hidden_files_backups_and_directories_are_no_keys_unless_they_are_named_like_one() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in [".policy.yaml.swp", "policy.yaml~", "policy.yaml"] {
        fs::write(path(name), "mode: warn\n").unwrap();
    }
    fs::create_dir(path("lost+found")).unwrap();
    let keys = read_volume(directory.path()).unwrap();
    assert_eq!(keys.keys().collect::<Vec<_>>(), ["policy.yaml"]);
    for name in ["candidate.yaml", "ALLOWED_REGISTRIES", "BLOCKED_TAGS", "DISABLE_EMPTY_TAG"] {
        fs::create_dir(path(name)).unwrap();
        let error = read_volume(directory.path()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("it is a directory"), "{error}");
        fs::remove_dir(path(name)).unwrap();
    }
}
