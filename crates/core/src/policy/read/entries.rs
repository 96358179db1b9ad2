//! The allowed registries as written: patterns, and mappings that give a pattern rules of its own.

use crate::policy::judge::pull::PullRule;
use crate::policy::judge::verdict::Mode;
use crate::policy::problem::{At, Report};
use crate::policy::read::full::unknown_field;
use crate::policy::read::source::{Item, Located, Text, Texts};
use crate::policy::read::values::{choice, items, kind, text, texts};
use crate::policy::read::yaml::{Key, Node, Value};

/// A list of registries, of which some have rules of their own.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RawRegistries<'a> {
    pub(in crate::policy) patterns: Texts<'a>,
    /// By rising position among the patterns.
    pub(in crate::policy) own: Vec<(u32, RawEntry<'a>)>,
}

/// The rules that an entry has of its own; `None` where a field was left out.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawEntry<'a> {
    pub(in crate::policy) mode: Option<Mode>,
    pub(in crate::policy) blocked_tags: Option<Texts<'a>>,
    pub(in crate::policy) allowed_tags: Option<Texts<'a>>,
    pub(in crate::policy) require_tag: Option<Located<bool>>,
    pub(in crate::policy) require_digest: Option<bool>,
    pub(in crate::policy) pull_rule: Option<PullRule>,
    pub(in crate::policy) message: Option<Text<'a>>,
    pub(in crate::policy) reason: Option<Text<'a>>,
}

/// The fields of an entry, in the order in which they are documented.
pub(in crate::policy) const ENTRY_FIELDS: [&str; 9] = [
    "registry",
    "requireDigest",
    "requireTag",
    "allowedTags",
    "blockedTags",
    "imagePullPolicy",
    "mode",
    "message",
    "reason",
];

/// Reads the list.
pub(in crate::policy) fn registries<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<RawRegistries<'a>> {
    let items = items(node, at, report)?;
    let mut patterns = Vec::with_capacity(items.len());
    let mut own = Vec::new();
    for (index, Node { place, value }) in items.into_iter().enumerate() {
        match value.owned() {
            Value::Scalar(value) => patterns.push(Item { value, place }),
            Value::Mapping(fields) => {
                let Some((item, entry)) = entry(fields, &at.item(index, place), report) else {
                    continue;
                };
                if let Some(entry) = entry {
                    // Documents are far smaller than 4 GiB.
                    own.push((u32::try_from(patterns.len()).unwrap_or(u32::MAX), entry));
                }
                patterns.push(item);
            }
            _ if report.counts_only() => {}
            other => {
                let message = format!("expected a text or a mapping, found {}", kind(&other));
                report.problem(&at.item(index, place), message, None);
            }
        }
    }
    Some(RawRegistries { patterns: Texts { items: patterns, at: at.clone() }, own })
}

/// The pattern of an entry, and its rules where it has any.
fn entry<'a>(
    fields: Box<[(Key<'a>, Node<'a>)]>,
    at: &At,
    report: &mut Report,
) -> Option<(Item<'a>, Option<RawEntry<'a>>)> {
    let mut pattern = None;
    let mut names_one = false;
    let mut read = RawEntry::default();
    let mut has_own = false;
    for (key, node) in fields {
        let field = at.field(&key.name, node.place);
        let place = node.place;
        has_own |= key.name != "registry";
        match &*key.name {
            "registry" => {
                names_one = true;
                let value = text(node, &field, report).map(|text| text.value);
                pattern = value.map(|value| Item { value, place });
            }
            "mode" => read.mode = choice(node, &field, report),
            "blockedTags" => read.blocked_tags = texts(node, &field, report),
            "allowedTags" => read.allowed_tags = texts(node, &field, report),
            "requireTag" => {
                let value = choice(node, &field, report);
                read.require_tag = value.map(|value| Located { value, at: field });
            }
            "requireDigest" => read.require_digest = choice(node, &field, report),
            "imagePullPolicy" => read.pull_rule = choice(node, &field, report),
            "message" => read.message = text(node, &field, report),
            "reason" => read.reason = text(node, &field, report),
            name => unknown_field(name, &at.at(key.place), ENTRY_FIELDS.into_iter(), report),
        }
    }
    if !names_one && !report.counts_only() {
        let hint = "write `registry: gcr.io/acme` beside its rules";
        report.problem(at, "the entry names no registry", Some(hint));
    }
    pattern.map(|pattern| (pattern, has_own.then_some(read)))
}

impl<'a> RawRegistries<'a> {
    /// The lists of tags that entries have of their own.
    pub(in crate::policy) fn tags(&self) -> impl Iterator<Item = &Texts<'a>> {
        self.own.iter().flat_map(|(_, entry)| [&entry.blocked_tags, &entry.allowed_tags]).flatten()
    }
}
