//! A policy as somebody could have written it, in YAML.

use std::fmt::Write as _;

use serde_json::Value;

use super::scalar::scalar;
use crate::policy::Policy;

impl Policy {
    /// The policy in full form as YAML, one field a line: compiled again, it is this policy. Texts that are empty
    /// are left out, as they were by whoever wrote it.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut form: Value = serde_json::from_str(&self.to_json()).unwrap_or_default();
        if let Value::Object(fields) = &mut form {
            fields.retain(|_, value| value.as_str() != Some(""));
        }
        rewritten(&form)
    }
}

/// The normal form as YAML, one field a line.
pub(super) fn rewritten(form: &Value) -> String {
    let mut yaml = String::new();
    if let Value::Object(fields) = form {
        for (field, value) in fields {
            write_field(&mut yaml, "", field, value);
        }
    }
    yaml
}

fn write_field(yaml: &mut String, indent: &str, field: &str, value: &Value) {
    let _ = match value {
        Value::Array(items) if items.is_empty() => writeln!(yaml, "{indent}{field}: []"),
        Value::Array(items) => {
            let _ = writeln!(yaml, "{indent}{field}:");
            for item in items {
                write_item(yaml, indent, item);
            }
            Ok(())
        }
        Value::Object(fields) => {
            let _ = writeln!(yaml, "{indent}{field}:");
            for (field, value) in fields {
                write_field(yaml, &format!("{indent}  "), field, value);
            }
            Ok(())
        }
        Value::String(text) => writeln!(yaml, "{indent}{field}: {}", scalar(text)),
        other => writeln!(yaml, "{indent}{field}: {other}"),
    };
}

fn write_item(yaml: &mut String, indent: &str, item: &Value) {
    match item {
        Value::Object(fields) => {
            // The name stands behind the dash, the others below it.
            let mut block = String::new();
            let (name, others): (Vec<_>, Vec<_>) =
                fields.iter().partition(|(field, _)| *field == "name");
            for (field, value) in name.into_iter().chain(others) {
                write_field(&mut block, &format!("{indent}  "), field, value);
            }
            let block = block.get(indent.len() + 2..).unwrap_or_default();
            let _ = write!(yaml, "{indent}- {block}");
        }
        Value::String(text) => {
            let _ = writeln!(yaml, "{indent}- {}", scalar(text));
        }
        other => {
            let _ = writeln!(yaml, "{indent}- {other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Documents, compile};

    #[test]
    fn what_is_written_is_the_policy_again() {
        let texts = [
            "{}",
            "{mode: warn, allowedRegistries: [quay.io, '*.pkg.dev'], denialHint: 'ask: #us', templates: enforce}",
            "overrides: [{name: a, namespaces: [b], requireDigest: true}]\n\
             exemptions: [{name: 'yes', images: [quay.io/d], reason: 'null', expires: 2000-01-01, users: [f]}]\n\
             namespaceOptOut: {users: [g], groups: [h]}",
        ];
        for text in texts {
            let (policy, _) = compile(&Documents::full_form(text)).unwrap();
            let yaml = policy.to_yaml();
            let (again, _) = compile(&Documents::full_form(&*yaml)).unwrap();
            assert_eq!(again.hash(), policy.hash(), "{yaml}");
        }
    }
}
