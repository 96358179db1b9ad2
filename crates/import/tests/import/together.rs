//! Sources that hold together, and texts that are none.

use imagegate_import::{documents, import};

use super::{imported, notes, verdicts};

fn constraint(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sAllowedRepos\n\
         metadata: {{name: {name}}}\nspec: {rest}\n"
    )
}

#[test]
fn lists_that_hold_together_leave_what_both_cover() {
    let text = constraint("a", "{parameters: {repos: [gcr.io/, quay.io/acme/]}}")
        + &constraint(
            "b",
            "{match: {namespaces: [prod]}, parameters: {repos: [gcr.io/acme/, quay.io/]}}",
        );
    let imported = imported(&text, false);
    verdicts(
        &imported,
        "+ + gcr.io/other/web:1
         - - gcr.io/other/web:1 prod
         + + gcr.io/acme/web:1 prod
         + + quay.io/acme/web:1 prod
         - - quay.io/other/web:1 prod",
    );
    notes(&imported, &[]);
}

#[test]
fn the_strictest_mode_stays() {
    let text = constraint("a", "{parameters: {repos: [gcr.io/]}}")
        + &constraint("b", "{enforcementAction: warn, parameters: {repos: [gcr.io/acme/]}}");
    let imported = imported(&text, false);
    verdicts(&imported, "+ + gcr.io/web:1\n- - quay.io/web:1");
    notes(&imported, &["K8sAllowedRepos/b: its mode is warn, that of others enforce"]);
}

#[test]
fn an_exemption_lifts_the_demand_of_its_source_alone() {
    let digests = |name: &str, parameters: &str| {
        format!(
            "---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sImageDigests\n\
             metadata: {{name: {name}}}\nspec: {{parameters: {parameters}}}\n"
        )
    };
    let text = constraint("a", "{parameters: {repos: [gcr.io/]}}")
        + &digests("d", "{exemptImages: ['gcr.io/tools/*', 'quay.io/*']}");
    let one = imported(&text, false);
    verdicts(
        &one,
        "+ + gcr.io/tools/x:1
         - - gcr.io/web:1
         + + gcr.io/web@DIGEST
         - - quay.io/web:1
         - - quay.io/web@DIGEST",
    );
    notes(&one, &[]);
    let two = imported(&(text + &digests("e", "{}")), false);
    verdicts(&two, "- - gcr.io/tools/x:1\n+ + gcr.io/web@DIGEST");
    notes(&two, &["exempts `gcr.io/tools/*`, `quay.io` from its own demand alone"]);
}

#[test]
fn globs_of_namespaces_go_behind_names() {
    let text = constraint("a", "{match: {namespaces: ['prod-*']}, parameters: {repos: [gcr.io/]}}")
        + &constraint(
            "b",
            "{match: {namespaces: [prod-eu, '*-eu']}, parameters: {repos: [quay.io/]}}",
        );
    let imported = imported(&text, false);
    verdicts(
        &imported,
        "+ + gcr.io/web:1 prod-us
         - - quay.io/web:1 prod-us
         + + quay.io/web:1 dev-eu
         - - gcr.io/web:1 prod-eu
         - - quay.io/web:1 prod-eu
         + + nginx default",
    );
    let found: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|it| it.contains("`prod-*` and `*-eu` may be the same")), "{found:?}");
    assert!(found.iter().any(|it| it.contains("no allowed registry is left")), "{found:?}");
}

#[test]
fn what_is_no_pattern_is_left_out_and_said() {
    let text =
        constraint("a", "{match: {namespaces: [Prod, dev]}, parameters: {repos: [gcr.io/]}}")
            + "---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sDisallowedTags\n\
           metadata: {name: t}\nspec: {parameters: {tags: ['a b', edge]}}\n";
    let imported = imported(&text, false);
    verdicts(&imported, "- - gcr.io/web:edge\n- - quay.io/web:1 dev\n+ + quay.io/web:1");
    notes(&imported, &["`a b` is no pattern over tags", "`Prod` can be no namespace"]);
}

#[test]
fn texts_that_are_no_policy() {
    for text in ["[1, 2]", "a: [", "just words", "{a: 1, a: 2}"] {
        assert!(documents("f", text).is_err(), "{text}");
    }
    let other = imported("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n", false);
    assert_eq!(other.sources, 0);
    notes(&other, &["policy: Secret/s is not a policy that `import` reads"]);
    assert_eq!(import(&[], false).sources, 0);
}

#[test]
fn no_text_breaks_out_of_a_comment() {
    let text = constraint("\"a\\nmode: audit\\u202e\"", "{parameters: {repos: [\"gcr.io/\\nx\"]}}");
    let imported = imported(&text, false);
    assert!(!imported.policy.contains("\nmode: audit"), "{}", imported.policy);
    verdicts(&imported, "- - quay.io/web:1");
}

#[test]
fn an_image_leaves_its_registry_out_only_where_every_list_lets_it() {
    let text = constraint("a", "{parameters: {repos: [docker.io/library/]}}")
        + &constraint("b", "{parameters: {repos: [nginx]}}");
    let imported = imported(&text, false);
    verdicts(&imported, "- + docker.io/library/nginx:1 wider\n- - nginx:1");
}
