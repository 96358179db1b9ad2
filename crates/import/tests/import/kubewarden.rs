//! Kubewarden's `trusted-repos`.

use super::{imported, notes, verdicts};

const SETTINGS: &str = "
registries: {allow: [ghcr.io, docker.io], reject: []}
tags: {reject: [latest]}
images: {reject: ['ghcr.io/acme/bad*']}
";

const ROWS: &str = "
+ + ghcr.io/acme/web:1
- - ghcr.io/acme/bad:1
- - ghcr.io/acme/badly/web:1
- - quay.io/acme/web:1
- - ghcr.io.evil.example/web:1
+ + nginx:1
- - nginx
- - ghcr.io/acme/web:latest
- - ghcr.io/acme/web
+ + ghcr.io/acme/web@DIGEST";

#[test]
fn settings_alone() {
    let imported = imported(SETTINGS, false);
    verdicts(&imported, ROWS);
    notes(&imported, &[]);
}

#[test]
fn in_a_policy() {
    let head = "
apiVersion: policies.kubewarden.io/v1
kind: AdmissionPolicy
metadata: {name: trusted, namespace: prod}
spec:
  module: registry://ghcr.io/kubewarden/policies/trusted-repos:v1.0.0
  mode: monitor
  objectSelector: {matchLabels: {a: b}}
  settings:";
    let imported = imported(&format!("{head}{}", SETTINGS.replace('\n', "\n    ")), false);
    let rows: Vec<_> =
        ROWS.lines().filter(|row| !row.is_empty()).map(|row| format!("{row} prod")).collect();
    verdicts(&imported, &rows.join("\n"));
    verdicts(&imported, "+ + quay.io/acme/web:latest default");
    assert!(imported.policy.contains("    mode: audit  "), "{}", imported.policy);
    notes(&imported, &["spec.objectSelector selects what it holds for"]);
}

#[test]
fn whole_images_carry_a_tag() {
    let pinned = imported("images: {allow: ['ghcr.io/acme/web:1']}", false);
    verdicts(&pinned, "+ + ghcr.io/acme/web:1\n- - ghcr.io/acme/web:2\n- - ghcr.io/acme/web/x:1");
    notes(&pinned, &[]);
    let blocked = imported("images: {reject: ['ghcr.io/acme/web:1', 'redis:7']}", false);
    verdicts(&blocked, "- - ghcr.io/acme/web:1\n+ + ghcr.io/acme/web:2\n- - redis:7\n+ + redis:8");
    notes(&blocked, &["`redis:7` names no registry"]);
    let untagged = imported("images: {allow: ['ghcr.io/acme/web']}", false);
    verdicts(&untagged, "+ - ghcr.io/acme/web\n- - ghcr.io/acme/web:2");
    notes(&untagged, &["there is the image without a tag", "no allowed registry is left"]);
}

#[test]
fn an_image_passes_every_list() {
    let both =
        imported("registries: {allow: [ghcr.io]}\nimages: {allow: ['ghcr.io/acme/web:1']}", false);
    verdicts(&both, "+ + ghcr.io/acme/web:1\n- - ghcr.io/evil/x:1\n- - quay.io/acme/web:1");
    notes(&both, &[]);
    // There a `*` in a registry means itself.
    let wild = imported("registries: {allow: ['*']}", false);
    verdicts(&wild, "- - ghcr.io/evil/x:1");
    notes(&wild, &["`*` is no registry", "no allowed registry is left"]);
}

#[test]
fn a_policy_without_its_namespace_holds_everywhere() {
    let imported = imported(
        "
apiVersion: policies.kubewarden.io/v1
kind: AdmissionPolicy
metadata: {name: trusted}
spec:
  module: registry://ghcr.io/kubewarden/policies/trusted-repos:v1.0.0
  settings: {registries: {allow: [ghcr.io]}}
",
        false,
    );
    verdicts(&imported, "- - quay.io/a:1 prod\n+ + ghcr.io/a:1 prod");
    notes(&imported, &["names no namespace"]);
}
