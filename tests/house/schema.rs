//! The committed JSON Schema says what `compile` accepts.

use std::collections::BTreeSet;
use std::fs;

use crate::support::policy::{full_form, policy};
use imagegate_core::policy::compile;
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string("config/policy.schema.json").unwrap()).unwrap()
}

/// What stands between backticks in the problem's text that begins with `lead`.
fn listed(yaml: &str, lead: &str) -> BTreeSet<String> {
    let problems = compile(&full_form(yaml)).unwrap_err().to_string();
    let (_, rest) = problems.split_once(lead).unwrap_or_else(|| panic!("{problems}"));
    let line = rest.lines().next().unwrap();
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn properties(object: &Value) -> BTreeSet<String> {
    object["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_the_fields_that_compile_knows() {
    let schema = schema();
    let unknown = "qqqqqqqqqqqq: 1";
    for (object, yaml) in [
        (&schema, unknown.to_owned()),
        (&schema["definitions"]["override"], format!("overrides: [{{name: o, {unknown}}}]")),
        (&schema["definitions"]["exemption"], format!("exemptions: [{{name: e, {unknown}}}]")),
        (
            &schema["definitions"]["registryEntry"],
            format!("allowedRegistries: [{{registry: a.b, {unknown}}}]"),
        ),
        (&schema["properties"]["messages"], format!("messages: {{{unknown}}}")),
        (
            &schema["definitions"]["podSelector"],
            format!("overrides: [{{name: o, podSelector: {{{unknown}}}}}]"),
        ),
        (
            &schema["definitions"]["podSelector"]["properties"]["matchExpressions"]["items"],
            format!("overrides: [{{name: o, podSelector: {{matchExpressions: [{{{unknown}}}]}}}}]"),
        ),
        (&schema["definitions"]["workload"], format!("workloads: [{{{unknown}}}]")),
        (&schema["properties"]["namespaceOptOut"], format!("namespaceOptOut: {{{unknown}}}")),
    ] {
        assert_eq!(properties(object), listed(&yaml, "the fields are"), "{yaml}");
        assert_eq!(object["additionalProperties"], Value::Bool(false), "{yaml}");
    }
}

#[test]
fn the_schema_has_the_choices_that_compile_knows() {
    let schema = schema();
    for field in ["mode", "imagePullPolicy", "shortNames", "updates", "templates"] {
        for rules in [&schema, &schema["definitions"]["override"]] {
            let property = &rules["properties"][field];
            // A field may have another form beside its names.
            let choices = property["enum"].as_array().or(property["anyOf"][0]["enum"].as_array());
            let choices = choices.unwrap();
            let choices: BTreeSet<String> =
                choices.iter().map(|choice| choice.as_str().unwrap().to_owned()).collect();
            assert_eq!(choices, listed(&format!("{field}: qqqqqqqqqqqq"), "is not one of"));
        }
    }
}

#[test]
fn the_schema_has_the_defaults_of_the_full_form() {
    let built_in: Value = serde_json::to_value(policy("mode: enforce").normal_form()).unwrap();
    let schema = schema();
    for (name, property) in schema["properties"].as_object().unwrap() {
        if name == "namespaceOptOut" {
            for list in ["users", "groups"] {
                assert_eq!(property["properties"][list]["default"], built_in[name][list]);
            }
        } else {
            assert_eq!(property["default"], built_in[name], "{name}");
        }
    }
    let overridden = schema["definitions"]["override"]["properties"].as_object().unwrap();
    assert!(overridden.values().all(|property| property.get("default").is_none()));
}
