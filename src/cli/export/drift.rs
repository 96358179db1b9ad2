//! Whether objects that are there are those that the policy has now.
//!
//! An API server fills in fields that nobody wrote, so only what is written is compared.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::objects::{KINDS, POLICY_HASH};
use imagegate_core::policy::printable;

/// What is out of step between the documents and those in a text, in words.
pub(super) fn between(wanted: &[Value], text: &str, are_values: bool) -> Result<Vec<String>> {
    let found: Vec<Value> =
        serde_saphyr::from_multiple(text).context("what is compared is not YAML")?;
    if are_values {
        let floor = |document: &Value| document["floor"].clone();
        let there = found.iter().any(|each| wanted.iter().all(|it| floor(it) == floor(each)));
        return Ok(if there { Vec::new() } else { vec!["`floor` is another one".to_owned()] });
    }
    let found: Vec<&Value> = found
        .iter()
        .flat_map(|document| match document["items"].as_array() {
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
                } else if !holds(&object["spec"], &there["spec"]) {
                    differences.push(format!("{} has been changed", identity(object)));
                }
            }
        }
    }
    let is_ours = |each: &&&Value| {
        let kind = each["kind"].as_str().unwrap_or_default();
        KINDS.contains(&kind) && policy_hash(each).is_some()
    };
    for object in found.iter().filter(is_ours) {
        if !wanted.iter().any(|each| identity(each) == identity(object)) {
            differences.push(format!("{} is not part of the floor", identity(object)));
        }
    }
    Ok(differences)
}

fn identity(object: &Value) -> String {
    let text = |pointer| {
        let text = object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        printable(text).into_owned()
    };
    format!("{} `{}`", text("/kind"), text("/metadata/name"))
}

/// The hash of the policy that an object was made of.
fn policy_hash(object: &Value) -> Option<&str> {
    object.pointer("/metadata/annotations")?.get(POLICY_HASH)?.as_str()
}

/// Whether everything that is wanted is there.
fn holds(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|there| holds(value, there))),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|(wanted, found)| holds(wanted, found))
        }
        _ => wanted == found,
    }
}
