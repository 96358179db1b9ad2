//! Bodies recorded from a real API server: the images that are found, and the verdict.

use std::fs;

use crate::support::policy::{default_policy, policy};
use imagegate_core::admission::Review;
use imagegate_core::policy::{Decision, Mode, Rule};

const FLUENT: &str = "registry.example.com:5000/team/fluent-bit@sha256:\
                      0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A recorded body with what is expected of it under the default policy.
struct Row {
    file: &'static str,
    /// Field paths with the images there.
    images: &'static [(&'static str, &'static str)],
    decision: Decision,
    mode: Mode,
    violations: &'static [(&'static str, Rule)],
}

fn body(file: &str) -> Vec<u8> {
    fs::read(format!("../../tests/data/admission-reviews/{file}.json")).unwrap()
}

#[test]
fn every_recorded_body_has_a_row() {
    let mut recorded: Vec<String> = fs::read_dir("../../tests/data/admission-reviews")
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    recorded.sort();
    let mut rows: Vec<&str> = ROWS.iter().map(|row| row.file).collect();
    rows.sort_unstable();
    assert_eq!(recorded, rows);
}

#[test]
fn images_are_found_with_their_paths() {
    for row in ROWS {
        let body = body(row.file);
        let review = Review::parse(&body).unwrap();
        let found: Vec<(String, String)> = review
            .images()
            .iter()
            .map(|each| (each.field.to_string(), each.image.as_deref().unwrap().to_owned()))
            .collect();
        let expected: Vec<(String, String)> =
            row.images.iter().map(|(f, i)| ((*f).to_owned(), (*i).to_owned())).collect();
        assert_eq!(found, expected, "{}", row.file);
    }
}

#[test]
fn verdicts_are_those_of_the_default_policy() {
    let policy = default_policy();
    for row in ROWS {
        let body = body(row.file);
        let verdict = Review::parse(&body).unwrap().judge(&policy, None, 0);
        assert_eq!(verdict.decision, row.decision, "{}", row.file);
        assert_eq!(verdict.mode, row.mode, "{}", row.file);
        let violations: Vec<(String, Rule)> =
            verdict.violations.iter().map(|v| (v.field.to_string(), v.rule)).collect();
        let expected: Vec<(String, Rule)> =
            row.violations.iter().map(|(f, r)| ((*f).to_owned(), *r)).collect();
        assert_eq!(violations, expected, "{}", row.file);
    }
}

#[test]
fn an_update_of_anything_but_images_is_allowed() {
    // The Pod has an image from a registry that the default policy does not trust.
    let body = body("update-pods-2");
    let review = Review::parse(&body).unwrap();
    assert!(review.judge(&default_policy(), None, 0).violations.is_empty());
    let all = policy("updates: all");
    assert_eq!(review.judge(&all, None, 0).decision, Decision::Deny);
}

