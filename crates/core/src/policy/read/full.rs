//! The full form: `policy.yaml` and `candidate.yaml`.
//!
//! Reads a located tree into the raw types, field by field, so that every unknown field and every
//! value of the wrong kind is reported at its own place, all at once.

use crate::policy::judge::rules::ShortNames;
use crate::policy::judge::verdict::{Mode, TemplateMode, UpdateScope};
use crate::policy::problem::{At, Problem, Report, nearest, shorten};
use crate::policy::read::source::{
    Item, Located, RawExemption, RawOptOut, RawOverride, RawPolicy, RawRules, Text, Texts,
};
use crate::policy::read::yaml::{self, Malformed, Node, Value};

/// Reads a document of the full form.
pub(in crate::policy) fn read<'a>(
    document: &'static str,
    bytes: &'a [u8],
    report: &mut Report,
) -> RawPolicy<'a> {
    let mut policy = RawPolicy::default();
    let Ok(text) = std::str::from_utf8(bytes) else {
        report.push(Problem::of_document(document, "the document is not UTF-8 text"));
        return policy;
    };
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(Malformed { message, place, hint }) => {
            report.problem(&At::new(document, "", place), message, hint);
            return policy;
        }
    };
    let top = At::new(document, "", Some(root.place));
    let entries = match root.value.owned() {
        Value::Mapping(entries) => entries,
        Value::Null => {
            let hint = "write at least `allowedRegistries`, or remove the key";
            report.problem(&top, "the policy is empty", Some(hint));
            return policy;
        }
        Value::Scalar(_) | Value::Sequence(_) | Value::Shared(_) => {
            report.problem(&top, "a policy is a mapping of fields", None);
            return policy;
        }
    };
    for (key, node) in entries {
        let at = top.field(&key.name, node.place);
        match &*key.name {
            "overrides" => policy.overrides = overrides(node, &at, report),
            "exemptions" => policy.exemptions = exemptions(node, &at, report),
            "namespaceOptOut" => {
                policy.namespace_opt_out = Some(opt_out(node, &at, report));
            }
            name if RULE_FIELDS.contains(&name) => {
                rule(name, &mut policy.rules, node, &at, report);
            }
            name => {
                let known = RULE_FIELDS.into_iter().chain(POLICY_FIELDS);
                unknown_field(name, &top.at(key.place), known, report);
            }
        }
    }
    policy
}

/// More overrides than this are a mistake.
pub(in crate::policy) const MOST_OVERRIDES: usize = 10_000;
/// Each exemption is a metric series, so their number is bounded.
pub(in crate::policy) const MOST_EXEMPTIONS: usize = 1_000;

/// Fields that a policy and an override share.
pub(in crate::policy) const RULE_FIELDS: [&str; 12] = [
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
    "denialWarnings",
    "denialHint",
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

/// Reads a field of the rules.
fn rule<'a>(name: &str, rules: &mut RawRules<'a>, node: Node<'a>, at: &At, report: &mut Report) {
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
        "denialWarnings" => rules.denial_warnings = choice(node, at, &BOOLEANS, report),
        "denialHint" => rules.denial_hint = text(node, at, report),
        _ => {}
    }
}

