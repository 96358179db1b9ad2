//! The full form: `policy.yaml` and `candidate.yaml`.
//!
//! Reads a located tree into the raw types, field by field, so that every unknown field and every
//! value of the wrong kind is reported at its own place, all at once.

use crate::policy::problem::{At, Problem, Report};
use crate::policy::source::{
    Located, RawExemption, RawOptOut, RawOverride, RawPolicy, RawRules, ShortNames, Text,
};
use crate::policy::verdict::{Mode, TemplateMode, UpdateScope};
use crate::policy::yaml::{self, Node, Value};

/// Reads a document of the full form.
pub(super) fn read<'a>(
    document: &'static str,
    bytes: &'a [u8],
    report: &mut Report,
) -> RawPolicy<'a> {
    let mut policy = RawPolicy::default();
    let Ok(text) = std::str::from_utf8(bytes) else {
        report.push(Problem::of_document(document, "the document is not UTF-8 text"));
        return policy;
    };
    let root = match yaml::parse(text, report.places) {
        Ok(root) => root,
        Err(malformed) => {
            let mut problem = Problem::of_document(document, malformed.message);
            problem.place = malformed.place;
            report.push(problem);
            return policy;
        }
    };
    let top = At::new(document, "", Some(root.place));
    let entries = match root.value {
        Value::Mapping(entries) => entries,
        Value::Null => {
            let hint = "write at least `allowedRegistries`, or remove the key";
            report.problem(&top, "the policy is empty", Some(hint));
            return policy;
        }
        Value::Scalar(_) | Value::Sequence(_) => {
            report.problem(&top, "a policy is a mapping of fields", None);
            return policy;
        }
    };
    for (key, node) in entries {
        let at = top.field(&key.name, node.place);
        match key.name.as_str() {
            "overrides" => policy.overrides = overrides(node, &at, report),
            "exemptions" => policy.exemptions = exemptions(node, &at, report),
            "namespaceOptOut" => {
                policy.namespace_opt_out = Some(opt_out(node, &at, report));
            }
            name if rule(name, &mut policy.rules, &node, &at, report) => {}
            name => {
                let known = RULE_FIELDS.into_iter().chain(POLICY_FIELDS);
                unknown_field(name, &top.at(key.place), known, report);
            }
        }
    }
    policy
}

/// The known name nearest to `name`, where one is near enough to have been meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 3 && *distance * 2 < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Fields that a policy and an override share.
pub(super) const RULE_FIELDS: [&str; 10] = [
    "mode",
    "allowedRegistries",
    "blockedRegistries",
    "blockedTags",
    "allowedTags",
    "requireTag",
    "requireDigest",
    "shortNames",
    "updates",
    "templates",
];
const POLICY_FIELDS: [&str; 3] = ["overrides", "exemptions", "namespaceOptOut"];
const OVERRIDE_FIELDS: [&str; 2] = ["name", "namespaces"];
const EXEMPTION_FIELDS: [&str; 9] = [
    "name",
    "images",
    "namespaces",
    "users",
    "groups",
    "serviceAccounts",
    "reason",
    "owner",
    "expires",
];
const OPT_OUT_FIELDS: [&str; 2] = ["users", "groups"];

/// Reads a field of the rules; `false` where `name` is not one.
fn rule<'a>(
    name: &str,
    rules: &mut RawRules<'a>,
    node: &Node<'a>,
    at: &At,
    report: &mut Report,
) -> bool {
    match name {
        "mode" => rules.mode = choice(node, at, &MODES, report),
        "allowedRegistries" => rules.allowed_registries = texts(node, at, report),
        "blockedRegistries" => rules.blocked_registries = texts(node, at, report),
        "blockedTags" => rules.blocked_tags = texts(node, at, report),
        "allowedTags" => rules.allowed_tags = texts(node, at, report),
        "requireTag" => {
            rules.require_tag =
                choice(node, at, &BOOLEANS, report).map(|value| Located { value, at: at.clone() });
        }
        "requireDigest" => rules.require_digest = choice(node, at, &BOOLEANS, report),
        "shortNames" => rules.short_names = choice(node, at, &SHORT_NAMES, report),
        "updates" => rules.updates = choice(node, at, &UPDATES, report),
        "templates" => rules.templates = choice(node, at, &TEMPLATES, report),
        _ => return false,
    }
    true
}

fn overrides<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Vec<RawOverride<'a>> {
    let mut overrides = Vec::new();
    for (at, entries) in mappings(node, at, report) {
        let mut read = RawOverride {
            at: at.clone(),
            name: None,
            namespaces: None,
            rules: RawRules::default(),
        };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            match key.name.as_str() {
                "name" => read.name = text(&node, &field, report),
                "namespaces" => read.namespaces = texts(&node, &field, report),
                name if rule(name, &mut read.rules, &node, &field, report) => {}
                name => {
                    let at = at.at(key.place);
                    let known = OVERRIDE_FIELDS.into_iter().chain(RULE_FIELDS);
                    unknown_field(name, &at, known, report);
                }
            }
        }
        overrides.push(read);
    }
    overrides
}

