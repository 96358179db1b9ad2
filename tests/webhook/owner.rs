//! What one look at a volume leads to, step by step.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::policy::{container, pod_in, policy};
use crate::support::reload::Reload;
use crate::support::volume::Volume;
use imagegate::reload::{Outcome, PolicySource};
use imagegate_core::policy::{Decision, Policy};

type Keys = &'static [(&'static str, &'static [u8])];

const CANDIDATE: &str = "imagegate_candidate_last_reload_successful";
const APPLIED_AT: &str = "imagegate_policy_last_reload_success_timestamp_seconds";
const PRESENT: &str = "imagegate_policy_source_present";
const QUAY: &str = "allowedRegistries: [quay.io]\n";
const GHCR: &str = "allowedRegistries: [ghcr.io]\n";
const BROKEN: &str = "allowedRegistries: [quay.io]\nmode: strict\n";

fn allows(reload: &Reload, image: &str) -> bool {
    let in_force = reload.in_force();
    let verdict = in_force.policy.evaluate(&pod_in("default"), &[container(image)]);
    verdict.decision == Decision::Allow
}

#[tokio::test]
async fn three_swaps_are_each_applied_once() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    for (generation, text) in [(1, QUAY), (2, GHCR), (3, QUAY), (4, GHCR)] {
        volume.write(&[("policy.yaml", text)]);
        assert_eq!(owner.look().await, Outcome::Applied);
        assert_eq!(owner.look().await, Outcome::Unchanged, "the same content again");
        assert_eq!(reload.in_force().generation, generation);
        assert_eq!(allows(&reload, "quay.io/app:1"), text == QUAY);
    }
    assert_eq!(reload.metric("imagegate_policy_reloads_total{result=\"success\"}"), 4);
    assert_eq!(reload.metric("imagegate_policy_generation"), 4);
    let text = reload.metrics.render();
    let applied_at =
        text.lines().find_map(|line| line.strip_prefix(&format!("{APPLIED_AT} "))).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    let hour_ago = hour_ago.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(applied_at.parse::<f64>().unwrap() > hour_ago, "{applied_at}");
}

