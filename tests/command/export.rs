//! `imagegate export vap`: the objects, their reach, and whether they are in step with the policy.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::command::imagegate;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

const PINNED: &str = "overrides: [{name: production, requireDigest: true}]\n";
const WEBHOOKS: &str = "\
apiVersion: v1
kind: List
items:
  - apiVersion: admissionregistration.k8s.io/v1
    kind: ValidatingWebhookConfiguration
    metadata: {name: gate}
    webhooks:
      - name: all
        clientConfig: {service: {name: gate, namespace: gate, path: /validate}}
        rules:
          - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods, podtemplates]}
          - {apiGroups: [argoproj.io], apiVersions: ['*'], operations: [CREATE], resources: [rollouts]}
        namespaceSelector: {matchLabels: {stage: test}}
        objectSelector: {matchLabels: {a: b}}
        matchConditions: [{name: changed, expression: 'true'}]
      - name: production
        clientConfig: {url: 'https://127.0.0.1:3000/validate/production'}
        rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]
      - name: unknown
        clientConfig: {service: {name: gate, namespace: gate, path: /validate/unknown}}
      - name: guard
        clientConfig: {service: {name: gate, namespace: gate, path: /validate-config}}
";

#[test]
fn it_prints_a_policy_and_its_binding_for_what_the_manifests_register() {
    let folder = folder(&[("policy.yaml", "templates: warn\n")]);
    let ran = imagegate(&format!("export vap --policy {}", folder.path().display()));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let objects = documents(&ran.out);
    let [policy, binding] = objects.as_slice() else { panic!("{}", ran.out) };
    for object in [policy, binding] {
        assert_eq!(object["apiVersion"], "admissionregistration.k8s.io/v1");
        assert_eq!(object["metadata"]["name"], "imagegate-floor");
        let hash = object["metadata"]["annotations"]["imagegate/policy-hash"].as_str().unwrap();
        assert!(ran.err.contains(hash), "{}", ran.err);
    }
    assert_eq!(policy["kind"], "ValidatingAdmissionPolicy");
    assert_eq!(binding["kind"], "ValidatingAdmissionPolicyBinding");
    assert_eq!(binding["spec"]["policyName"], "imagegate-floor");
    assert_eq!(binding["spec"]["validationActions"], serde_json::json!(["Deny"]));
    let spec = &policy["spec"];
    assert_eq!(spec["failurePolicy"], "Ignore");
    let constraints = &spec["matchConstraints"];
    let manifests = fs::read_to_string("deploy/templates/webhook.yaml").unwrap();
    let manifest = &documents(&manifests.replace("@namespace@", "imagegate"))[0]["webhooks"][0];
    assert_eq!(constraints["namespaceSelector"], manifest["namespaceSelector"]);
    assert_eq!(constraints["matchPolicy"], manifest["matchPolicy"]);
    let resources = &constraints["resourceRules"];
    assert_eq!(resources.as_array().unwrap().len(), 1);
    assert_eq!(resources[0]["resources"], serde_json::json!(["pods", "pods/ephemeralcontainers"]));
    // As the API has them: nothing else, and everything that must be there.
    let known = |object: &Value, names: &[&str]| {
        let fields: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(fields.iter().all(|field| names.contains(field)), "{fields:?}");
    };
    known(policy, &["apiVersion", "kind", "metadata", "spec"]);
    known(
        spec,
        &["failurePolicy", "matchConstraints", "matchConditions", "validations", "variables"],
    );
    known(constraints, &["matchPolicy", "namespaceSelector", "objectSelector", "resourceRules"]);
    let validations = spec["validations"].as_array().unwrap();
    assert!(!validations.is_empty());
    for validation in validations {
        known(validation, &["expression", "message", "messageExpression", "reason"]);
        assert!(!validation["message"].as_str().unwrap().contains('\n'));
    }
    for variable in spec["variables"].as_array().unwrap() {
        known(variable, &["name", "expression"]);
        let name = variable["name"].as_str().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
    }
}

