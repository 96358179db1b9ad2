//! Selectors of labels, which mean the same in every engine, and in Kubernetes.
//!
//! Some engines take wildcards in them; those are no labels, and no policy here says them.

use serde_json::{Value, json};

use crate::places::problems;

/// Pods by their labels: those that a selector selects, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pods {
    /// As a policy writes it, in JSON.
    pub(crate) selector: String,
    pub(crate) are_selected: bool,
}

/// A selector as a policy writes it; empty where it selects every Pod, `None` where it cannot be said.
pub(crate) fn selector(written: &Value) -> Option<String> {
    let fields = written.as_object()?;
    let is_known = |field: &String| ["matchLabels", "matchExpressions"].contains(&field.as_str());
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        other => other.is_null(),
    };
    if !fields.keys().all(is_known) {
        return None;
    }
    let said = fields.iter().filter(|(_, value)| !is_empty(value));
    let said: serde_json::Map<_, _> =
        said.map(|(field, value)| (field.clone(), value.clone())).collect();
    if said.is_empty() {
        return Some(String::new());
    }
    let selector = Value::Object(said).to_string();
    let policy = format!("overrides: [{{name: a, mode: warn, podSelector: {selector}}}]");
    problems(&policy).is_none().then_some(selector)
}

/// The selector of what several select together.
pub(crate) fn of_all(selectors: &[&str]) -> String {
    let [one] = selectors else {
        let mut expressions = Vec::new();
        for selector in selectors {
            let parsed: Value = serde_json::from_str(selector).unwrap_or_default();
            let labels = parsed.get("matchLabels").and_then(Value::as_object);
            let is_in = |(key, value): (&String, &Value)| json!({"key": key, "operator": "In", "values": [value]});
            expressions.extend(labels.into_iter().flatten().map(is_in));
            let written = parsed.get("matchExpressions").and_then(Value::as_array);
            expressions.extend(written.into_iter().flatten().cloned());
        }
        return json!({ "matchExpressions": expressions }).to_string();
    };
    (*one).to_owned()
}