#[tokio::test]
async fn a_bad_edit_keeps_the_good_policy_until_the_next_good_one() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    owner.look().await;

    volume.write(&[("policy.yaml", BROKEN)]);
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert_eq!(owner.look().await, Outcome::Unchanged, "said once");
    let failing = reload.live.status();
    assert_eq!(failing.problems[0].place, Some((2, 7)));
    assert!(failing.failing_since.is_some() && allows(&reload, "quay.io/app:1"));
    assert_eq!(reload.metric("imagegate_policy_last_reload_successful"), 0);

    volume.write(&[("policy.yaml", QUAY)]);
    assert_eq!(owner.look().await, Outcome::Restored);
    assert_eq!(reload.in_force().generation, 1, "nothing is applied again");
    assert!(reload.live.status().failing_since.is_none());
    assert_eq!(reload.metric("imagegate_policy_last_reload_successful"), 1);

    volume.write(&[("policy.yaml", BROKEN)]);
    owner.look().await;
    volume.write(&[("policy.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    assert!(allows(&reload, "ghcr.io/app:1"));
    assert_eq!(reload.metric("imagegate_policy_reloads_total{result=\"failure\"}"), 2);
    assert_eq!(reload.metric("imagegate_policy_reloads_total{result=\"success\"}"), 2);
}

#[tokio::test]
async fn an_edit_that_changes_no_meaning_changes_nothing() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    owner.look().await;
    volume.write(&[("policy.yaml", "# A comment.\nallowedRegistries:\n- quay.io\n")]);
    assert_eq!(owner.look().await, Outcome::Unchanged);
    assert_eq!(reload.in_force().generation, 1);
    // Likewise beside a candidate that stays the same.
    volume.write(&[("policy.yaml", QUAY), ("candidate.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    volume.write(&[("policy.yaml", QUAY), ("candidate.yaml", &format!("# A comment.\n{GHCR}"))]);
    assert_eq!(owner.look().await, Outcome::Unchanged);
}

#[tokio::test]
async fn whatever_cannot_be_a_policy_is_refused() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    owner.look().await;
    let rows: [(&str, Keys); 6] = [
        ("no key", &[]),
        ("empty", &[("policy.yaml", b"")]),
        ("unknown field", &[("policy.yaml", b"allowed: [quay.io]")]),
        ("bad regex", &[("policy.yaml", b"blockedTags: ['/(/']")]),
        ("not UTF-8", &[("policy.yaml", b"allowedRegistries: [\xff]")]),
        ("unknown key", &[("policy.yml", b"mode: warn")]),
    ];
    for (name, keys) in rows {
        volume.write_bytes(keys);
        assert_eq!(owner.look().await, Outcome::Rejected, "{name}");
        assert!(!reload.live.status().problems.is_empty(), "{name}");
        assert!(allows(&reload, "quay.io/app:1"), "{name}");
    }
    volume.write_bytes(&[("policy.yaml", &vec![b'#'; 5 << 20])]);
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(reload.live.status().problems[0].message.contains("holds more than"));
}

#[tokio::test]
async fn a_volume_that_goes_and_comes_back_is_found_again() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    owner.look().await;
    volume.unmount();
    assert_eq!(owner.look().await, Outcome::Rejected);
    volume.mount();
    assert_eq!(owner.look().await, Outcome::Restored);
    volume.dangle();
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(allows(&reload, "quay.io/app:1"));
    fs::remove_file(volume.path().join("..data")).unwrap();
    volume.write(&[("policy.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
}

#[tokio::test]
async fn a_default_path_may_be_absent_and_a_named_one_may_not() {
    let nowhere = PathBuf::from("/nonexistent/imagegate/policy");
    let variables = [("BLOCKED_TAGS".to_owned(), "edge".to_owned())];
    for named in [false, true] {
        let reload = Reload::new();
        let source =
            PolicySource { path: nowhere.clone(), named, variables: variables.clone().into() };
        let outcome = reload.owner_of(source).look().await;
        if named {
            assert_eq!(outcome, Outcome::Rejected);
            assert!(reload.live.load().is_none());
        } else {
            assert_eq!(outcome, Outcome::Applied);
            assert!(!allows(&reload, "docker.io/app:edge"));
        }
    }
}

#[tokio::test]
async fn a_default_volume_that_was_there_does_not_fall_back_to_variables() {
    let (reload, volume) = (Reload::new(), Volume::with_policy(QUAY));
    let source = PolicySource { path: volume.path(), named: false, variables: BTreeMap::default() };
    let mut owner = reload.owner_of(source);
    owner.look().await;
    volume.unmount();
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(allows(&reload, "quay.io/app:1"));
}

#[tokio::test]
async fn the_history_says_what_changed_in_words() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    owner.look().await;
    for index in 0..25 {
        let text = format!("allowedRegistries: [quay.io, r{index}.example]\n");
        volume.write(&[("policy.yaml", &text)]);
        owner.look().await;
    }
    let history = reload.live.status().history;
    assert_eq!(history.iter().count(), 20);
    let last = history.iter().last().unwrap();
    let difference = last.difference.as_ref().unwrap();
    assert_eq!(difference.to_string(), "allowedRegistries: +r24.example -r23.example");
    assert!(difference.loosens);
    assert_eq!(last.generation, 26);
}

#[tokio::test]
async fn a_broken_candidate_never_disturbs_the_policy() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    volume.write(&[("policy.yaml", QUAY), ("candidate.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    let first = reload.in_force().candidate.clone().unwrap();

    volume.write(&[("policy.yaml", "blockedTags: []\n"), ("candidate.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    let kept = reload.in_force().candidate.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &kept), "an unchanged candidate keeps its counts");

    volume.write(&[("policy.yaml", "blockedTags: []\n"), ("candidate.yaml", BROKEN)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    assert!(reload.in_force().candidate.is_none());
    let status = reload.live.status();
    assert!(status.failing_since.is_none() && !status.candidate_problems.is_empty());

    assert_eq!(reload.metric(CANDIDATE), 0);
    assert_eq!(reload.metric("imagegate_policy_last_reload_successful"), 1);

    volume.write(&[("policy.yaml", GHCR)]);
    assert_eq!(owner.look().await, Outcome::Applied);
    assert!(reload.live.status().candidate_problems.is_empty());
    assert_eq!(reload.metric(CANDIDATE), 1, "no candidate is fine");
}

#[tokio::test]
async fn a_changed_candidate_takes_the_place_of_the_old_one() {
    let (reload, mut volume) = (Reload::new(), Volume::empty());
    let mut owner = reload.owner(volume.path());
    assert_eq!(reload.metric(CANDIDATE), 1, "there is none yet");
    for (round, candidate) in [GHCR, BROKEN, QUAY, GHCR].into_iter().enumerate() {
        volume.write(&[("policy.yaml", QUAY), ("candidate.yaml", candidate)]);
        owner.look().await;
        let in_force = reload.in_force();
        let found = in_force.candidate.as_ref().map(|each| each.policy.hash());
        let written = (candidate != BROKEN).then(|| policy(candidate));
        assert_eq!(found, written.as_ref().map(Policy::hash), "round {round}");
        assert_eq!(reload.metric(CANDIDATE), i64::from(candidate != BROKEN), "round {round}");
        assert_eq!(in_force.generation, 1, "the policy is the same");
    }
}

#[tokio::test]
async fn a_policy_that_is_gone_is_told_apart_from_one_that_is_not_valid() {
    let (reload, mut volume) = (Reload::new(), Volume::with_policy(QUAY));
    let mut owner = reload.owner(volume.path());
    assert_eq!(reload.metric(PRESENT), 0, "nothing was looked at yet");
    owner.look().await;
    assert_eq!(reload.metric(PRESENT), 1);
    let is_missing = || reload.live.status().missing_since.is_some();

    volume.write(&[("policy.yaml", BROKEN)]);
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(!is_missing() && reload.metric(PRESENT) == 1, "it is there, and not valid");

    volume.unmount();
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(is_missing() && reload.metric(PRESENT) == 0);
    assert!(allows(&reload, "quay.io/app:1"), "what was in force stays");
    volume.mount();
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(!is_missing() && reload.metric(PRESENT) == 1, "not valid again");

    // What the kubelet leaves of an optional ConfigMap.
    volume.write(&[]);
    assert_eq!(owner.look().await, Outcome::Rejected);
    assert!(is_missing() && reload.metric(PRESENT) == 0);
    volume.write(&[("policy.yaml", QUAY)]);
    assert_eq!(owner.look().await, Outcome::Restored);
    assert!(!is_missing() && reload.metric(PRESENT) == 1);
}
