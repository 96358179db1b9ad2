//! The full form: `policy.yaml` and `candidate.yaml`.
//!
//! Reads a located tree into the raw types, field by field, so that every unknown field and every
//! value of the wrong kind is reported at its own place, all at once.

use crate::policy::problem::{At, Problem, Report, nearest, shorten};
use crate::policy::read::selector::SELECTOR_FIELDS;
use crate::policy::read::source::{RawExemption, RawOptOut, RawOverride, RawPolicy, RawWorkload};
use crate::policy::read::values::{count, kind, text, texts};
use crate::policy::read::yaml::{self, Malformed, Node, Value};
use crate::policy::rules::fields::{RawRules, RuleField};

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
            "refuseEditsThatDeny" => {
                policy.refuse_edits_that_deny = count(node, &at, report);
            }
            "workloads" => policy.workloads = workloads(node, &at, report),
            name => {
                if let Some(rule) = RuleField::named(name) {
                    (rule.read)(&mut policy.rules, node, &at, report);
                } else {
                    let known = RuleField::names().chain(POLICY_FIELDS);
                    unknown_field(name, &top.at(key.place), known, report);
                }
            }
        }
    }
    policy
}

/// More overrides than this are a mistake.
pub(in crate::policy) const MOST_OVERRIDES: usize = 10_000;
/// Each exemption is a metric series, so their number is bounded.
pub(in crate::policy) const MOST_EXEMPTIONS: usize = 1_000;
/// They are looked through for each request of a custom resource.
pub(in crate::policy) const MOST_WORKLOADS: usize = 200;

const POLICY_FIELDS: [&str; 5] =
    ["overrides", "exemptions", "namespaceOptOut", "refuseEditsThatDeny", "workloads"];
const OVERRIDE_FIELDS: [&str; 2] = ["name", "namespaces"];
const EXEMPTION_FIELDS: [&str; 10] = [
    "name",
    "images",
    "rules",
    "namespaces",
    "users",
    "groups",
    "serviceAccounts",
    "reason",
    "owner",
    "expires",
];
const OPT_OUT_FIELDS: [&str; 2] = ["users", "groups"];
const WORKLOAD_FIELDS: [&str; 3] = ["group", "kind", "podSpec"];

fn overrides<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Vec<RawOverride<'a>> {
    let mut overrides = Vec::new();
    for (at, entries) in mappings(node, at, "overrides", MOST_OVERRIDES, report) {
        let mut read = RawOverride {
            at: at.clone(),
            name: None,
            namespaces: None,
            selector: None,
            rules: RawRules::default(),
        };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            match &*key.name {
                "name" => read.name = text(node, &field, report),
                "namespaces" => read.namespaces = texts(node, &field, report),
                name if SELECTOR_FIELDS.contains(&name) => {
                    read.selector.get_or_insert_default().read(name, node, &field, report);
                }
                name => {
                    if let Some(rule) = RuleField::named(name) {
                        (rule.read)(&mut read.rules, node, &field, report);
                    } else {
                        let known = OVERRIDE_FIELDS.into_iter().chain(SELECTOR_FIELDS);
                        let known = known.chain(RuleField::names());
                        unknown_field(name, &at.at(key.place), known, report);
                    }
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
            rules: None,
            namespaces: None,
            selector: None,
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
                "rules" => read.rules = texts(node, &field, report),
                "namespaces" => read.namespaces = texts(node, &field, report),
                "users" => read.users = texts(node, &field, report),
                "groups" => read.groups = texts(node, &field, report),
                "serviceAccounts" => read.service_accounts = texts(node, &field, report),
                "reason" => read.reason = text(node, &field, report),
                "owner" => read.owner = text(node, &field, report),
                "expires" => read.expires = text(node, &field, report),
                name if SELECTOR_FIELDS.contains(&name) => {
                    read.selector.get_or_insert_default().read(name, node, &field, report);
                }
                name => {
                    let known = EXEMPTION_FIELDS.into_iter().chain(SELECTOR_FIELDS);
                    unknown_field(name, &at.at(key.place), known, report);
                }
            }
        }
        exemptions.push(read);
    }
    exemptions
}

fn workloads<'a>(node: Node<'a>, at: &At, report: &mut Report) -> Vec<RawWorkload<'a>> {
    let mut workloads = Vec::new();
    for (at, entries) in mappings(node, at, "workloads", MOST_WORKLOADS, report) {
        let mut read = RawWorkload { at: at.clone(), group: None, kind: None, pod_spec: None };
        for (key, node) in entries {
            let field = at.field(&key.name, node.place);
            match &*key.name {
                "group" => read.group = text(node, &field, report),
                "kind" => read.kind = text(node, &field, report),
                "podSpec" => read.pod_spec = text(node, &field, report),
                name => {
                    let at = at.at(key.place);
                    unknown_field(name, &at, WORKLOAD_FIELDS.into_iter(), report);
                }
            }
        }
        workloads.push(read);
    }
    workloads
}

fn opt_out<'a>(node: Node<'a>, at: &At, report: &mut Report) -> RawOptOut<'a> {
    let mut opt_out = RawOptOut::default();
    let Some(entries) = mapping(node, at, report) else { return opt_out };
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
pub(in crate::policy) type Mapping<'a> = Box<[(yaml::Key<'a>, Node<'a>)]>;

/// A mapping; reports anything else.
pub(in crate::policy) fn mapping<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<Mapping<'a>> {
    match node.value.owned() {
        Value::Mapping(entries) => Some(entries),
        other => {
            report.problem(at, format!("expected a mapping, found {}", kind(&other)), None);
            None
        }
    }
}

/// The mappings of a list; none where there are more than `most`, before any of them is read.
pub(in crate::policy) fn mappings<'a>(
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
        mappings.extend(mapping(item, &at, report).map(|entries| (at, entries)));
    }
    mappings
}

/// Reports a field that nobody knows, with the name that was probably meant.
pub(in crate::policy) fn unknown_field<'a>(
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
