//! What an override or an exemption is limited to, as written: `podSelector`, `containers`, `kinds`.

use crate::policy::problem::{At, Report};
use crate::policy::read::full::{Mapping, mapping, mappings, unknown_field};
use crate::policy::read::source::{Located, Text, Texts};
use crate::policy::read::values::{text, texts};
use crate::policy::read::yaml::Node;

/// The limits; `None` where a field was left out.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawSelector<'a> {
    pub(in crate::policy) pods: Option<Located<RawPodSelector<'a>>>,
    pub(in crate::policy) containers: Option<Texts<'a>>,
    pub(in crate::policy) kinds: Option<Texts<'a>>,
}

/// Conditions on labels.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawPodSelector<'a> {
    /// Each label with its value; the place of the first is that of the key.
    pub(in crate::policy) labels: Option<Located<Vec<(Text<'a>, Text<'a>)>>>,
    pub(in crate::policy) expressions: Option<Located<Vec<RawRequirement<'a>>>>,
}

/// One condition.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RawRequirement<'a> {
    pub(in crate::policy) at: At,
    pub(in crate::policy) key: Option<Text<'a>>,
    pub(in crate::policy) operator: Option<Text<'a>>,
    pub(in crate::policy) values: Option<Texts<'a>>,
}

/// The fields of a selector, in the order in which they are documented.
pub(in crate::policy) const SELECTOR_FIELDS: [&str; 3] = ["podSelector", "containers", "kinds"];
pub(in crate::policy) const POD_SELECTOR_FIELDS: [&str; 2] = ["matchLabels", "matchExpressions"];
pub(in crate::policy) const REQUIREMENT_FIELDS: [&str; 3] = ["key", "operator", "values"];
/// Conditions of one selector: each is looked at for each request.
const MOST_EXPRESSIONS: usize = 32;

impl<'a> RawSelector<'a> {
    /// Reads one of [`SELECTOR_FIELDS`].
    pub(in crate::policy) fn read(
        &mut self,
        name: &str,
        node: Node<'a>,
        field: &At,
        report: &mut Report,
    ) {
        match name {
            "podSelector" => self.pods = pod_selector(node, field, report),
            "containers" => self.containers = texts(node, field, report),
            _ => self.kinds = texts(node, field, report),
        }
    }
}

fn pod_selector<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<Located<RawPodSelector<'a>>> {
    let mut read = RawPodSelector::default();
    for (key, node) in mapping(node, at, report)? {
        let field = at.field(&key.name, node.place);
        match &*key.name {
            "matchLabels" => {
                let labels = mapping(node, &field, report).map(|it| labels(it, &field, report));
                read.labels = labels.map(|value| Located { value, at: field });
            }
            "matchExpressions" => {
                let listed = mappings(node, &field, "conditions", MOST_EXPRESSIONS, report);
                let value = listed.into_iter().map(|(at, it)| requirement(at, it, report));
                read.expressions = Some(Located { value: value.collect(), at: field });
            }
            name => {
                let known = POD_SELECTOR_FIELDS.into_iter();
                unknown_field(name, &at.at(key.place), known, report);
            }
        }
    }
    Some(Located { value: read, at: at.clone() })
}

fn labels<'a>(entries: Mapping<'a>, at: &At, report: &mut Report) -> Vec<(Text<'a>, Text<'a>)> {
    let mut labels = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let field = at.field(&key.name, node.place);
        if let Some(value) = text(node, &field, report) {
            labels.push((Located { value: key.name, at: at.at(key.place) }, value));
        }
    }
    labels
}

fn requirement<'a>(at: At, entries: Mapping<'a>, report: &mut Report) -> RawRequirement<'a> {
    let mut read = RawRequirement { at, key: None, operator: None, values: None };
    for (key, node) in entries {
        let field = read.at.field(&key.name, node.place);
        match &*key.name {
            "key" => read.key = text(node, &field, report),
            "operator" => read.operator = text(node, &field, report),
            "values" => read.values = texts(node, &field, report),
            name => {
                let at = read.at.at(key.place);
                unknown_field(name, &at, REQUIREMENT_FIELDS.into_iter(), report);
            }
        }
    }
    read
}
