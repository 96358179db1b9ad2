//! A policy from what is used refuses none of it, whatever is used.

use crate::support::policy::{full_form, policy};
use imagegate_core::image::Reference;
use imagegate_core::policy::{Policy, Rule, compile};
use imagegate_core::usage::{
    Exempting, ExemptingError, ExemptingPolicy, Fit, Impact, Inventory, Proposal, Usage,
};
use proptest::prelude::*;

/// 2026-11-27.
const NOW: i64 = 1_795_773_600;
const FITS: [Fit; 3] = [Fit::Tight, Fit::Balanced, Fit::Loose];
const UNTIL: Exempting<'_> =
    Exempting { expires: "2027-01-31", owner: "platform", reason: "in use before" };

fn compiled(yaml: &str) -> Policy {
    match compile(&full_form(yaml)) {
        Ok((policy, warnings)) => {
            assert!(warnings.is_empty(), "{warnings:?}\n{yaml}");
            policy
        }
        Err(problems) => panic!("{problems}\n{yaml}"),
    }
}

/// The images that a policy refuses, without those that no policy admits.
fn refused(policy: &Policy, usages: &[Usage<'_>]) -> Vec<String> {
    let hits = Impact::between(None, policy, usages.iter().copied(), NOW).newly_denied;
    let hits = hits.most_frequent.into_iter();
    hits.filter(|hit| hit.rule != Some(Rule::InvalidReference)).map(|hit| hit.image).collect()
}

fn exempting(policy: &Policy, source: Option<&str>, usages: &[Usage<'_>]) -> ExemptingPolicy {
    UNTIL.of(policy, source, usages.iter().copied(), NOW).unwrap()
}

fn image() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        4 => "(docker|gcr|quay|ghcr|eu\\.gcr)\\.io/",
        2 => "[A-Za-z]{1,3}\\.corp(:0{0,2}[1-9][0-9]{0,3})?/",
        1 => Just("[fc00::1]:5000/".to_owned()),
        1 => Just("LOCAL/".to_owned()),
        1 => Just("localhost:443/".to_owned()),
        1 => Just("index.docker.io:443/".to_owned()),
        2 => Just(String::new()),
        1 => "\\PC{0,6}/",
    ];
    let path = prop_oneof![4 => "[a-c]{1,2}(/[a-c0-9]{1,2}(__[0-9])?){0,3}", 1 => "\\PC{0,6}"];
    let tag = prop_oneof![
        3 => ":v?[0-9]{1,2}",
        1 => ":(latest|staging|main|dev|Latest)",
        1 => Just(String::new()),
    ];
    let digest = prop_oneof![
        2 => Just(String::new()),
        1 => "[0-9a-f]{64}".prop_map(|hex| format!("@sha256:{hex}")),
    ];
    (host, path, tag, digest)
        .prop_map(|(host, path, tag, digest)| format!("{host}{path}{tag}{digest}"))
}

fn uses() -> impl Strategy<Value = Vec<(String, String)>> {
    let namespace = prop_oneof![4 => "[a-c]{1,2}", 1 => Just("yes".to_owned()), 1 => "[0-9]{1,3}"];
    proptest::collection::vec((namespace, image()), 1..40)
}

fn usages(uses: &[(String, String)]) -> Vec<Usage<'_>> {
    uses.iter().map(|(namespace, image)| Usage::of_pod(namespace, image)).collect()
}

const TIGHTENED: [&str; 7] = [
    "allowedRegistries: [gcr.io]\n",
    "# why\nallowedRegistries: [quay.io/a]\nexemptions: []\nrequireDigest: true\n",
    "exemptions:\n  # old\n  - {name: existing-a, images: [b.corp], reason: r}\nrequireDigest: true\n",
    "exemptions: [{name: e, images: [b.corp], reason: r, expires: 2020-01-01}]\nmode: enforce\n",
    "{allowedRegistries: [gcr.io], overrides: [{name: a, namespaces: [a], requireDigest: true}]}",
    "{\nallowedTags: [v*],\nexemptions: []\n}",
    "allowedRegistries: [gcr.io]\nshortNames: {registry: mirror.example.com/hub}\n",
];

