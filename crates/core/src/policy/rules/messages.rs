//! The policy's own words for the rules: a template for each of them that has one.

use std::collections::BTreeMap;

use crate::policy::judge::checks::Rule;
use crate::policy::judge::template::{BadTemplate, Template};
use crate::policy::problem::{At, Report, nearest, shorten};
use crate::policy::read::source::{Located, Text};
use crate::policy::read::values::{kind, text};
use crate::policy::read::yaml::{Node, Value};

/// The templates as written, each with its rule.
pub(in crate::policy) type RawMessages<'a> = Located<Vec<(Rule, Text<'a>)>>;

/// The templates, by the names of their rules.
pub(in crate::policy) type Messages = BTreeMap<&'static str, Template>;

/// Reads a mapping of texts by the names of rules.
pub(in crate::policy) fn read<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<RawMessages<'a>> {
    let entries = match node.value.owned() {
        Value::Mapping(entries) => entries,
        other => {
            let hint =
                "write a rule and its text, as in `blocked-tag: \"use a version, not {tag}\"`";
            let message = format!("expected a mapping, found {}", kind(&other));
            report.problem(at, message, Some(hint));
            return None;
        }
    };
    let mut read = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let field = at.field(&key.name, node.place);
        // What is no reference has nothing that a name could stand for.
        let rules = Rule::ALL.into_iter().filter(|rule| *rule != Rule::InvalidReference);
        if let Some(rule) = rules.clone().find(|rule| rule.as_str() == key.name) {
            read.extend(text(node, &field, report).map(|text| (rule, text)));
        } else if !report.counts_only() {
            let hint = if let Some(near) = nearest(&key.name, rules.clone().map(Rule::as_str)) {
                format!("did you mean `{near}`?")
            } else {
                let names: Vec<_> = rules.map(Rule::as_str).collect();
                format!("the fields are `{}`", names.join("`, `"))
            };
            let message = format!("`{}` is not a rule with a message", shorten(&key.name));
            report.problem(&at.at(key.place), message, Some(&hint));
        }
    }
    Some(Located { value: read, at: at.clone() })
}

/// Checks each template; those that are none are reported and left out.
pub(in crate::policy) fn compile(raw: &RawMessages<'_>, report: &mut Report) -> Messages {
    let each = raw.value.iter();
    each.filter_map(|(rule, text)| Some((rule.as_str(), template(text, report)?))).collect()
}

/// Checks a template.
pub(in crate::policy) fn template(text: &Text<'_>, report: &mut Report) -> Option<Template> {
    match Template::parse(&text.value) {
        Ok(template) => Some(template),
        Err(BadTemplate { message, hint }) => {
            report.problem(&text.at, message, Some(&hint));
            None
        }
    }
}
