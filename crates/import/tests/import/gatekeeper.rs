//! Constraints of Gatekeeper's library.

use super::{commented, imported, notes, verdicts};

const REPOS: &str = "
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedRepos
metadata: {name: repos}
spec:
  match:
    kinds: [{apiGroups: [''], kinds: [Pod]}]
    excludedNamespaces: [kube-system, 'infra-*']
  parameters:
    repos: [registry.example.com/acme/, docker.io/team]
";

#[test]
fn allowed_repos_are_prefixes() {
    let stricter = imported(REPOS, false);
    verdicts(
        &stricter,
        "+ + registry.example.com/acme/web:1
         + + registry.example.com/acme/deep/web
         - - registry.example.com/acmeevil/web:1
         - - quay.io/acme/web:1
         - - nginx:1
         + + docker.io/team/web:1
         + - docker.io/teamevil/web:1
         + + quay.io/anything kube-system
         + + nginx infra-eu
         - - quay.io/anything infra",
    );
    notes(&stricter, &["`docker.io/team` there also covers `docker.io/teamevil`"]);
    commented(&stricter);
    let exact = imported(REPOS, true);
    verdicts(
        &exact,
        "+ + docker.io/team/web:1
         + + docker.io/teamevil/web:1
         - - docker.io/tea/web:1",
    );
    notes(&exact, &[]);
}

#[test]
fn allowed_images_of_version_2_are_whole_or_end_in_a_wildcard() {
    let imported = imported(
        "
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedReposv2
metadata: {name: images}
spec:
  enforcementAction: deny
  parameters: {allowedImages: ['registry.example.com/acme/*', 'registry.example.com/one:1.0']}
",
        false,
    );
    verdicts(
        &imported,
        "+ + registry.example.com/acme/web:1
         - - registry.example.com/acmeevil/web:1
         + + registry.example.com/one:1.0
         - - registry.example.com/one:1.1
         - - registry.example.com/one/below:1.0",
    );
    notes(&imported, &[]);
}

#[test]
fn disallowed_repos_stay_refused_with_all_that_begins_so() {
    let imported = imported(
        "
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sDisallowedRepos
metadata: {name: no-quay}
spec: {parameters: {repos: [quay.io/bad, evil.example]}}
",
        false,
    );
    verdicts(
        &imported,
        "- - quay.io/bad/web:1
         - - quay.io/badly/web:1
         + + quay.io/good/web:1
         - - evil.example/web:1
         - - evil.example.org/web:1
         + + nginx
         + + nginx:latest",
    );
    notes(&imported, &[]);
}

#[test]
fn disallowed_tags_want_a_tag_too() {
    let imported = imported(
        "
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sDisallowedTags
metadata: {name: tags}
spec:
  match: {namespaces: [prod], kinds: [{kinds: [Pod]}]}
  parameters:
    tags: [latest, edge]
    exemptImages: ['registry.example.com/tools/*']
",
        false,
    );
    verdicts(
        &imported,
        "- - nginx:latest prod
         - - quay.io/a/web:edge prod
         - - quay.io/a/web prod
         + + quay.io/a/web:1 prod
         + + quay.io/a/web:edge-1 prod
         + + registry.example.com/tools/x:latest prod
         + + quay.io/a/web:latest default
         + + nginx default",
    );
    notes(&imported, &[]);
}

#[test]
fn digests_modes_and_what_selects_otherwise() {
    let imported = imported(
        "
apiVersion: v1
kind: List
items:
- apiVersion: constraints.gatekeeper.sh/v1beta1
  kind: K8sImageDigests
  metadata: {name: digests}
  spec:
    enforcementAction: dryrun
    match: {namespaceSelector: {matchLabels: {tier: gold}}}
- apiVersion: constraints.gatekeeper.sh/v1beta1
  kind: K8sAllowedRepos
  metadata: {name: of-deployments}
  spec:
    match: {kinds: [{kinds: [Deployment]}]}
    parameters: {repos: [quay.io/]}
- {apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sPSPPrivilegedContainer, metadata: {name: x}}
",
        false,
    );
    assert!(imported.policy.contains("\nmode: audit  "), "{}", imported.policy);
    verdicts(&imported, "- - nginx:1\n+ + nginx@DIGEST\n+ + evil.example/nginx:1@DIGEST");
    notes(
        &imported,
        &[
            "spec.match.namespaceSelector selects what it holds for",
            "K8sAllowedRepos/of-deployments: does not match Pods",
            "K8sPSPPrivilegedContainer/x is not a policy that `import` reads",
        ],
    );
}

#[test]
fn a_refused_text_without_a_slash_may_be_a_host() {
    let constraint = |repos: &str| {
        format!(
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sDisallowedRepos\n\
             metadata: {{name: a}}\nspec: {{parameters: {{repos: [{repos}]}}}}\n"
        )
    };
    let quay = imported(&constraint("quay"), false);
    verdicts(&quay, "- - quay.io/evil/x:1\n- - quay:1\n- - quayside/x:1\n+ + gcr.io/a:1");
    let nginx = imported(&constraint("'nginx:1'"), false);
    verdicts(&nginx, "- - nginx:1\n- - nginx:1.27\n- - nginx:1/x:2\n+ + nginx:2");
}
