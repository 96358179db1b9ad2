//! What `explain` says, and that it never disagrees with evaluation.

use crate::support::policy::{container, default_policy, pod_in, policy};
use imagegate_core::policy::{Explanation, Rule, Subject};
use proptest::prelude::*;

fn explain(yaml: &str, image: &str) -> Explanation {
    policy(yaml).explain(&pod_in("default"), &container(image))
}

#[test]
fn an_accepted_image_names_what_accepts_it() {
    let explanation =
        default_policy().explain(&pod_in("default"), &container("DOCKER.IO/nginx:1.20"));
    assert_eq!(explanation.canonical.as_deref(), Ok("docker.io/library/nginx:1.20"));
    assert!(explanation.steps.iter().all(|step| step.passed));
    let registry = explanation.steps.iter().find(|step| step.rule == Rule::UntrustedRegistry);
    assert_eq!(registry.unwrap().detail, "`docker.io` covers it");
    assert!(explanation.suggestions.is_empty() && explanation.near_misses.is_empty());
}

#[test]
fn what_would_be_accepted_is_suggested() {
    let rows = [
        ("mode: enforce", "nginx", "docker.io/library/nginx:<tag>"),
        ("mode: enforce", "nginx:1.27", "docker.io/library/nginx:1.27"),
        ("mode: enforce", "docker.io/a/b:latest", "docker.io/a/b:<tag>"),
        ("requireDigest: true", "gcr.io/a/b:1", "gcr.io/a/b:1@sha256:<digest>"),
    ];
    for (yaml, image, expected) in rows {
        assert_eq!(explain(yaml, image).suggestions[0], expected, "{yaml} {image}");
    }
}

#[test]
fn the_same_path_in_another_registry_is_never_suggested() {
    let rows: &[(&str, &str, &[&str])] = &[
        (
            "mode: enforce",
            "quay.io/acme/api:1",
            &[
                "a copy at docker.io/<your-repository>:1",
                "a copy at gcr.io/<your-repository>:1",
                "the image itself, once `allowedRegistries` covers `quay.io/acme/api`",
            ],
        ),
        (
            "allowedRegistries: [gcr.io/acme/, '*.pkg.dev', '/a[.]io/.*/']\nrequireDigest: true",
            "acme/api:latest",
            &[
                "a copy at gcr.io/acme/<your-repository>:<tag>@sha256:<digest>",
                "a copy in a repository of your own that `*.pkg.dev` covers",
                "a copy in a repository of your own that `/a[.]io/.*/` covers",
                "the image itself, once `allowedRegistries` covers `docker.io/acme/api`",
            ],
        ),
        (
            "allowedRegistries: ['*']\nblockedRegistries: [quay.io/acme]",
            "quay.io/acme/api:1",
            &["the image itself, once `blockedRegistries` has no `quay.io/acme`"],
        ),
    ];
    for (yaml, image, expected) in rows {
        let explanation = explain(yaml, image);
        assert!(explanation.suggestions.is_empty(), "{explanation:?}");
        assert_eq!(explanation.remedies, *expected, "{yaml} {image}");
    }
    assert!(explain("mode: enforce", "docker.io/a/b:latest").remedies.is_empty());
}

#[test]
fn white_space_around_the_image_is_seen_through() {
    let explanation = explain("mode: enforce", " docker.io/nginx:1.20\n");
    assert!(explanation.canonical.is_err());
    assert_eq!(explanation.suggestions, ["docker.io/library/nginx:1.20"]);
}

#[test]
fn near_misses_say_why_they_miss() {
    let rows = [
        ("gcr.io/acme", "gcr.io/acmex:1", "the repository is `acmex`, not below `acme`"),
        ("docker.io", "docker.io:5000/x:1", "the port makes `docker.io:5000` another registry"),
        ("gcr.io", "gcr.io.evil.example/x:1", "`gcr.io.evil.example` only looks like it"),
        ("gcr.io", "evil.example/gcr.io/x:1", "stands in the path"),
        ("docker.io", "dokcer.io/x:1", "is `dokcer.io` a typo?"),
        ("gcr.io/a/b:1.2", "gcr.io/a/b:1.3", "names other images of the repository"),
        ("gcr.io/a/b:1.2", "gcr.io/a/b/c:1.2", "the repository is `a/b/c`, not `a/b`"),
    ];
    for (pattern, image, expected) in rows {
        let explanation = explain(&format!("allowedRegistries: [{pattern}]"), image);
        let [miss] = &explanation.near_misses[..] else { panic!("{explanation:?}") };
        assert!(miss.starts_with(&format!("`{pattern}`: ")), "{miss}");
        assert!(miss.contains(expected), "{miss}");
    }
}

