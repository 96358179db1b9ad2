//! The objects of a floor, as `admissionregistration.k8s.io/v1` has them.

use serde_json::{Value, json};

use super::report;
use super::webhooks::Registered;
use imagegate_core::policy::Floor;

const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// The kinds, in the order in which they are made.
pub(super) const KINDS: [&str; 2] =
    ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
/// The annotation by which a floor and its policy are compared.
pub(super) const POLICY_HASH: &str = "imagegate/policy-hash";
/// The annotation that says what is left to the webhook.
const COVERAGE: &str = "imagegate/coverage";

/// The policy and its binding.
pub(super) fn of(floor: &Floor, name: &str, webhook: &Registered) -> [Value; 2] {
    let metadata = json!({
        "name": name,
        "labels": {
            "app.kubernetes.io/name": "imagegate",
            "app.kubernetes.io/component": "floor",
        },
        "annotations": {POLICY_HASH: floor.hash, COVERAGE: coverage(floor)},
    });
    let mut constraints = json!({
        "matchPolicy": "Equivalent",
        "resourceRules": webhook.rules_for(floor.judges_templates),
    });
    for (field, selector) in
        [("namespaceSelector", &webhook.namespaces), ("objectSelector", &webhook.objects)]
    {
        if let Some(selector) = selector {
            set(&mut constraints, field, selector.clone());
        }
    }
    let mut spec = json!({
        // An expression that cannot be evaluated must not refuse what the policy admits.
        "failurePolicy": "Ignore",
        "matchConstraints": constraints,
        "variables": floor.variables,
        "validations": validations(floor),
    });
    if !webhook.conditions.is_empty() {
        set(&mut spec, "matchConditions", webhook.conditions.clone().into());
    }
    let [policy, binding] = KINDS;
    [
        json!({"apiVersion": API_VERSION, "kind": policy, "metadata": metadata, "spec": spec}),
        json!({
            "apiVersion": API_VERSION,
            "kind": binding,
            "metadata": metadata,
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        }),
    ]
}

/// What the chart is given of a floor.
pub(super) fn values(floor: &Floor) -> Value {
    json!({
        "coverage": coverage(floor),
        "templates": floor.judges_templates,
        "variables": floor.variables,
        "validations": validations(floor),
    })
}

fn validations(floor: &Floor) -> Vec<Value> {
    let of = floor.validations.iter().map(|each| {
        json!({
            "expression": each.expression,
            "message": each.message,
            "messageExpression": each.message_expression,
            "reason": "Forbidden",
        })
    });
    of.collect()
}

fn coverage(floor: &Floor) -> String {
    [vec![report::headline(floor)], report::lines(floor)].concat().join("\n")
}

/// Sets a field of a mapping.
pub(super) fn set(mapping: &mut Value, field: &str, value: Value) {
    if let Some(fields) = mapping.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}