fn exemptions<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Vec<RawExemption<'a>> {
    let mut exemptions = Vec::new();
    for (at, entries) in mappings(node, at, report) {
        let mut read = RawExemption {
            at: at.clone(),
            name: None,
            images: None,
            namespaces: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
            service_accounts: Vec::new(),
            reason: None,
            owner: None,
            expires: None,
        };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            let list = |report: &mut Report| {
                texts(&node, &field, report).map_or_else(Vec::new, |list| list.value)
            };
            match key.name.as_str() {
                "name" => read.name = text(&node, &field, report),
                "images" => read.images = texts(&node, &field, report),
                "namespaces" => read.namespaces = list(report),
                "users" => read.users = list(report),
                "groups" => read.groups = list(report),
                "serviceAccounts" => read.service_accounts = list(report),
                "reason" => read.reason = text(&node, &field, report),
                "owner" => read.owner = text(&node, &field, report),
                "expires" => read.expires = text(&node, &field, report),
                name => {
                    let at = at.at(key.place);
                    unknown_field(name, &at, EXEMPTION_FIELDS.into_iter(), report);
                }
            }
        }
        exemptions.push(read);
    }
    exemptions
}

fn opt_out<'a>(node: Node<'a>, at: &At, report: &mut Report) -> RawOptOut<'a> {
    let mut opt_out = RawOptOut::default();
    let Value::Mapping(entries) = node.value else {
        report.problem(at, format!("expected a mapping, found {}", kind(&node.value)), None);
        return opt_out;
    };
    for (key, node) in entries {
        let field = at.field(&key.name, node.place);
        match key.name.as_str() {
            "users" => opt_out.users = texts(&node, &field, report).map(|l| l.value),
            "groups" => opt_out.groups = texts(&node, &field, report).map(|l| l.value),
            name => {
                let at = at.at(key.place);
                unknown_field(name, &at, OPT_OUT_FIELDS.into_iter(), report);
            }
        }
    }
    opt_out
}

fn mappings<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Vec<(At, Vec<(yaml::Key, Node<'a>)>)> {
    let Value::Sequence(items) = node.value else {
        report.problem(at, format!("expected a list, found {}", kind(&node.value)), None);
        return Vec::new();
    };
    let mut mappings = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = at.item(index, item.place);
        match item.value {
            Value::Mapping(entries) => mappings.push((at, entries)),
            other => {
                report.problem(&at, format!("expected a mapping, found {}", kind(&other)), None);
            }
        }
    }
    mappings
}

fn texts<'a>(node: &Node<'a>, at: &At, report: &mut Report) -> Option<Located<Vec<Text<'a>>>> {
    let Value::Sequence(items) = &node.value else {
        let hint = "write a list, such as `[docker.io, gcr.io]`";
        report.problem(at, format!("expected a list, found {}", kind(&node.value)), Some(hint));
        return None;
    };
    let texts = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let at = at.item(index, item.place);
            text(item, &at, report)
        })
        .collect();
    Some(Located { value: texts, at: at.clone() })
}

const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
pub(super) const MODES: [(&str, Mode); 3] =
    [("enforce", Mode::Enforce), ("warn", Mode::Warn), ("audit", Mode::Audit)];
pub(super) const SHORT_NAMES: [(&str, ShortNames); 2] =
    [("deny", ShortNames::Deny), ("dockerHub", ShortNames::DockerHub)];
pub(super) const TEMPLATES: [(&str, TemplateMode); 3] = [
    ("enforce", TemplateMode::Enforce),
    ("warn", TemplateMode::Warn),
    ("ignore", TemplateMode::Ignore),
];
pub(super) const UPDATES: [(&str, UpdateScope); 2] =
    [("changed", UpdateScope::Changed), ("all", UpdateScope::All)];

fn choice<T: Copy>(
    node: &Node<'_>,
    at: &At,
    choices: &[(&str, T)],
    report: &mut Report,
) -> Option<T> {
    let written = text(node, at, report)?.value;
    let chosen = choices.iter().find(|(name, _)| *name == written).map(|(_, value)| *value);
    if chosen.is_none() {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let near = nearest(&written, names.iter().copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` is not one of `{}`", shorten(&written), names.join("`, `"));
        report.problem(at, message, hint.as_deref());
    }
    chosen
}

fn text<'a>(node: &Node<'a>, at: &At, report: &mut Report) -> Option<Text<'a>> {
    if let Value::Scalar(value) = &node.value {
        return Some(Located { value: value.clone(), at: at.clone() });
    }
    report.problem(at, format!("expected a text, found {}", kind(&node.value)), None);
    None
}

fn unknown_field<'a>(
    name: &str,
    at: &At,
    known: impl Iterator<Item = &'a str> + Clone,
    report: &mut Report,
) {
    let hint = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the fields are `{}`", known.collect::<Vec<_>>().join("`, `")),
    };
    report.problem(at, format!("the field `{}` is not known", shorten(name)), Some(&hint));
}

fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Mapping(_) => "a mapping",
        Value::Null => "nothing",
        Value::Scalar(_) => "a single value",
        Value::Sequence(_) => "a list",
    }
}

/// User text fit for a message: escaped, and not longer than a line.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 120;
    let escaped: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() { format!("{escaped}…") } else { escaped }
}

/// Levenshtein distance, for `did you mean`.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut previous = index + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let cost = if from == *to { diagonal } else { diagonal.min(previous).min(*cell) + 1 };
            diagonal = *cell;
            previous = cost;
            *cell = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