fn overrides<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Vec<RawOverride<'a>> {
    let mut overrides = Vec::new();
    for (at, entries) in mappings(node, at, "overrides", MOST_OVERRIDES, report) {
        let mut read = RawOverride {
            at: at.clone(),
            name: None,
            namespaces: None,
            rules: RawRules::default(),
        };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            match &*key.name {
                "name" => read.name = text(node, &field, report),
                "namespaces" => read.namespaces = texts(node, &field, report),
                name if RULE_FIELDS.contains(&name) => {
                    rule(name, &mut read.rules, node, &field, report);
                }
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
    for (at, entries) in mappings(node, at, "exemptions", MOST_EXEMPTIONS, report) {
        let mut read = RawExemption {
            at: at.clone(),
            name: None,
            images: None,
            namespaces: None,
            users: None,
            groups: None,
            service_accounts: None,
            reason: None,
            owner: None,
            expires: None,
        };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            match &*key.name {
                "name" => read.name = text(node, &field, report),
                "images" => read.images = texts(node, &field, report),
                "namespaces" => read.namespaces = texts(node, &field, report),
                "users" => read.users = texts(node, &field, report),
                "groups" => read.groups = texts(node, &field, report),
                "serviceAccounts" => read.service_accounts = texts(node, &field, report),
                "reason" => read.reason = text(node, &field, report),
                "owner" => read.owner = text(node, &field, report),
                "expires" => read.expires = text(node, &field, report),
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
    let entries = match node.value.owned() {
        Value::Mapping(entries) => entries,
        other => {
            report.problem(at, format!("expected a mapping, found {}", kind(&other)), None);
            return opt_out;
        }
    };
    for (key, node) in entries {
        let field = at.field(&key.name, node.place);
        match &*key.name {
            "users" => opt_out.users = texts(node, &field, report),
            "groups" => opt_out.groups = texts(node, &field, report),
            name => {
                let at = at.at(key.place);
                unknown_field(name, &at, OPT_OUT_FIELDS.into_iter(), report);
            }
        }
    }
    opt_out
}

/// The keys and values of a mapping.
type Mapping<'a> = Box<[(yaml::Key<'a>, Node<'a>)]>;

/// The mappings of a list; none where there are more than `most`, before any of them is read.
fn mappings<'a>(
    node: Node<'a>,
    at: &At,
    what: &str,
    most: usize,
    report: &mut Report,
) -> Vec<(At, Mapping<'a>)> {
    let items = match node.value.owned() {
        Value::Sequence(items) => items,
        other => {
            report.problem(at, format!("expected a list, found {}", kind(&other)), None);
            Box::default()
        }
    };
    let items = match items.get(most) {
        Some(first_too_many) => {
            let message = format!("{} {what} are more than the limit of {most}", items.len());
            report.problem(&at.item(most, first_too_many.place), message, None);
            Box::default()
        }
        None => items,
    };
    let mut mappings = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let at = at.item(index, item.place);
        match item.value.owned() {
            Value::Mapping(entries) => mappings.push((at, entries)),
            other => {
                report.problem(&at, format!("expected a mapping, found {}", kind(&other)), None);
            }
        }
    }
    mappings
}

fn texts<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Option<Texts<'a>> {
    let items = match node.value.owned() {
        Value::Sequence(items) => items,
        other => {
            let hint = "write a list, such as `[docker.io, gcr.io]`";
            report.problem(at, format!("expected a list, found {}", kind(&other)), Some(hint));
            return None;
        }
    };
    let mut texts = Vec::with_capacity(items.len());
    for (index, Node { place, value }) in items.into_iter().enumerate() {
        match value.owned() {
            Value::Scalar(value) => texts.push(Item { value, place }),
            _ if report.counts_only() => {}
            other => report.problem(&at.item(index, place), expected_text(&other), None),
        }
    }
    Some(Texts { items: texts, at: at.clone() })
}

const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
pub(in crate::policy) const MODES: [(&str, Mode); 3] =
    [("enforce", Mode::Enforce), ("warn", Mode::Warn), ("audit", Mode::Audit)];
pub(in crate::policy) const SHORT_NAMES: [(&str, ShortNames); 2] =
    [("deny", ShortNames::Deny), ("dockerHub", ShortNames::DockerHub)];
pub(in crate::policy) const TEMPLATES: [(&str, TemplateMode); 3] = [
    ("enforce", TemplateMode::Enforce),
    ("warn", TemplateMode::Warn),
    ("ignore", TemplateMode::Ignore),
];
pub(in crate::policy) const UPDATES: [(&str, UpdateScope); 2] =
    [("changed", UpdateScope::Changed), ("all", UpdateScope::All)];

fn choice<T: Copy>(
    node: Node<'_>,
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

fn text<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Option<Text<'a>> {
    match node.value.owned() {
        Value::Scalar(value) => Some(Located { value, at: at.clone() }),
        other => {
            report.problem(at, expected_text(&other), None);
            None
        }
    }
}

fn expected_text(found: &Value<'_>) -> String {
    format!("expected a text, found {}", kind(found))
}

fn unknown_field<'a>(
    name: &str,
    at: &At,
    known: impl Iterator<Item = &'a str> + Clone,
    report: &mut Report,
) {
    if report.counts_only() {
        return;
    }
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
        Value::Shared(shared) => kind(shared),
    }
}
