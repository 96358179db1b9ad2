//! The memory against one that looks at everything, and rows for what leaves when.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::{BYTES_PER_IMAGE, Entry, Memory};
use crate::observed::note::tests::{note_by, note_of, policy, review};

fn seen(memory: &mut Memory, namespace: &str, user: &str, image: &str, at: i64) {
    let note = note_of(&review(namespace, user, &[image]), at).unwrap();
    memory.take(&note, |_, _| ());
}

fn images(memory: &Memory) -> Vec<String> {
    let mut images: Vec<_> = memory.images().iter().map(|each| each.image.to_string()).collect();
    images.sort();
    images
}

#[test]
fn the_same_image_is_counted_and_others_are_told_apart() {
    let mut memory = Memory::new(100);
    for at in [5, 3, 9] {
        seen(&mut memory, "ci", "bob", "docker.io/a:1", at);
    }
    let mut dry = review("ci", "bob", &["docker.io/a:1"]);
    dry["request"]["dryRun"] = json!(true);
    dry["request"]["name"] = json!("other");
    memory.take(&note_of(&dry, 4).unwrap(), |_, _| ());
    let [one] = &memory.images()[..] else { panic!("one image") };
    assert_eq!((one.count, one.dry_runs, one.first_seen, one.last_seen), (3, 1, 3, 9));
    assert_eq!(&*one.owner, "Pod/other", "the last one");
    seen(&mut memory, "other", "bob", "docker.io/a:1", 1);
    seen(&mut memory, "ci", "alice", "docker.io/a:1", 1);
    seen(&mut memory, "ci", "bob", "docker.io/a:2", 1);
    assert_eq!(memory.len(), 4);
    assert_eq!((memory.namespaces.len(), memory.circumstances.len()), (2, 2));
}

#[test]
fn what_a_policy_tells_apart_is_remembered_apart() {
    let mut memory = Memory::new(100);
    let mut seen = |body: &serde_json::Value, yaml: &str| {
        memory.take(&note_by(&policy(yaml), body, 0).unwrap(), |_, _| ());
        memory.len()
    };
    let mut body = review("ci", "bob", &["docker.io/a:1"]);
    assert_eq!(seen(&body, "mode: warn"), 1);
    let container = &mut body["request"]["object"]["spec"]["containers"][0];
    container["imagePullPolicy"] = json!("Always");
    assert_eq!(seen(&body, "mode: warn"), 2, "another pull policy");
    let init = body["request"]["object"]["spec"]["containers"].clone();
    body["request"]["object"]["spec"]["initContainers"] = init;
    assert_eq!(seen(&body, "mode: warn"), 3, "another kind of container");
    // Labels count where a policy goes by them.
    body["request"]["object"]["metadata"] = json!({"labels": {"team": "a"}});
    assert_eq!(seen(&body, "mode: warn"), 3);
    let selecting = "overrides: [{name: o, podSelector: {matchLabels: {team: a}}, mode: warn}]";
    assert_eq!(seen(&body, selecting), 5, "both containers, now with what is known of a label");
    body["request"]["object"]["metadata"] = json!({"labels": {"team": "b"}});
    assert_eq!(seen(&body, selecting), 7);
    body["request"]["object"]["metadata"] = json!({"labels": {"other": "b"}});
    assert_eq!(seen(&body, selecting), 9, "no such label");
    assert_eq!(seen(&body, selecting), 9);
    let spec = body["request"]["object"]["spec"].clone();
    body["request"]["object"] = json!({"spec": {"template": {"spec": spec}}});
    for (at, kind) in ["Deployment", "StatefulSet"].into_iter().enumerate() {
        body["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": kind});
        assert_eq!(seen(&body, "mode: warn"), 11 + 2 * at, "{kind}");
    }
    while let Some(at) = memory.order.oldest() {
        memory.forget(at);
    }
    assert_eq!((memory.bytes(), memory.circumstances.len()), (0, 0));
}

