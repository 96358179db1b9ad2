//! The order of the fields, and which mappings take a line for each of them.
//!
//! Fields stand in the order in which they are documented; lists keep theirs, since it is part of the
//! messages, and of overrides the first that matches applies.

use super::comments::split_header;
use super::tree::{Collection, Content, Document, Entry, Node};
use crate::policy::judge::checks::Rule;
use crate::policy::read::entries::ENTRY_FIELDS;
use crate::policy::read::selector::{POD_SELECTOR_FIELDS, REQUIREMENT_FIELDS, SELECTOR_FIELDS};
use crate::policy::rules::fields::RuleField;

/// What a mapping, or each item of a list, is in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Policy,
    Override,
    Exemption,
    RegistryEntry,
    Workload,
    PodSelector,
    Requirement,
    OptOut,
    Messages,
    /// Texts, labels, or what a policy does not have.
    Other,
}

/// Long lists stand at the end, where they hide nothing.
const POLICY_FIELDS: [&str; 5] =
    ["namespaceOptOut", "workloads", "refuseEditsThatDeny", "overrides", "exemptions"];
const OVERRIDE_FIELDS: [&str; 2] = ["name", "namespaces"];
const EXEMPTION_FIELDS: [&str; 4] = ["name", "images", "rules", "namespaces"];
const EXEMPTION_FIELDS_BEHIND_SELECTORS: [&str; 6] =
    ["users", "groups", "serviceAccounts", "reason", "owner", "expires"];
const OPT_OUT_FIELDS: [&str; 2] = ["users", "groups"];
const WORKLOAD_FIELDS: [&str; 3] = ["group", "kind", "podSpec"];
/// Fields whose values are no texts, and so never quoted.
const NOT_TEXTS: [&str; 5] =
    ["denialWarnings", "expires", "refuseEditsThatDeny", "requireDigest", "requireTag"];

impl Place {
    /// What stands at a field of what stands here.
    pub(super) fn field(self, name: &str) -> Self {
        match (self, name) {
            (Self::Policy | Self::Override, "allowedRegistries") => Self::RegistryEntry,
            (Self::Policy | Self::Override, "messages") => Self::Messages,
            (Self::Policy, "overrides") => Self::Override,
            (Self::Policy, "exemptions") => Self::Exemption,
            (Self::Policy, "workloads") => Self::Workload,
            (Self::Policy, "namespaceOptOut") => Self::OptOut,
            (Self::Override | Self::Exemption, "podSelector") => Self::PodSelector,
            (Self::PodSelector, "matchExpressions") => Self::Requirement,
            _ => Self::Other,
        }
    }

    /// Whether each field has a line of its own, however short all of them are.
    pub(super) fn is_spread(self) -> bool {
        matches!(self, Self::Policy | Self::Override | Self::Exemption | Self::Messages)
    }

    /// Whether the value of a field is a number, a date, or true or false.
    pub(super) fn is_bare(self, name: &str) -> bool {
        let has_some =
            matches!(self, Self::Policy | Self::Override | Self::Exemption | Self::RegistryEntry);
        has_some && NOT_TEXTS.contains(&name)
    }

    /// The fields in their order; none where it is the author's.
    pub(super) fn fields(self) -> Vec<&'static str> {
        let rules = RuleField::names();
        match self {
            Self::Policy => rules.chain(POLICY_FIELDS).collect(),
            Self::Override => {
                OVERRIDE_FIELDS.into_iter().chain(SELECTOR_FIELDS).chain(rules).collect()
            }
            Self::Exemption => {
                let behind = EXEMPTION_FIELDS_BEHIND_SELECTORS;
                EXEMPTION_FIELDS.into_iter().chain(SELECTOR_FIELDS).chain(behind).collect()
            }
            Self::RegistryEntry => ENTRY_FIELDS.into(),
            Self::Workload => WORKLOAD_FIELDS.into(),
            Self::PodSelector => POD_SELECTOR_FIELDS.into(),
            Self::Requirement => REQUIREMENT_FIELDS.into(),
            Self::OptOut => OPT_OUT_FIELDS.into(),
            Self::Messages => Rule::ALL.into_iter().map(Rule::as_str).collect(),
            Self::Other => Vec::new(),
        }
    }
}

/// Puts the fields of each mapping in order.
pub(super) fn arrange(document: &mut Document<'_>) {
    let sorts = !document.has_aliases;
    split_header(document);
    node(&mut document.root, Place::Policy, sorts);
    // Another field is the first now, perhaps with comments that stand at the top with it.
    split_header(document);
}

fn node(value: &mut Node<'_>, place: Place, sorts: bool) {
    match &mut value.content {
        Content::Mapping(collection) => mapping(collection, place, sorts),
        Content::Sequence(collection) => {
            for entry in &mut collection.entries {
                node(&mut entry.value, place, sorts);
                hoist(entry);
            }
        }
        Content::Alias(_) | Content::Null | Content::Text(_) => {}
    }
}

fn mapping(collection: &mut Collection<'_>, place: Place, sorts: bool) {
    for entry in &mut collection.entries {
        let place = place.field(entry.name());
        node(&mut entry.value, place, sorts);
    }
    let fields = place.fields();
    if sorts && !fields.is_empty() {
        // What is merged into the mapping comes first, as in the order in which people read it.
        let rank = |entry: &Entry<'_>| fields.iter().position(|name| *name == entry.name());
        collection.entries.sort_by_cached_key(rank);
    }
}

/// Above the first field of an item there is no room: its comments go above the item.
fn hoist(item: &mut Entry<'_>) {
    let Some(collection) = item.value.content.collection_mut() else { return };
    let Some(first) = collection.entries.first_mut() else { return };
    let mut above = std::mem::take(&mut first.head);
    if first.key.is_none() && first.value.content.collection().is_some() {
        // Where it stands is above the item, too.
        above.extend(first.beside.take());
    }
    first.is_apart = false;
    item.head.extend(above);
}

impl Entry<'_> {
    /// The name of the field; empty for the item of a list.
    pub(super) fn name(&self) -> &str {
        let text = self.key.as_ref().and_then(|key| key.text.as_ref());
        text.map_or("", |text| &text.value)
    }
}
