//! The whole loop on a volume replayed as kubelet writes it: real inotify, timer and signal.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::reload::Reload;
use crate::support::volume::Volume;

/// So long that only inotify can be the reason for a reload.
const NEVER: Duration = Duration::from_hours(1);

fn policy(number: usize) -> String {
    format!("allowedRegistries: [r{number}.example]\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_swap_is_seen_by_inotify_alone() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(&policy(0)));
    reload.start(volume.path(), NEVER).await;
    let mut took = Vec::new();
    for number in 1..=20 {
        let started = Instant::now();
        volume.write(&[("policy.yaml", &policy(number))]);
        reload.wait_for(|status| status.generation == number as u64 + 1).await;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!("from rename to in force: median {:?}, worst {:?}", took[10], took[19]);
    assert_eq!(reload.metric("imagegate_policy_reloads_total{result=\"success\"}"), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_ends_on_its_last_content() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(&policy(0)));
    reload.start(volume.path(), NEVER).await;
    for number in 1..=100 {
        volume.write(&[("policy.yaml", &policy(number))]);
    }
    let last = imagegate_core::policy::compile(&crate::support::policy::full_form(&policy(100)))
        .unwrap()
        .0;
    let is_last = |hash: &str| hash == last.hash();
    reload.wait_for(|status| status.history.iter().last().is_some_and(|a| is_last(&a.hash))).await;
    assert!(reload.metric("imagegate_policy_generation") < 50, "a burst is one change");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timer_finds_what_no_event_told() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(&policy(0)));
    volume.unmount();
    reload.start(volume.path(), Duration::from_millis(20)).await;
    assert!(reload.live.load().is_none(), "a named path that is missing is a fault");
    volume.mount();
    reload.wait_for(|status| status.generation == 1).await;
    // The directory that is there now is watched, and so is one that takes its place.
    volume.unmount();
    reload.wait_for(|status| status.failing_since.is_some()).await;
    volume.mount();
    volume.write(&[("policy.yaml", &policy(1))]);
    reload.wait_for(|status| status.generation == 2 && status.failing_since.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_file_is_followed_through_an_editor_s_rename() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("policy.yaml");
    fs::write(&file, policy(0)).unwrap();
    let reload = Reload::new();
    reload.start(file.clone(), NEVER).await;
    fs::write(&file, policy(1)).unwrap();
    reload.wait_for(|status| status.generation == 2).await;
    fs::write(directory.path().join("new"), policy(2)).unwrap();
    fs::rename(directory.path().join("new"), &file).unwrap();
    reload.wait_for(|status| status.generation == 3).await;
}
