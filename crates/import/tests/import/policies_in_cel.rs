//! `ValidatingAdmissionPolicy`, and Kyverno's policies in CEL.

use super::{commented, imported, notes, verdicts};

const BINDING: &str = "
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: b}
spec: {policyName: p, validationActions: [Deny, Audit]}
";

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n\
         metadata: {{name: p}}\nspec:\n{spec}{BINDING}"
    )
}

#[test]
fn the_usual_shapes_say_the_same() {
    let rows = "
        + + registry.example.com/a:1
        + + registry.example.com/a/b
        + + gcr.io/acme/web:1
        - - gcr.io/acmex/web:1
        - - quay.io/a:1
        - - nginx";
    for spec in [
        "  variables:
  - {name: all, expression: \"object.spec.containers + object.spec.?initContainers.orValue([])\"}
  - {name: allowed, expression: \"['registry.example.com/', 'gcr.io/acme/']\"}
  validations:
  - expression: >-
      variables.all.all(c, variables.allowed.exists(p, c.image.startsWith(p)))
",
        "  validations:
  - expression: >-
      object.spec.containers.all(c, c.image.startsWith('registry.example.com/') ||
      c.image.matches(r'^gcr\\.io/acme/.*'))
  - expression: >-
      !has(object.spec.initContainers) || object.spec.initContainers.all(c,
      c.image.startsWith('registry.example.com/') || c.image.startsWith('gcr.io/acme/'))
",
        "  validations:
  - expression: >-
      (has(object.spec.initContainers) ? object.spec.initContainers : []).all(c,
      ['registry.example.com/', 'gcr.io/acme/'].exists(p, c.image.startsWith(p)))
      && object.spec.containers.all(c,
      ['registry.example.com/', 'gcr.io/acme/'].exists(p, c.image.startsWith(p)))
",
    ] {
        let imported = imported(&policy(spec), false);
        verdicts(&imported, rows);
        notes(&imported, &[]);
        commented(&imported);
    }
}

#[test]
fn tags_and_digests() {
    let imported = imported(
        &policy(
            "  validations:
  - expression: \"object.spec.containers.all(c, c.image.contains('@sha256:') && !c.image.endsWith(':latest'))\"
  - expression: \"object.spec.initContainers.all(c, c.image.contains(':') && !c.image.startsWith('evil.example'))\"
",
        ),
        false,
    );
    verdicts(
        &imported,
        "- - quay.io/a:1
         + + quay.io/a:1@DIGEST
         - - evil.example/a:1@DIGEST
         - - quay.io/a:latest",
    );
    notes(&imported, &[]);
}

#[test]
fn what_is_not_known_is_said() {
    let imported = imported(
        &policy(
            "  matchConditions: [{name: a, expression: 'true'}]
  validations:
  - expression: \"object.spec.containers.all(c, c.image.size() < 10)\"
  - expression: \"object.spec.containers.all(c, c.image.startsWith('quay.io/') && c.name != 'x')\"
  - expression: \"object.spec.containers.exists(c, c.image.startsWith('gcr.io/'))\"
  - expression: \"(\"
",
        ),
        false,
    );
    verdicts(&imported, "+ + quay.io/a:1\n- - gcr.io/a:1");
    notes(
        &imported,
        &[
            "has match conditions",
            "does not look at `initContainers`",
            "spec.validations[0]: `object.spec.containers.all(c, c.image.size() < 10)` is not a shape",
            "spec.validations[1]: `object.spec.containers.all(c, c.image.startsWith('quay.io/') && c.name",
            "spec.validations[2]:",
            "spec.validations[3]: `(`",
        ],
    );
    let unbound = super::imported(
        &policy("  validations: []\n").replace("policyName: p", "policyName: q"),
        false,
    );
    notes(&unbound, &["binds `q`, which is not among these files", "has no binding"]);
}

#[test]
fn kyvernos_policies_in_cel() {
    let imported = imported(
        "
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: v}
spec:
  validationActions: [Deny]
  matchConstraints: {namespaceSelector: {matchLabels: {a: b}}}
  validations:
  - expression: \"images.containers.map(i, i).all(i, image(i).registry() in ['ghcr.io', 'docker.io'])\"
---
apiVersion: policies.kyverno.io/v1
kind: ImageValidatingPolicy
metadata: {name: i}
spec:
  validationActions: [Deny]
  matchImageReferences: [{glob: 'ghcr.io/*'}]
  attestors: [{name: notary}]
  validations:
  - expression: \"images.containers.map(i, verifyImageSignatures(i, [attestors.notary])).all(e, e > 0)\"
",
        false,
    );
    verdicts(&imported, "+ + ghcr.io/a:1\n+ + nginx\n- - quay.io/a:1");
    notes(
        &imported,
        &[
            "spec.matchConstraints.namespaceSelector",
            "verifies signatures",
            "spec.matchImageReferences selects images",
            "is not a shape that is known here",
        ],
    );
}

#[test]
fn the_strictest_binding_counts() {
    let binding = |name: &str, action: &str| {
        format!(
            "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\n\
             metadata: {{name: {name}}}\nspec: {{policyName: p, validationActions: [{action}]}}\n"
        )
    };
    let policy = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: p}
spec:
  variables: [{name: images, expression: object.spec.containers + object.spec.initContainers}]
  validations: [{expression: \"variables.images.all(c, c.image.startsWith('gcr.io/'))\"}]
";
    let text = format!("{policy}{}{}", binding("dry", "Audit"), binding("hot", "Deny"));
    let imported = imported(&text, false);
    assert!(imported.policy.contains("\nmode: enforce"), "{}", imported.policy);
    verdicts(&imported, "- - evil.io/a:1\n+ + gcr.io/a:1");
    notes(&imported, &["ValidatingAdmissionPolicyBinding/dry: its mode is audit"]);
}
