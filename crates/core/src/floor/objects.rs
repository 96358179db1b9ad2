//! The objects of a floor, as `admissionregistration.k8s.io/v1` has them.

use serde_json::{Value, json};

use super::webhooks::Registered;
use super::words::coverage;
use crate::policy::Floor;

/// The version of both kinds.
pub const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// The kinds, in the order in which they are made.
pub const KINDS: [&str; 2] = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
/// The label by which a floor is found, and its value.
pub const COMPONENT: (&str, &str) = ("app.kubernetes.io/component", "floor");
/// The annotation by which a floor and its policy are compared.
pub const POLICY_HASH: &str = "imagegate/policy-hash";
/// The annotation that names the override whose floor it is; not there for the policy itself.
pub const OVERRIDE: &str = "imagegate/override";
/// The annotation that names the namespace of the gate, where that is known.
pub const GATE_NAMESPACE: &str = "imagegate/gate-namespace";
/// What both objects are called, unless somebody names them.
pub const USUAL_NAME: &str = "imagegate-floor";
/// The annotation that says what is left to the webhook.
const COVERAGE: &str = "imagegate/coverage";

/// The policy and its binding; that of an override has its name behind `name`. A floor that refuses nothing
/// has objects too: they take the place of those that did.
#[must_use]
pub fn objects(floor: &Floor, name: &str, webhook: &Registered) -> [Value; 2] {
    let name = webhook.name_of_floor(name);
    let mut annotations = json!({POLICY_HASH: floor.hash, COVERAGE: coverage(floor)});
    for (annotation, value) in [(OVERRIDE, &webhook.pinned), (GATE_NAMESPACE, &webhook.namespace)] {
        if let Some(value) = value {
            set(&mut annotations, annotation, value.as_str().into());
        }
    }
    let (component, value) = COMPONENT;
    let metadata = json!({
        "name": name,
        "labels": {"app.kubernetes.io/name": "imagegate", component: value},
        "annotations": annotations,
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
#[must_use]
pub fn values(floor: &Floor) -> Value {
    json!({
        "coverage": coverage(floor),
        "templates": floor.judges_templates,
        "variables": floor.variables,
        "validations": validations(floor),
    })
}

/// The hash of the policy that an object was made of; `None` for one that is of no floor.
#[must_use]
pub fn policy_hash(object: &Value) -> Option<&str> {
    object.pointer("/metadata/annotations")?.get(POLICY_HASH)?.as_str()
}

/// Sets a field of a mapping.
pub(super) fn set(mapping: &mut Value, field: &str, value: Value) {
    if let Some(fields) = mapping.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// An API server takes no policy without one.
fn validations(floor: &Floor) -> Vec<Value> {
    if floor.validations.is_empty() {
        return vec![json!({"expression": "true", "message": "nothing is refused"})];
    }
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