#[test]
fn groups_are_those_of_the_last_request() {
    let mut memory = Memory::new(100);
    seen(&mut memory, "ci", "bob", "docker.io/a:1", 1);
    let before = memory.bytes();
    let mut body = review("ci", "bob", &["docker.io/a:1"]);
    body["request"]["userInfo"]["groups"] = json!(["one", "two", "x".repeat(1000)]);
    memory.take(&note_of(&body, 2).unwrap(), |_, _| ());
    assert_eq!((memory.images()[0].circumstances.groups.len(), memory.len()), (3, 1));
    assert!(memory.bytes() > before + 1000, "{} and {before}", memory.bytes());
    seen(&mut memory, "ci", "bob", "docker.io/a:1", 3);
    assert_eq!(memory.bytes(), before);
}

#[test]
fn the_one_that_was_not_seen_for_the_longest_leaves() {
    let mut memory = Memory::within(8, usize::MAX);
    // None of the namespaces has its share.
    for (namespace, image) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)] {
        seen(&mut memory, namespace, "bob", &format!("docker.io/{image}"), image);
    }
    seen(&mut memory, "a", "bob", "docker.io/1", 7);
    for (namespace, image) in [("g", 7), ("h", 8), ("i", 9), ("j", 10)] {
        seen(&mut memory, namespace, "bob", &format!("docker.io/{image}"), image);
    }
    let left = [1, 10, 4, 5, 6, 7, 8, 9].map(|image| format!("docker.io/{image}"));
    assert_eq!((images(&memory), memory.evicted()), (left.to_vec(), 2));
}

#[test]
fn a_namespace_displaces_no_more_than_its_share() {
    let mut memory = Memory::within(16, usize::MAX);
    for image in 0..16 {
        seen(&mut memory, "quiet", "bob", &format!("docker.io/quiet:{image}"), image);
    }
    for image in 0..1000 {
        seen(&mut memory, "loud", "eve", &format!("docker.io/loud:{image}"), image);
    }
    let quiet = images(&memory).iter().filter(|each| each.contains("quiet")).count();
    assert_eq!((quiet, memory.len()), (12, 16));
    assert!(images(&memory).contains(&"docker.io/loud:999".to_owned()));
}

#[test]
fn nothing_is_kept_where_nothing_is_asked_for() {
    let mut memory = Memory::new(0);
    seen(&mut memory, "ci", "bob", "docker.io/a:1", 1);
    assert_eq!((memory.len(), memory.bytes()), (0, 0));
}

#[test]
fn an_entry_has_room_for_texts_of_a_usual_length() {
    // Beside the two counts of each: an image of 60 bytes and an owner of 28.
    let texts = super::allocated(&"a".repeat(60)) + super::allocated(&"a".repeat(28));
    assert!(size_of::<Entry>() + super::INDEX + texts <= BYTES_PER_IMAGE + 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against one that looks at everything: it forgets in the same order, keeps the books, and
    /// never holds more than it may.
    #[test]
    fn it_stays_within_its_bounds_and_keeps_its_books(
        most in 1_usize..12,
        steps in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..20, 0_usize..900), 1..120),
    ) {
        let mut memory = Memory::new(most);
        let mut last_seen = HashMap::new();
        for (at, (namespace, user, image, length)) in (0_i64..).zip(&steps) {
            let namespace = format!("n{namespace}{}", "x".repeat(length % 40));
            let user = format!("u{user}{}", "x".repeat(length / 4));
            let image = format!("docker.io/{image}{}:1", "x".repeat(length / 2));
            let mut body = review(&namespace, &user, &[&image]);
            body["request"]["name"] = json!("w".repeat(length / 4));
            memory.take(&note_of(&body, at).unwrap(), |_, _| ());
            last_seen.insert((namespace, user, image), at);
            prop_assert!(memory.len() <= most);
            prop_assert!(memory.bytes() <= most * BYTES_PER_IMAGE);
            let kept = memory.images();
            prop_assert_eq!(kept.len(), memory.len());
            for each in &kept {
                let key = (
                    each.namespace.to_string(), each.circumstances.user.to_string(), each.image.to_string(),
                );
                prop_assert_eq!(last_seen.get(&key), Some(&each.last_seen));
            }
        }
        while let Some(at) = memory.order.oldest() {
            memory.forget(at);
        }
        prop_assert_eq!((memory.len(), memory.bytes()), (0, 0));
        prop_assert_eq!((memory.namespaces.len(), memory.circumstances.len()), (0, 0));
    }
}