#[test]
fn a_regex_is_no_near_miss() {
    let explanation = explain("allowedRegistries: ['/gcr[.]io/.*/']", "gcr.io.evil.example/x:1");
    assert_eq!(explanation.near_misses, Vec::<String>::new());
}

#[test]
fn an_image_without_a_tag_is_explained_as_the_one_that_is_pulled() {
    for (yaml, expected) in [
        ("blockedTags: ['lat*']", "it would be pulled as `latest`, and `lat*` is blocked"),
        (
            "allowedTags: ['v*']\nblockedTags: []",
            "it would be pulled as `latest`, which is not allowed",
        ),
        ("blockedTags: []", "there is no tag to judge"),
    ] {
        let explanation = explain(&format!("{yaml}\nrequireTag: false"), "docker.io/a/b");
        let step = explanation.steps.iter().find(|step| step.rule == Rule::BlockedTag).unwrap();
        assert_eq!(step.detail, expected, "{yaml}");
    }
}

#[test]
fn exemptions_that_are_near_are_named() {
    let yaml = "exemptions:
  - {name: active, images: [evil.example/a], reason: INC-1}
  - {name: over, images: [evil.example/b], reason: INC-2, expires: 2020-01-01}
  - {name: partly, images: [evil.example/d], rules: [blocked-tag, missing-tag], reason: INC-4}
  - {name: elsewhere, images: [evil.example/c], namespaces: [ci], reason: INC-3}
";
    let subject = Subject { now: 1_800_000_000, ..pod_in("default") };
    let policy = policy(yaml);
    for (image, expected) in [
        ("evil.example/a:1", "`active` covers it: INC-1"),
        ("evil.example/d:1", "`partly` covers it for missing-tag, blocked-tag: INC-4"),
        ("evil.example/b:1", "`over` covered it until it expired on 2020-01-01"),
        ("evil.example/c:1", "`elsewhere` names the image, but another namespace or user"),
    ] {
        assert_eq!(policy.explain(&subject, &container(image)).exemptions, [expected], "{image}");
    }
}

proptest! {
    #[test]
    fn the_first_broken_step_is_the_violation(
        image in "((docker|gcr|evil)\\.io/)?[a-z/]{1,6}(:(latest|v1|1))?",
        yaml in prop_oneof![
            Just("mode: enforce"),
            Just("requireDigest: true\nshortNames: dockerHub"),
            Just("allowedTags: [v*]\nrequireTag: false"),
            Just("requireTag: false"),
            Just("blockedRegistries: [docker.io/library, '*.io/a']"),
        ],
    ) {
        let policy = policy(yaml);
        let verdict = policy.evaluate(&pod_in("default"), &[container(&image)]);
        let explanation = policy.explain(&pod_in("default"), &container(&image));
        let broken = explanation.steps.iter().find(|step| !step.passed).map(|step| step.rule);
        prop_assert_eq!(broken, verdict.violations.first().map(|violation| violation.rule));
        let canonical = explanation.canonical.unwrap_or_default();
        for suggestion in explanation.suggestions {
            let repository = suggestion.split(':').next().unwrap();
            prop_assert!(canonical.starts_with(repository), "{} for {}", suggestion, canonical);
            let digest = format!("sha256:{}", "0".repeat(64));
            let filled = suggestion.replace("<tag>", "1.0.0").replace("sha256:<digest>", &digest);
            let verdict = policy.evaluate(&pod_in("default"), &[container(&filled)]);
            prop_assert!(verdict.violations.is_empty(), "{}", filled);
        }
    }
}