proptest! {
    // Each case compiles a dozen policies.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_proposal_refuses_nothing_it_was_made_from(uses in uses()) {
        let usages = usages(&uses);
        for fit in FITS {
            let Ok(proposal) = Proposal::of(usages.iter().copied(), fit) else {
                prop_assert!(usages.iter().all(|usage| Reference::parse(usage.image).is_err()));
                continue;
            };
            let yaml = proposal.yaml();
            prop_assert_eq!(refused(&compiled(yaml), &usages), Vec::<String>::new(), "{}", yaml);
            let mut reversed = usages.clone();
            reversed.reverse();
            let again = Proposal::of(reversed, fit).unwrap();
            prop_assert_eq!(again, proposal);
        }
    }

    #[test]
    fn exemptions_leave_nothing_refused_and_end(uses in uses(), tightened in 0..TIGHTENED.len()) {
        let usages = usages(&uses);
        let source = TIGHTENED[tightened];
        let policy = policy(source);
        for source in [Some(source), None] {
            let exempting = exempting(&policy, source, &usages);
            let exempted = compiled_with_warnings(&exempting.yaml);
            prop_assert_eq!(refused(&exempted, &usages), Vec::<String>::new(), "{}", exempting.yaml);
            // Without what was added it is the policy that it was.
            let after = Impact::between(None, &exempted, usages.iter().copied(), 1_801_440_000);
            let before = Impact::between(None, &policy, usages.iter().copied(), 1_801_440_000);
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn a_tight_proposal_admits_no_other_repository(uses in uses(), other in image()) {
        let usages = usages(&uses);
        let (Ok(proposal), Ok(reference)) =
            (Proposal::of(usages.iter().copied(), Fit::Tight), Reference::parse(&other))
        else { return Ok(()) };
        let place = |reference: &Reference<'_>| {
            format!("{}/{}", reference.registry(), reference.repository())
        };
        let place_of_other = place(&reference);
        let known = usages.iter().filter_map(|usage| Reference::parse(usage.image).ok());
        let is_below = known.map(|known| place(&known)).any(|known| {
            place_of_other == known || place_of_other.starts_with(&format!("{known}/"))
        });
        let is_refused = !refused(&compiled(proposal.yaml()), &[Usage::of_pod("a", &other)]).is_empty();
        prop_assert!(is_below || is_refused, "{}\n{}", other, proposal.yaml());
    }
}

fn compiled_with_warnings(yaml: &str) -> Policy {
    compile(&full_form(yaml)).unwrap_or_else(|problems| panic!("{problems}\n{yaml}")).0
}

fn propose(images: &[(&str, &str)], fit: Fit) -> String {
    let usages = images.iter().map(|(namespace, image)| Usage::of_pod(namespace, image));
    Proposal::of(usages, fit).unwrap().yaml().to_owned()
}