const ROWS: &[Row] = &[
    Row {
        file: "create-configmaps",
        images: &[],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "create-cronjobs",
        images: &[(
            "spec.jobTemplate.spec.template.spec.containers[0].image",
            "docker.io/acme/backup:latest",
        )],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[(
            "spec.jobTemplate.spec.template.spec.containers[0].image",
            Rule::BlockedTag,
        )],
    },
    Row {
        file: "create-daemonsets",
        images: &[("spec.template.spec.containers[0].image", "quay.io/acme/agent:staging")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[("spec.template.spec.containers[0].image", Rule::UntrustedRegistry)],
    },
    Row {
        file: "create-deployments",
        images: &[
            ("spec.template.spec.containers[0].image", "docker.io/library/nginx:latest"),
            ("spec.template.spec.initContainers[0].image", "gcr.io/acme/init:1"),
        ],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[("spec.template.spec.containers[0].image", Rule::BlockedTag)],
    },
    Row {
        file: "create-jobs",
        images: &[("spec.template.spec.containers[0].image", "busybox")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[("spec.template.spec.containers[0].image", Rule::MissingTag)],
    },
    Row {
        file: "create-pods-2",
        images: &[("spec.containers[0].image", "nginx")],
        decision: Decision::Deny,
        mode: Mode::Enforce,
        violations: &[("spec.containers[0].image", Rule::MissingTag)],
    },
    Row {
        file: "create-pods-3",
        images: &[("spec.containers[0].image", "docker.io/library/nginx:1.20")],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "create-pods",
        images: &[
            ("spec.containers[0].image", "docker.io/library/nginx:1.27"),
            ("spec.containers[1].image", FLUENT),
            ("spec.initContainers[0].image", "gcr.io/acme/migrate:2.3.1"),
            ("spec.initContainers[1].image", "docker.io/envoyproxy/envoy:v1.31.0"),
            ("spec.volumes[1].image.reference", "quay.io/acme/model:v7"),
        ],
        decision: Decision::Deny,
        mode: Mode::Enforce,
        violations: &[
            ("spec.containers[1].image", Rule::UntrustedRegistry),
            ("spec.volumes[1].image.reference", Rule::UntrustedRegistry),
        ],
    },
    Row {
        file: "create-podtemplates",
        images: &[("template.spec.containers[0].image", "gcr.io/acme/pt:1")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[],
    },
    Row {
        file: "create-replicasets",
        images: &[("spec.template.spec.containers[0].image", "gcr.io/acme/rs:1")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[],
    },
    Row {
        file: "create-replicationcontrollers",
        images: &[("spec.template.spec.containers[0].image", "gcr.io/acme/rc:1")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[],
    },
    Row {
        file: "create-statefulsets",
        images: &[("spec.template.spec.containers[0].image", "docker.io/library/postgres:16.2")],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[],
    },
    Row {
        file: "delete-pods-2",
        images: &[],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "delete-pods",
        images: &[],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "update-configmaps",
        images: &[],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "update-deployments-scale",
        images: &[],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "update-deployments",
        images: &[
            ("spec.template.spec.containers[0].image", "docker.io/library/nginx:latest"),
            ("spec.template.spec.initContainers[0].image", "gcr.io/acme/init:1"),
        ],
        decision: Decision::Allow,
        mode: Mode::Warn,
        violations: &[],
    },
    Row {
        file: "update-pods-2",
        images: &[
            ("spec.containers[0].image", "docker.io/library/nginx:1.28"),
            ("spec.containers[1].image", FLUENT),
            ("spec.initContainers[0].image", "gcr.io/acme/migrate:2.3.1"),
            ("spec.initContainers[1].image", "docker.io/envoyproxy/envoy:v1.31.0"),
            ("spec.volumes[1].image.reference", "quay.io/acme/model:v7"),
        ],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
    Row {
        file: "update-pods-ephemeralcontainers",
        images: &[
            ("spec.containers[0].image", "docker.io/library/nginx:1.28"),
            ("spec.containers[1].image", FLUENT),
            ("spec.initContainers[0].image", "gcr.io/acme/migrate:2.3.1"),
            ("spec.initContainers[1].image", "docker.io/envoyproxy/envoy:v1.31.0"),
            ("spec.ephemeralContainers[0].image", "docker.io/library/busybox:latest"),
            ("spec.volumes[1].image.reference", "quay.io/acme/model:v7"),
        ],
        decision: Decision::Deny,
        mode: Mode::Enforce,
        violations: &[("spec.ephemeralContainers[0].image", Rule::BlockedTag)],
    },
    Row {
        file: "update-pods",
        images: &[
            ("spec.containers[0].image", "docker.io/library/nginx:1.28"),
            ("spec.containers[1].image", FLUENT),
            ("spec.initContainers[0].image", "gcr.io/acme/migrate:2.3.1"),
            ("spec.initContainers[1].image", "docker.io/envoyproxy/envoy:v1.31.0"),
            ("spec.volumes[1].image.reference", "quay.io/acme/model:v7"),
        ],
        decision: Decision::Allow,
        mode: Mode::Enforce,
        violations: &[],
    },
];
