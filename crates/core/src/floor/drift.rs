//! Whether objects that are there are those that the policy has now.
//!
//! An API server fills in fields that nobody wrote, so only what is written is compared.

use serde_json::Value;

use super::objects::{KINDS, policy_hash};
use crate::policy::printable;

/// What is out of step between the objects of a floor and those that were found, in words; lists among those
/// that were found are looked into.
#[must_use]
pub fn drift(wanted: &[Value], found: &[Value]) -> Vec<String> {
    let found: Vec<&Value> = found
        .iter()
        .flat_map(|document| match document.get("items").and_then(Value::as_array) {
            Some(items) => items.iter().collect(),
            None => vec![document],
        })
        .collect();
    let mut differences = Vec::new();
    for object in wanted {
        match found.iter().find(|each| identity(each) == identity(object)) {
            None => differences.push(format!("{} is missing", identity(object))),
            Some(there) => {
                if policy_hash(there) != policy_hash(object) {
                    differences.push(format!("{} is of another policy", identity(object)));
                } else if !holds(object.get("spec"), there.get("spec")) {
                    differences.push(format!("{} has been changed", identity(object)));
                }
            }
        }
    }
    let is_ours = |each: &&&Value| {
        let kind = each.get("kind").and_then(Value::as_str).unwrap_or_default();
        KINDS.contains(&kind) && policy_hash(each).is_some()
    };
    for object in found.iter().filter(is_ours) {
        if !wanted.iter().any(|each| identity(each) == identity(object)) {
            differences.push(format!("{} is not part of the floor", identity(object)));
        }
    }
    differences
}

fn identity(object: &Value) -> String {
    let text = |pointer| {
        let text = object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        printable(text).into_owned()
    };
    format!("{} `{}`", text("/kind"), text("/metadata/name"))
}

/// Whether everything that is wanted is there.
fn holds(wanted: Option<&Value>, found: Option<&Value>) -> bool {
    match (wanted, found) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            wanted.iter().all(|(key, value)| holds(Some(value), found.get(key)))
        }
        (Some(Value::Array(wanted)), Some(Value::Array(found))) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| holds(Some(wanted), Some(found)))
        }
        _ => wanted == found,
    }
}