#[test]
fn each_line_says_who_uses_it() {
    let images = [
        ("web", "docker.io/library/nginx:1.27"),
        ("ci", "docker.io/nginx:1.28"),
        ("ci", "docker.io/library/redis:7"),
        ("dev", "docker.io/library/postgres:16"),
        ("prod", "registry.corp:5000/shop/api:latest"),
        ("prod", "nginx"),
        ("prod", "not an image"),
    ];
    let yaml = propose(&images, Fit::Balanced);
    let expected = "\
# Proposed from 6 images in 4 namespaces: a prefix where it stands for several repositories.
# It refuses none of them. What is used is not trusted by that: read each line.
# Left out, since no policy can admit it: not an image
allowedRegistries:
- docker.io/library  # all below, for 5 images of 3 repositories in 4 namespaces (ci, dev, prod and 1 more): docker.io/library/nginx:1.27, docker.io/library/postgres:16 and 3 more
- \"registry.corp:5000/shop/api\"  # 1 image in prod: registry.corp:5000/shop/api:latest
# The tag `latest` is in use, and so not blocked: 2 images of 2 repositories in prod: nginx, registry.corp:5000/shop/api:latest
blockedTags: [staging, alpha, beta, ";
    assert_eq!(&yaml[..expected.len()], expected);
    let expected = "\
requireTag: false  # without tag and digest: 1 image in prod: nginx
requireDigest: false  # 6 of 6 images in use have none
shortNames: dockerHub  # without registry, taken for Docker Hub's: 1 image in prod: nginx
";
    assert_eq!(&yaml[yaml.len() - expected.len()..], expected);
}

#[test]
fn what_every_image_has_is_required() {
    let pinned = format!("gcr.io/acme/a@sha256:{}", "0".repeat(64));
    let images = [("web", pinned.as_str())];
    let yaml = propose(&images, Fit::Tight);
    assert!(yaml.contains("\nrequireTag: true  # every"), "{yaml}");
    assert!(yaml.contains("\nrequireDigest: true  # every"), "{yaml}");
    assert!(yaml.contains("\nshortNames: deny  # every"), "{yaml}");
    assert!(propose(&images, Fit::Loose).contains("\nrequireDigest: false  #"));
}

#[test]
fn a_hostile_text_stays_in_its_comment() {
    let hostile = "gcr.io/a\nmode: audit #\u{2028}mode: audit\u{85}\u{202e}x";
    let namespace = "web\nmode: audit";
    let yaml = propose(&[(namespace, "gcr.io/a/b:1"), ("web", hostile)], Fit::Balanced);
    assert!(yaml.lines().all(|line| !line.starts_with("mode")), "{yaml}");
    assert_eq!(
        yaml.chars().filter(|c| !c.is_ascii_graphic() && *c != ' ' && *c != '\n').count(),
        0
    );
    let form: serde_json::Value = serde_json::from_str(&compiled(&yaml).to_json()).unwrap();
    assert_eq!(form["mode"], "enforce");
}

#[test]
fn without_any_reference_there_is_no_proposal() {
    for images in [&[][..], &[Usage::of_pod("web", "a b")]] {
        assert!(Proposal::of(images.iter().copied(), Fit::Balanced).is_err());
    }
}

#[test]
fn repositories_that_are_refused_in_the_same_namespaces_share_an_exemption() {
    let source = "# for everybody\nallowedRegistries: [gcr.io]  # ours\n";
    let usages = [
        Usage::of_pod("ci", "quay.io/acme/agent:1"),
        Usage::of_pod("ci", "quay.io/acme/agent:2"),
        Usage::of_pod("ci", "quay.io/acme/other:1"),
        Usage::of_pod("web", "docker.io/nginx:1"),
        Usage::of_pod("dev", "docker.io/nginx:1"),
        Usage::of_pod("web", "gcr.io/fine:1"),
        Usage::of_pod("*", "docker.io/redis:1"),
        Usage::of_pod("ci", "a b"),
    ];
    let exempting = exempting(&policy(source), Some(source), &usages);
    let expected = "\
# for everybody
allowedRegistries: [gcr.io]  # ours
exemptions:
- name: existing-ci
  images:
  - quay.io/acme/agent  # 2 images in ci: quay.io/acme/agent:1, quay.io/acme/agent:2
  - quay.io/acme/other  # 1 image in ci: quay.io/acme/other:1
  namespaces:
  - ci
  reason: \"in use before\"
  owner: platform
  expires: \"2027-01-31\"
- name: existing-dev-and-1-more
  images:
  - docker.io/library/nginx  # 1 image in 2 namespaces (dev, web): docker.io/nginx:1
  namespaces:
  - dev
  - web
  reason: \"in use before\"
  owner: platform
  expires: \"2027-01-31\"
";
    assert_eq!(exempting.yaml, expected);
    assert_eq!((exempting.added, exempting.images), (2, 4));
    assert_eq!(exempting.left_out, ["a b", "docker.io/redis:1"]);
}

#[test]
fn what_no_pattern_names_is_left_out() {
    let long = format!("{}.example.com/app:1", "a".repeat(512));
    let usages = [Usage::of_pod("ci", "quay.io/acme/agent:1"), Usage::of_pod("ci", &long)];
    for fit in FITS {
        let proposal = Proposal::of(usages.iter().copied(), fit).unwrap();
        assert_eq!(proposal.left_out, [long.as_str()]);
        assert_eq!(refused(&compiled(proposal.yaml()), &usages), [long.as_str()]);
    }
    let source = "allowedRegistries: [gcr.io]\n";
    let exempting = exempting(&policy(source), Some(source), &usages);
    assert_eq!((exempting.images, exempting.left_out), (1, vec![long]));
}

#[test]
fn a_short_name_is_exempt_where_its_namespace_looks_it_up() {
    let source = "allowedRegistries: [gcr.io]\nshortNames: {registry: mirror.example.com/hub}\n\
                  overrides: [{name: ci, namespaces: [ci], shortNames: dockerHub}]\n";
    let usages = [Usage::of_pod("web", "nginx:1.27"), Usage::of_pod("ci", "nginx:1.27")];
    let exempting = exempting(&policy(source), Some(source), &usages);
    let yaml = &exempting.yaml;
    assert!(yaml.contains("- mirror.example.com/hub/nginx  # 1 image in web"), "{yaml}");
    assert!(yaml.contains("- docker.io/library/nginx  # 1 image in ci"), "{yaml}");
    assert_eq!(refused(&compiled(yaml), &usages), Vec::<String>::new(), "{yaml}");
}

#[test]
fn exemptions_join_those_that_are_there_wherever_they_stand() {
    let new = "- name: existing-ci\n";
    let rows = [
        (
            "allowedRegistries: [gcr.io]\nexemptions: []\nmode: enforce\n",
            "\nexemptions:\n- name: existing-ci\n",
        ),
        (
            "exemptions:  # ours\n  # first\n  - {name: existing-ci, images: [x.corp], reason: r}\n",
            "exemptions:  # ours\n  - name: existing-ci-2\n",
        ),
        (
            "exemptions: [{name: e, images: [x.corp], reason: r}]\n",
            "\nexemptions:\n- name: existing-ci\n",
        ),
        ("{allowedRegistries: [gcr.io]}", new),
        (
            "{\nallowedRegistries: [gcr.io],\nexemptions: []\n}",
            "\nexemptions:\n- name: existing-ci\n",
        ),
    ];
    let usages = [Usage::of_pod("ci", "quay.io/acme/agent:1")];
    for (source, expected) in rows {
        let exempting = exempting(&policy(source), Some(source), &usages);
        assert!(exempting.yaml.contains(expected), "{source}\n{}", exempting.yaml);
        assert_eq!(refused(&compiled_with_warnings(&exempting.yaml), &usages), [""; 0]);
    }
}

#[test]
fn a_policy_that_refuses_nothing_stays_as_it_is() {
    let source = "# all\nallowedRegistries: ['*']\n";
    let exempting = exempting(&policy(source), Some(source), &[Usage::of_pod("ci", "quay.io/a:1")]);
    assert_eq!((exempting.yaml.as_str(), exempting.added), (source, 0));
}

#[test]
fn an_end_has_to_be_a_day_to_come() {
    let policy = policy("allowedRegistries: [gcr.io]\n");
    let usages = [Usage::of_pod("ci", "quay.io/a:1")];
    let of = |expires| Exempting { expires, ..UNTIL }.of(&policy, None, usages, NOW);
    assert_eq!(of("2026-11-26"), Err(ExemptingError::Ended));
    assert!(of("2026-11-27").is_ok());
    let Err(ExemptingError::Problems(problems)) = of("soon") else { panic!("accepted") };
    assert!(problems.to_string().contains("`soon` is not a day"), "{problems}");
}

#[test]
fn the_uses_of_replicas_are_one_use_each() {
    let mut inventory = Inventory::default();
    let seen = |count, first, last| Usage {
        count,
        first_seen: Some(first),
        last_seen: Some(last),
        ..Usage::of_pod("ci", "quay.io/a:1")
    };
    inventory.add(&seen(2, 50, 60));
    inventory.add(&seen(3, 10, 20));
    inventory.add(&Usage { user: "kim", ..Usage::of_pod("ci", "quay.io/a:1") });
    assert_eq!(inventory.len(), 2);
    let merged = inventory.usages().next().unwrap();
    assert_eq!((merged.count, merged.first_seen, merged.last_seen), (5, Some(10), Some(60)));
}
