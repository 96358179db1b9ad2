//! Uses from several replicas, and a policy that is proposed from them and judged by itself.

use crate::support::policy::policy;
use imagegate_core::policy::Workload;
use imagegate_core::usage::{
    Exempting, Fit, Gathered, NotProposed, Proposed, Remembered, Usage, Wish,
};

const NOW: i64 = 1_795_507_200;
const REMEMBERED: &str = r#"{"replica": "one", "since": "2026-11-24T08:00:00Z", "entries": 4, "evicted": 2, "lost": 1, "images": [
  {"namespace": "ci", "image": "quay.io/acme/agent:1", "count": 3, "decision": "allow", "template": true},
  {"namespace": "ci", "image": "evil.example/a:1", "count": 2, "decision": "deny"},
  {"namespace": "kube-system", "image": "registry.k8s.io/dns:1", "count": 1, "decision": "allow"},
  {"namespace": "ci", "image": "tried:1", "count": 0, "decision": "allow"}]}"#;

fn gathered() -> Gathered {
    let mut gathered = Gathered::default();
    let remembered = Remembered::parse(REMEMBERED.as_bytes()).unwrap();
    for _ in 0..2 {
        gathered.remember(&remembered, |usage| usage.namespace == "ci");
    }
    gathered
}

#[test]
fn what_was_refused_is_apart_and_what_is_not_wanted_is_left_out() {
    let gathered = gathered();
    let used: Vec<_> = gathered.used.usages().map(|it| (it.image, it.count, it.workload)).collect();
    assert_eq!(used, [("quay.io/acme/agent:1", 6, Workload::Pod)]);
    let refused: Vec<_> = gathered.refused.usages().map(|it| (it.image, it.count)).collect();
    assert_eq!(refused, [("evil.example/a:1", 4)]);
    let all = gathered.into_all();
    assert_eq!(
        all.images().into_iter().collect::<Vec<_>>(),
        ["evil.example/a:1", "quay.io/acme/agent:1"]
    );
}

#[test]
fn a_memory_is_told_in_one_line() {
    let remembered = Remembered::parse(REMEMBERED.as_bytes()).unwrap();
    assert_eq!(
        remembered.in_words("elsewhere"),
        "one remembers 3 uses since 2026-11-24 08:00 UTC; 3 more were forgotten or missed"
    );
    let nameless = Remembered::parse(br#"{"entries": 1, "images": [{"namespace": "a", "image": "b", "count": 1, "decision": "deny"}]}"#);
    assert_eq!(nameless.unwrap().in_words("here\n"), r"here\n remembers 1 use");
}

#[test]
fn a_proposal_says_what_it_left_out_and_what_it_refuses() {
    let mut gathered = gathered();
    gathered.used.add(&Usage::of_pod("ci", "no reference"));
    let Proposed { yaml, notes, denied } =
        Proposed::of(&Wish::New(Fit::Tight), &gathered, NOW).unwrap();
    assert!(yaml.contains("\n  - quay.io/acme/agent"), "{yaml}");
    assert_eq!(denied, 1);
    assert_eq!(
        notes,
        [
            "left out, since refused when last seen: 1 image",
            "2 images: 1 admitted",
            "refused, since no policy and no exemption admits it: no reference",
        ]
    );
}

#[test]
fn exemptions_are_counted_and_must_not_be_over() {
    let strict = policy("allowedRegistries: [docker.io]");
    let exempting = |expires| Wish::Exempting {
        policy: &strict,
        source: None,
        exempting: Exempting { expires, owner: "platform", reason: "x" },
    };
    let Proposed { notes, denied, .. } =
        Proposed::of(&exempting("2099-01-31"), &gathered(), NOW).unwrap();
    assert_eq!((notes[0].as_str(), denied), ("1 image exempt until 2099-01-31 by 1 exemption", 0));
    let over = Proposed::of(&exempting("2020-01-31"), &gathered(), NOW).unwrap_err();
    assert_eq!(over.to_string(), "`2020-01-31` lies in the past");
    let never = Proposed::of(&exempting("some day"), &gathered(), NOW);
    assert!(matches!(never, Err(NotProposed::Exemptions(_))), "{never:?}");
    let unused = Proposed::of(&exempting("2099-01-31"), &Gathered::default(), NOW);
    assert_eq!(unused, Err(NotProposed::Unused));
}
