//! What a denial says beside its message.

use crate::support::policy::{judge, policy};
use imagegate_core::image::Reference;
use proptest::prelude::*;

/// The advice on an image that is denied.
fn advice(yaml: &str, image: &str) -> String {
    let policy = policy(yaml);
    let mut verdict = judge(&policy, image);
    verdict.violations.pop().unwrap().advice.unwrap()
}

#[test]
fn one_line_says_what_decided_and_what_would_be_accepted() {
    let long = format!("quay.io/{}/api:1", "a".repeat(100));
    let rows = [
        (
            "mode: enforce",
            "nginx",
            "`nginx` names neither a registry nor a tag; \
             did you mean `docker.io/library/nginx:<tag>`?",
        ),
        (
            "mode: enforce",
            "nginx:latest",
            "`nginx:latest` names no registry; did you mean `docker.io/library/nginx:<tag>`?",
        ),
        (
            "mode: enforce",
            "someone/nginx:1",
            "`someone/nginx:1` names no registry; did you mean `docker.io/someone/nginx:1`?",
        ),
        (
            "mode: enforce",
            "docker.io/nginx",
            "`docker.io/nginx` names neither a tag nor a digest; \
             `docker.io/library/nginx:<tag>` is accepted",
        ),
        (
            "mode: enforce",
            "docker.io/nginx:latest",
            "the tag `latest` is prohibited; \
             `docker.io/library/nginx:<tag>` with another tag is accepted",
        ),
        (
            "blockedTags: ['*-rc*']",
            "gcr.io/a/b:1-rc1",
            "the tag `1-rc1` is prohibited by `*-rc*`; `gcr.io/a/b:<tag>` with another tag is accepted",
        ),
        ("allowedTags: [v1]", "gcr.io/a/b:1", "the tag `1` is not an allowed one"),
        (
            "allowedRegistries: ['gcr.io/a/b:2.*']",
            "gcr.io/a/b:1",
            "`gcr.io/a/b:1`: only some tags or digests of the repository are allowed",
        ),
        (
            "allowedRegistries: [{registry: gcr.io, requireDigest: true}]",
            "gcr.io/a/b:1",
            "`gcr.io/a/b:1` is not pinned by digest; `gcr.io/a/b:1@sha256:<digest>` is accepted",
        ),
        (
            "allowedTags: [v1]\nblockedTags: []\nrequireTag: false",
            "gcr.io/a/b",
            "`gcr.io/a/b` would be pulled as `latest`, which is not an allowed tag",
        ),
        (
            "requireTag: false",
            "gcr.io/a/b",
            "`gcr.io/a/b` would be pulled as `latest`, which is prohibited; \
             `gcr.io/a/b:<tag>` is accepted",
        ),
        (
            "requireDigest: true",
            "gcr.io/a/b:1",
            "`gcr.io/a/b:1` is not pinned by digest; `gcr.io/a/b:1@sha256:<digest>` is accepted",
        ),
        // Nobody else's image is named, however much it looks like this one.
        (
            "mode: enforce",
            "quay.io/acme/api:1",
            "`quay.io/acme/api:1`: the registry `quay.io` is not allowed",
        ),
        ("allowedRegistries: [gcr.io]", "nginx:1", "`nginx:1` names no registry"),
        (
            "mode: enforce",
            "evil.example/docker.io/library/nginx:1",
            "`evil.example/docker.io/library/nginx:1`: the registry `evil.example` is not allowed",
        ),
        (
            "allowedRegistries: [GCR.io/acme]",
            "gcr.io/acmex/web:1",
            "`gcr.io/acmex/web:1`: only some repositories of `gcr.io` are allowed",
        ),
        (
            "blockedRegistries: [docker.io/acme]",
            "docker.io/acme/web:1",
            "`blockedRegistries` names `docker.io/acme`, and wins over `allowedRegistries`",
        ),
        (
            "shortNames: dockerHub\nallowedRegistries: [docker.io/library]",
            "someone/nginx:1",
            "`someone/nginx:1`: only some repositories of `docker.io` are allowed",
        ),
        (
            "mode: enforce",
            &long,
            "`quay.io/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…`: the registry `quay.io` is not allowed",
        ),
    ];
    for (yaml, image, expected) in rows {
        assert_eq!(advice(yaml, image), expected, "{yaml} {image}");
    }
}

#[test]
fn an_offer_that_does_not_fit_is_left_out_whole() {
    let image = format!("docker.io/acme/{}:latest", "a".repeat(80));
    assert_eq!(advice("mode: enforce", &image), "the tag `latest` is prohibited");
}

#[test]
fn nothing_is_said_where_nothing_is_denied() {
    for yaml in ["mode: warn", "mode: audit", "denialWarnings: false"] {
        let policy = policy(yaml);
        assert_eq!(judge(&policy, "nginx").violations[0].advice, None, "{yaml}");
    }
}

proptest! {
    #[test]
    fn it_is_one_line_and_names_no_other_repository(
        host in "(|docker[.]io/|gcr[.]io/|[a-z]{1,40}[.]io(:[0-9]{1,4})?/)",
        path in "([a-z0-9]{1,90}/){0,2}[a-z]{1,90}",
        tag in "(|:latest|:[A-Za-z0-9_.-]{1,60})",
        yaml in prop_oneof![
            Just("mode: enforce"),
            Just("allowedRegistries: [docker.io/library, gcr.io/acme, '*.io/x', 'a.io:5000']"),
            Just("allowedRegistries: ['*']\nblockedRegistries: [gcr.io]\nrequireDigest: true"),
            Just("allowedTags: [v*]\nshortNames: dockerHub"),
        ],
    ) {
        let image = format!("{host}{path}{tag}");
        prop_assume!(Reference::parse(&image).is_ok());
        let policy = policy(yaml);
        let Some(violation) = judge(&policy, &image).violations.pop() else { return Ok(()) };
        let advice = violation.advice.unwrap();
        prop_assert!(advice.chars().count() <= 120, "{}", advice);
        prop_assert!(!advice.chars().any(char::is_control));
        let own = Reference::parse(&image).unwrap();
        if let Some((_, offer)) = advice.split_once("; ") {
            let offered = offer.split('`').nth(1).unwrap();
            let digest = format!("sha256:{}", "0".repeat(64));
            let filled = offered.replace("<tag>", "v1").replace("sha256:<digest>", &digest);
            let other = Reference::parse(&filled).unwrap();
            prop_assert_eq!(other.registry(), own.registry());
            prop_assert_eq!(other.repository(), own.repository());
            prop_assert!(judge(&policy, &filled).violations.is_empty(), "{}", offer);
        }
    }
}