#[test]
fn it_reaches_what_the_webhooks_reach() {
    let folder = folder(&[("policy.yaml", PINNED), ("webhooks", WEBHOOKS)]);
    let path = folder.path().display();
    let ran = imagegate(&format!("export vap --policy {path}/policy.yaml"));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("the overrides `production` are picked by webhooks"), "{}", ran.err);
    assert!(ran.err.contains("hint: name the webhook configuration"), "{}", ran.err);

    let command =
        format!("export vap --policy {path}/policy.yaml --webhook {path}/webhooks --name f");
    let ran = imagegate(&command);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let missing = "unknown asks for the override `unknown`, which the policy does not have";
    assert!(ran.err.contains(missing), "{}", ran.err);
    let objects = documents(&ran.out);
    let names: Vec<_> = objects.iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["f", "f", "f-production", "f-production"]);
    let constraints = &objects[0]["spec"]["matchConstraints"];
    assert_eq!(constraints["namespaceSelector"]["matchLabels"]["stage"], "test");
    assert_eq!(constraints["objectSelector"]["matchLabels"]["a"], "b");
    assert_eq!(objects[0]["spec"]["matchConditions"][0]["name"], "changed");
    let rules = constraints["resourceRules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["resources"], serde_json::json!(["pods"]));
    let digests = |object: &Value| object["spec"].to_string().contains("no digest");
    assert_eq!([digests(&objects[0]), digests(&objects[2])], [false, true]);

    fs::write(folder.path().join("webhooks"), "kind: ConfigMap\n").unwrap();
    let ran = imagegate(&command);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("has no webhook that judges images"), "{}", ran.err);
}

#[test]
fn a_floor_of_another_policy_is_told() {
    let folder = folder(&[("policy.yaml", "{}\n"), ("other.yaml", "requireDigest: true\n")]);
    let path = folder.path().display();
    let floor = imagegate(&format!("export vap --policy {path}/policy.yaml"));
    let file = folder.path().join("floor");
    let check = |name: &str| {
        imagegate(&format!("export vap --policy {path}/{name} --check {}", file.display()))
    };
    // An API server adds what nobody wrote.
    let filled = floor.out.replace("policyName:", "matchResources: {}\n  policyName:");
    assert_ne!(filled, floor.out);
    fs::write(&file, filled).unwrap();
    let ran = check("policy.yaml");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    let ran = check("other.yaml");
    assert_eq!(ran.code, 1);
    let policy = "ValidatingAdmissionPolicy `imagegate-floor` is of another policy";
    assert!(ran.err.contains(policy), "{}", ran.err);
    fs::write(&file, floor.out.replace("[Deny]", "[Audit]")).unwrap();
    let ran = check("policy.yaml");
    assert_eq!(ran.code, 1);
    let changed = "ValidatingAdmissionPolicyBinding `imagegate-floor` has been changed";
    assert!(ran.err.contains(changed), "{}", ran.err);
    let renamed = floor.out.replace("name: imagegate-floor", "name: other");
    fs::write(&file, renamed).unwrap();
    let ran = check("policy.yaml");
    assert!(ran.err.contains("`imagegate-floor` is missing"), "{}", ran.err);
    assert!(ran.err.contains("`other` is not part of the floor"), "{}", ran.err);
}

#[test]
fn the_chart_is_given_each_override_by_itself() {
    let folder = folder(&[(
        "policy.yaml",
        &format!("mode: warn\n{PINNED}").replace("true}", "true, mode: enforce}"),
    )]);
    let path = folder.path().display();
    let ran = imagegate(&format!("export vap --policy {path}/policy.yaml --values"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let values = &documents(&ran.out)[0]["floor"];
    assert_eq!(values["enabled"], true);
    assert_eq!(values["policy"], serde_json::json!({}));
    assert_eq!(values["overrides"]["production"]["templates"], false);
    let file = folder.path().join("values");
    fs::write(&file, format!("replicas: 2\n{}", ran.out)).unwrap();
    let check = format!("export vap --values --check {}", file.display());
    assert_eq!(imagegate(&format!("{check} --policy {path}/policy.yaml")).code, 0);
    fs::write(folder.path().join("policy.yaml"), "{}").unwrap();
    assert_eq!(imagegate(&format!("{check} --policy {path}/policy.yaml")).code, 1);
}

#[test]
fn a_policy_that_only_warns_has_a_floor_that_refuses_nothing() {
    let folder = folder(&[("policy.yaml", "mode: warn\n"), ("bad.yaml", "mode: maybe\n")]);
    let path = folder.path().display();
    let ran = imagegate(&format!("export vap --policy {path}/policy.yaml"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("the objects admit everything"), "{}", ran.err);
    let expressions = |yaml: &str| {
        let policy = &documents(yaml)[0];
        let validations = policy["spec"]["validations"].as_array().unwrap();
        validations.iter().map(|it| it["expression"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(expressions(&ran.out), ["true"]);
    assert_eq!(imagegate(&format!("export vap --policy {path}/bad.yaml")).code, 3);
}
