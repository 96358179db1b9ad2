//! Where a rule of Kyverno holds, and in which mode.

use super::{imported, notes, verdicts};

/// A rule with fields of its own, and with those of its policy.
fn policy(spec: &str, rule: &str) -> String {
    let images = "[{image: 'gcr.io/*'}]";
    format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  {spec}\n  \
         rules:\n  - name: r\n    {rule}\n    validate:\n      pattern: {{spec: {{containers: {images}, \
         initContainers: {images}, ephemeralContainers: {images}}}}}\n"
    )
}

#[test]
fn an_action_for_some_namespaces_is_an_override() {
    let overrides = "validationFailureAction: Audit, \
        validationFailureActionOverrides: [{action: Enforce, namespaces: [prod]}]";
    let of_policy = policy("validationFailureAction: Audit", "match: {}").replace(
        "validationFailureAction: Audit",
        &overrides.replace(", validation", "\n  validation"),
    );
    let of_rule = policy("background: true", "match: {}").replace(
        "validate:",
        "validate:\n      failureAction: Audit\n      \
         failureActionOverrides: [{action: enforce, namespaces: [prod]}]",
    );
    for text in [of_policy, of_rule] {
        let imported = imported(&text, false);
        let policy = &imported.policy;
        assert!(policy.contains("\nmode: audit"), "{policy}");
        assert!(policy.contains("namespaces: [prod]\n    mode: enforce"), "{policy}");
        verdicts(&imported, "+ + gcr.io/a:1 prod\n- - evil.io/a:1 prod");
        notes(&imported, &[]);
    }
}

#[test]
fn the_first_action_for_a_namespace_counts() {
    let overrides =
        "[{action: Audit, namespaces: [prod-test]}, {action: Enforce, namespaces: ['prod-*']}]";
    let text = policy(&format!("validationFailureActionOverrides: {overrides}"), "match: {}");
    let first = imported(&text, false);
    let policy = &first.policy;
    assert!(policy.contains("namespaces: [prod-test]\n    mode: audit"), "{policy}");
    assert!(policy.contains("namespaces: [\"prod-*\"]\n    mode: enforce"), "{policy}");
    notes(&first, &[]);
    let by_label = "{action: Enforce, namespaceSelector: {matchLabels: {a: b}}}, \
                    {action: Audit, namespaces: [dev], namespaceSelector: {matchLabels: {a: b}}}";
    let strict =
        imported(&text.replace("[{action: Audit", &format!("[{by_label}, {{action: Audit")), false);
    assert!(strict.policy.contains("\nmode: enforce"), "{}", strict.policy);
    assert!(!strict.policy.contains("mode: audit"), "{}", strict.policy);
    notes(&strict, &["has the failure action `Enforce` by a selector"]);
}

#[test]
fn an_exclusion_that_asks_for_more_excludes_no_namespace() {
    let rows = "- - evil.io/a:1 prod\n- - evil.io/a:1";
    let exclude = |filter: &str| {
        let rule = format!("match: {{}}\n    exclude: {{any: [{{resources: {filter}}}]}}");
        imported(&policy("validationFailureAction: Enforce", &rule), false)
    };
    let others = exclude("{kinds: [Deployment], namespaces: [prod], operations: [UPDATE]}");
    verdicts(&others, rows);
    notes(&others, &[]);
    let deleted = exclude("{kinds: [Pod], namespaces: [prod], operations: [DELETE]}");
    verdicts(&deleted, rows);
    notes(&deleted, &[]);
    for (filter, field) in [
        ("{kinds: [Pod], namespaces: [prod], names: ['debug-*']}", "`names`"),
        ("{kinds: [Pod], namespaces: [prod], operations: [UPDATE]}", "`operations`"),
        ("{kinds: ['Po*'], namespaces: [prod]}", "`kinds`"),
        ("{}", "`resources`"),
    ] {
        let imported = exclude(filter);
        verdicts(&imported, rows);
        notes(&imported, &[&format!("{field} excludes by what is not looked at here")]);
    }
    let all = "match: {}\n    exclude: {all: [{resources: {namespaces: [prod]}}, \
               {resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}}]}";
    let imported = imported(&policy("validationFailureAction: Enforce", all), false);
    verdicts(&imported, rows);
    notes(&imported, &["`selector` excludes"]);
    let plain = exclude("{kinds: [v1/Pod], namespaces: [prod], operations: [CREATE, UPDATE]}");
    verdicts(&plain, "+ + evil.io/a:1 prod\n- - evil.io/a:1");
    notes(&plain, &[]);
    let everything = exclude("{kinds: [Pod]}");
    verdicts(&everything, "+ + evil.io/a:1");
    notes(&everything, &["excludes every Pod"]);
}

#[test]
fn any_filter_without_namespaces_matches_everywhere() {
    let of = |filters: &str| {
        let rule = format!("match: {{{filters}}}");
        imported(&policy("validationFailureAction: Enforce", &rule), false)
    };
    let deployments = "{resources: {kinds: [Deployment], namespaces: [prod]}}";
    let any = of(&format!("any: [{{resources: {{kinds: [Pod]}}}}, {deployments}]"));
    verdicts(&any, "- - evil.io/a:1\n- - evil.io/a:1 prod");
    notes(&any, &[]);
    let dev =
        of(&format!("any: [{{resources: {{kinds: [Pod], namespaces: [dev]}}}}, {deployments}]"));
    verdicts(&dev, "+ + evil.io/a:1\n+ + evil.io/a:1 prod\n- - evil.io/a:1 dev");
    notes(&dev, &[]);
    let all = of(
        "all: [{resources: {kinds: [Pod], namespaces: ['prod-*']}}, {resources: {namespaces: ['*-eu']}}]",
    );
    verdicts(&all, "+ + evil.io/a:1 prod-us\n- - evil.io/a:1 prod-eu\n- - evil.io/a:1 prod-a-eu");
    notes(&all, &[]);
    let created = of("any: [{resources: {kinds: [Pod], operations: [CREATE]}}]");
    verdicts(&created, "- - evil.io/a:1");
    notes(&created, &["`operations` selects"]);
    let apart = of("all: [{resources: {namespaces: [a]}}, {resources: {namespaces: [b]}}]");
    notes(&apart, &["matches no namespace"]);
}

#[test]
fn a_policy_holds_in_its_namespace() {
    let text =
        policy("validationFailureAction: Enforce", "match: {}").replace("ClusterPolicy", "Policy");
    let unnamed = imported(&text, false);
    verdicts(&unnamed, "- - evil.io/a:1\n- - evil.io/a:1 prod");
    notes(&unnamed, &["names no namespace"]);
    let text = text.replace("{name: p}", "{name: p, namespace: prod}");
    let named = imported(&text, false);
    verdicts(&named, "+ + evil.io/a:1\n- - evil.io/a:1 prod");
    notes(&named, &[]);
    let narrower = text.replace("match: {}", "match: {resources: {namespaces: ['*', dev]}}");
    let narrower = imported(&narrower, false);
    verdicts(&narrower, "+ + evil.io/a:1 dev\n- - evil.io/a:1 prod");
}
