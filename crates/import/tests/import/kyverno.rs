//! `ClusterPolicy` and `Policy` of Kyverno.

use super::{commented, imported, notes, verdicts};

#[test]
fn registries_by_a_pattern() {
    let imported = imported(
        "
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: registries}
spec:
  validationFailureAction: Enforce
  rules:
  - name: registries
    match: {any: [{resources: {kinds: [Pod]}}]}
    exclude: {any: [{resources: {namespaces: [kube-system]}}]}
    validate:
      message: no
      pattern:
        spec:
          =(ephemeralContainers): [{image: 'eu.example.io/* | registry.example.com/acme/*'}]
          =(initContainers): [{image: 'eu.example.io/* | registry.example.com/acme/*'}]
          containers: [{image: 'eu.example.io/* | registry.example.com/acme/*'}]
",
        false,
    );
    verdicts(
        &imported,
        "+ + eu.example.io/web:1
         + + eu.example.io/web
         + + registry.example.com/acme/a/b:latest
         - - registry.example.com/acmeevil/a:1
         - - eu.example.io.evil.example/web:1
         - - nginx:1
         + + nginx:1 kube-system",
    );
    notes(&imported, &[]);
    commented(&imported);
}

#[test]
fn tags_and_digests_by_patterns() {
    let policy = |image: &str| {
        let validate = format!("{{pattern: {{spec: {{containers: [{{image: '{image}'}}]}}}}}}");
        format!(
            "apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {{name: p, namespace: prod}}\nspec:\n  \
             rules:\n  - name: r\n    match: {{resources: {{kinds: [Pod]}}}}\n    validate: {validate}\n"
        )
    };
    let lists = "does not look at [`initContainers`, `ephemeralContainers`]";
    let tags = imported(&policy("*:* & !*:latest & !*:dev-*"), false);
    assert!(tags.policy.contains("mode: audit"), "{}", tags.policy);
    verdicts(
        &tags,
        "- - nginx prod
         - - nginx:latest prod
         - - quay.io/a:dev-1 prod
         + + quay.io/a:1 prod
         + + nginx default",
    );
    notes(&tags, &[lists]);
    let latest = imported(&policy("!*:latest"), false);
    verdicts(&latest, "- - nginx:latest prod\n+ - nginx prod\n+ + nginx:1 prod");
    notes(&latest, &[lists, "there an image without a tag is admitted"]);
    let digests = imported(&policy("*@*"), false);
    verdicts(&digests, "- - nginx:1 prod\n+ + nginx@DIGEST prod\n+ + quay.io/a:1@DIGEST prod");
    let versions = imported(&policy("*:1.* | *:2"), false);
    verdicts(
        &versions,
        "+ + nginx:1.2 prod\n+ + quay.io/a:2 prod\n- - nginx:3 prod\n- + a@DIGEST prod wider",
    );
    notes(&versions, &[lists, "`*:1.* | *:2` there is about how an image ends"]);
    let no_tags = imported(&policy("*:stable & *:prod"), false);
    verdicts(
        &no_tags,
        "- - quay.io/a:stable prod\n- - quay.io/a:prod prod\n- - quay.io/a@DIGEST prod",
    );
    let both = imported(&policy("*:1.* & *:1.5 | *:2"), false);
    verdicts(&both, "+ + quay.io/a:1.5 prod\n- - quay.io/a:1.6 prod\n- - quay.io/a:2 prod");
    let ends = imported(&policy("*:1.* & *:*-alpine"), false);
    verdicts(&ends, "+ + a:1.5-alpine prod\n- - a:1.5 prod\n- - a:2-alpine prod");
    let slash = imported(&policy("*/*"), false);
    verdicts(&slash, "+ + quay.io/a:1 prod\n- - nginx:1 prod\n+ - acme/web:1 prod");
    notes(&slash, &[lists, "`*/*` there also covers"]);
    let no_tag = imported(&policy("*:v?"), false);
    verdicts(&no_tag, "+ - quay.io/a:v1 prod\n- - quay.io/a:2 prod");
    let blocked = imported(&policy("!quay.io/*"), false);
    verdicts(&blocked, "- - quay.io/a:1 prod\n+ + gcr.io/a:1 prod\n+ + nginx prod");
}

#[test]
fn wildcards_cross_slashes_there() {
    let policy = "
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  validationFailureAction: enforce
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      anyPattern:
      - spec: {containers: [{image: '*.corp.example/*'}], initContainers: [{image: '*.corp.example/*'}], ephemeralContainers: [{image: '*.corp.example/*'}]}
      - spec: {containers: [{image: 'gcr.io/*/base:*'}], initContainers: [{image: 'gcr.io/*/base:*'}], ephemeralContainers: [{image: 'gcr.io/*/base:*'}]}
";
    let stricter = imported(policy, false);
    verdicts(
        &stricter,
        "+ + a.corp.example/web:1
         + - evil.example/a.corp.example/web:1
         + + gcr.io/x/base:1
         + - gcr.io/x/y/base:1
         - - gcr.io/x/base/deep:1
         - - gcr.io/base:1",
    );
    assert_eq!(stricter.notes.len(), 2, "{:?}", stricter.notes);
    let exact = imported(policy, true);
    verdicts(
        &exact,
        "+ + a.corp.example/web:1
         + + evil.example/a.corp.example/web:1
         + + gcr.io/x/y/base:1
         - - gcr.io/x/base/deep:1
         - + gcr.io/x/base wider
         - - quay.io/web:1",
    );
    notes(&exact, &["`gcr.io/*/base:*` there is about images with a tag"]);
}

#[test]
fn conditions_and_what_is_not_known() {
    let imported = imported(
        "
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: by-registry
    match: {any: [{resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}, subjects: [{kind: User, name: jane}]}]}
    validate:
      failureAction: Enforce
      deny:
        conditions:
          all:
          - {key: '{{ images.containers.*.registry || `[]` }}', operator: AnyNotIn, value: [ghcr.io, docker.io]}
  - name: by-element
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      failureAction: Enforce
      foreach:
      - list: request.object.spec.containers
        deny: {conditions: {any: [{key: '{{ element.image }}', operator: AnyIn, value: ['ghcr.io/bad/*']}, {key: '{{ element.name }}', operator: Equals, value: x}]}}
  - {name: signed, verifyImages: []}
  - name: labels
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate: {pattern: {metadata: {labels: {app: '?*'}}}}
",
        false,
    );
    verdicts(
        &imported,
        "+ + ghcr.io/a:1
         + + nginx
         + + quay.io/a:1
         - - ghcr.io/bad/a:1",
    );
    notes(
        &imported,
        &[
            "`subjects` selects by what is not looked at",
            "denies by `{{element.name}}` Equals",
            "rule signed: is a rule that does not validate",
            "rule labels: has no condition over images",
        ],
    );
}
