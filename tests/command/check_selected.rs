//! What a policy selects by, `check` reads from the manifest: labels, kinds of containers, pull policies.

use crate::support::command::imagegate_with;

const POLICY: &str = "config/examples/selectors/policy.yaml";

const NEVER: &str = "image: 'registry.example.com/a:1', imagePullPolicy: Never";
const ALWAYS: &str = "image: 'registry.example.com/a:1', imagePullPolicy: Always";
const LEFT_OUT: &str = "image: 'registry.example.com/a:1'";
const TOOLS: &str = "image: 'docker.io/nicolaka/netshoot:v1', imagePullPolicy: Always";

/// A Pod of the namespace, with labels and a container's fields.
fn pod(namespace: &str, labels: &str, list: &str, container: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: {namespace}, labels: {labels}}}, \
         spec: {{{list}: [{{name: c, {container}}}]}}}}\n"
    )
}

#[test]
fn a_selector_decides_by_what_the_manifest_says() {
    let refused = Some("pull-policy");
    let rows = [
        // The rule on pull policies, but for the Pods of a team.
        ("analytics", "{team: data}", "containers", NEVER, None),
        ("analytics", "{team: web}", "containers", NEVER, refused),
        ("analytics", "{team: data, stage: production}", "containers", NEVER, refused),
        ("shop", "{team: data}", "containers", NEVER, refused),
        ("shop", "{}", "containers", ALWAYS, None),
        ("shop", "{}", "initContainers", LEFT_OUT, refused),
        // Only as an ephemeral container.
        ("shop", "{}", "ephemeralContainers", TOOLS, None),
        ("shop", "{}", "containers", TOOLS, Some("untrusted-registry")),
    ];
    for (namespace, labels, list, container, expected) in rows {
        let manifest = pod(namespace, labels, list, container);
        let arguments = ["check", "--policy", POLICY, "-o", "json", "-f", "-"];
        let ran = imagegate_with(&arguments, &manifest, &[]);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let rule = report["findings"][0]["rule"].as_str();
        assert_eq!(rule, expected, "{manifest}{}{}", ran.out, ran.err);
    }
    // A template's labels are those of its Pods, whatever its own are.
    let deployment = |own: &str, of_pods: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d, namespace: analytics, labels: {own}}}, \
             spec: {{template: {{metadata: {{labels: {of_pods}}}, spec: {{containers: [{{name: c, {NEVER}}}]}}}}}}}}\n"
        )
    };
    for (own, of_pods, code) in [("{}", "{team: data}", 0), ("{team: data}", "{}", 1)] {
        let manifest = deployment(own, of_pods);
        let ran = imagegate_with(&["check", "--policy", POLICY, "-f", "-"], &manifest, &[]);
        assert_eq!(ran.code, code, "{manifest}{}", ran.out);
    }
}
