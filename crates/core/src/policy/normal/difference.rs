//! What changed between two policies, in words, and whether it loosens.
//!
//! Compares the normal forms field by field. Where it cannot tell whether a change loosens, it
//! says that it does: the flag is there to make somebody look. For the same reason no number of
//! other changes can hide one that loosens: those come first, what concerns the whole cluster
//! before the overrides, and what is not shown is counted.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use crate::policy::judge::policy::Policy;
use crate::policy::printable::printable;
use crate::policy::problem::shorten;
use crate::policy::read::full::RULE_FIELDS;

/// More changes than this are counted only: a line of the log stays a line.
const MOST_CHANGES: usize = 40;
/// More items than this of one list are counted only.
const MOST_ITEMS: usize = 10;

/// All changes from one policy to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// At most 40 changes: those that loosen, then the others. Each in the order base,
    /// `namespaceOptOut`, exemptions, overrides.
    pub changes: Vec<Change>,
    /// How many changes are not among them.
    pub left_out: usize,
    /// How many of those loosen.
    pub left_out_loosening: usize,
    /// Whether any change lets something through that was refused before.
    pub loosens: bool,
}

/// One change, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// For people: `allowedRegistries: +quay.io -gcr.io`.
    pub text: String,
    /// Whether this change lets something through that was refused before.
    pub loosens: bool,
}

impl Difference {
    /// The changes from `old` to `new`.
    #[must_use]
    pub fn between(old: &Policy, new: &Policy) -> Self {
        let mut difference = Self::default();
        let (old, new) = (fields_of(old.to_json()), fields_of(new.to_json()));
        for field in RULE_FIELDS {
            difference.rule("", field, value(&old, field), value(&new, field));
        }
        for field in ["users", "groups"] {
            let (before, after) = (opted_out(&old, field), opted_out(&new, field));
            let (added, removed) = changed_items(&before, &after);
            let loosens = !added.is_empty();
            difference.list(&format!("namespaceOptOut.{field}"), &added, &removed, loosens);
        }
        difference.named("exemptions", &old, &new, |name, before, after, difference| {
            difference.exemption(name, before, after);
        });
        difference.named("overrides", &old, &new, |name, before, after, difference| {
            difference.overrides(name, (before, &old), (after, &new));
        });
        difference.loosening_first();
        difference
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn push(&mut self, text: String, loosens: bool) {
        self.loosens |= loosens;
        // As many of either kind; which ones stay is known at the end.
        let alike = self.changes.iter().filter(|change| change.loosens == loosens).count();
        if alike < MOST_CHANGES {
            self.changes.push(Change { text, loosens });
        } else {
            self.left_out += 1;
            self.left_out_loosening += usize::from(loosens);
        }
    }

    fn loosening_first(&mut self) {
        self.changes.sort_by_key(|change| !change.loosens);
        self.left_out += self.changes.len().saturating_sub(MOST_CHANGES);
        self.changes.truncate(MOST_CHANGES);
    }

    /// Compares one field of the rules.
    fn rule(&mut self, prefix: &str, field: &str, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        let name = format!("{prefix}{field}");
        if let (Value::Array(_), Value::Array(_)) = (old, new) {
            let (old, new) = (items(old), items(new));
            let (added, removed) = changed_items(&old, &new);
            if added.is_empty() && removed.is_empty() {
                self.push(format!("{name}: reordered"), false);
            }
            let loosens = match field {
                "blockedRegistries" | "blockedTags" => !removed.is_empty(),
                // An empty list of allowed tags allows every tag.
                "allowedTags" => !old.is_empty() && (new.is_empty() || !added.is_empty()),
                _ => !added.is_empty(),
            };
            self.list(&name, &added, &removed, loosens);
        } else {
            let text = format!("{name}: {} → {}", shown(old), shown(new));
            self.push(text, loosens(field, old, new));
        }
    }

    fn list(&mut self, name: &str, added: &[&str], removed: &[&str], loosens: bool) {
        if added.is_empty() && removed.is_empty() {
            return;
        }
        let marked = added.iter().map(|item| ('+', item)).chain(removed.iter().map(|i| ('-', i)));
        let mut text = format!("{name}:");
        for (mark, item) in marked.take(MOST_ITEMS) {
            text.push(' ');
            text.push(mark);
            text.push_str(&printable(item));
        }
        let total = added.len() + removed.len();
        if total > MOST_ITEMS {
            let _ = write!(text, " and {} more", total - MOST_ITEMS);
        }
        self.push(text, loosens);
    }

    /// Compares lists of named mappings: `visit` gets the name with what stood there before and
    /// stands there after.
    fn named<'p>(
        &mut self,
        field: &str,
        old: &'p Map<String, Value>,
        new: &'p Map<String, Value>,
        visit: impl Fn(&str, Option<&Value>, Option<&Value>, &mut Self),
    ) {
        let entries = |policy| mappings(value(policy, field));
        let (old, new): (Vec<_>, Vec<_>) = (entries(old), entries(new));
        let positions = |list: &[(&'p str, &Value)]| -> HashMap<&'p str, usize> {
            list.iter().enumerate().map(|(position, (name, _))| (*name, position)).collect()
        };
        let (old_positions, new_positions) = (positions(&old), positions(&new));
        for (name, before) in &old {
            if !new_positions.contains_key(name) {
                visit(name, Some(before), None, self);
            }
        }
        let mut kept = Vec::new();
        for (name, after) in &new {
            let before = old_positions.get(name).copied();
            kept.extend(before);
            let before = before.and_then(|position| old.get(position)).map(|(_, value)| *value);
            if before != Some(after) {
                visit(name, before, Some(after), self);
            }
        }
        if !kept.is_sorted() {
            self.push(format!("{field}: reordered"), true);
        }
    }

    /// An override that appears or disappears is compared with the base, which judged, or will
    /// judge, its namespaces otherwise.
    fn overrides(
        &mut self,
        name: &str,
        (before, old): (Option<&Value>, &Map<String, Value>),
        (after, new): (Option<&Value>, &Map<String, Value>),
    ) {
        let prefix = format!("overrides[{name}].");
        match (before, after) {
            (None, Some(_)) => self.push(format!("overrides: +{name}"), false),
            (Some(_), None) => self.push(format!("overrides: -{name}"), false),
            _ => {}
        }
        let effective = |each: Option<&Value>, base: &Map<String, Value>, field: &str| {
            each.and_then(|each| each.get(field)).unwrap_or(value(base, field)).clone()
        };
        for field in RULE_FIELDS {
            let named = |each: Option<&Value>| each.is_some_and(|each| each.get(field).is_some());
            if named(before) || named(after) {
                let (old, new) = (effective(before, old, field), effective(after, new, field));
                self.rule(&prefix, field, &old, &new);
            }
        }
        if let (Some(before), Some(after)) = (before, after) {
            let (added, removed) =
                changed_items(&items(&before["namespaces"]), &items(&after["namespaces"]));
            self.list(&format!("{prefix}namespaces"), &added, &removed, true);
        }
    }

    fn exemption(&mut self, name: &str, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (None, _) => self.push(format!("exemptions: +{name}"), true),
            (_, None) => self.push(format!("exemptions: -{name}"), false),
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                let fields: HashSet<_> = before.keys().chain(after.keys()).collect();
                let mut fields: Vec<_> = fields.into_iter().collect();
                fields.sort();
                for field in fields {
                    let (old, new) = (value(before, field), value(after, field));
                    if old != new {
                        let harmless = field == "owner" || field == "reason";
                        let text =
                            format!("exemptions[{name}].{field}: {} → {}", shown(old), shown(new));
                        self.push(text, !harmless);
                    }
                }
            }
            _ => {}
        }
    }
}

impl fmt::Display for Difference {
    /// One line: the changes joined by `; `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.changes.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            f.write_str(&change.text)?;
        }
        if self.left_out > 0 {
            write!(f, "; and {} more", self.left_out)?;
        }
        if self.left_out_loosening > 0 {
            write!(f, ", of which {} loosen", self.left_out_loosening)?;
        }
        Ok(())
    }
}

/// Whether a field of the rules that is no list refuses less than before.
fn loosens(field: &str, old: &Value, new: &Value) -> bool {
    // From the strictest to the laxest.
    let scale: &[&str] = match field {
        "mode" => &["enforce", "warn", "audit"],
        "templates" => &["enforce", "warn", "ignore"],
        "shortNames" => &["deny", "dockerHub"],
        "updates" => &["all", "changed"],
        // Words beside a denial.
        "denialWarnings" | "denialHint" => return false,
        // A tag or a digest is required no more.
        _ => return old == &Value::Bool(true),
    };
    let place = |value: &Value| scale.iter().position(|name| value == *name);
    place(new) > place(old)
}

/// The items that only `new` has, and those that only `old` has.
fn changed_items<'a>(old: &[&'a str], new: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    // An edit of a long list leaves most of it in place: only what differs between the ends that
    // both lists share is looked up, be it in those ends.
    let same = |(old, new): &(&&str, &&str)| old == new;
    let start = old.iter().zip(new).take_while(same).count();
    let (common, old) = old.split_at(start);
    let (_, new) = new.split_at(start);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, common_end) = old.split_at(old.len() - end);
    let (new, _) = new.split_at(new.len() - end);
    let common: HashSet<_> = common.iter().chain(common_end).collect();
    let only = |these: &[&'a str], those: &[&'a str]| {
        let those: HashSet<_> = those.iter().collect();
        let is_new = |item: &&&str| !those.contains(*item) && !common.contains(*item);
        these.iter().filter(is_new).copied().collect()
    };
    (only(new, old), only(old, new))
}

fn fields_of(json: &str) -> Map<String, Value> {
    // A normal form is a JSON object by construction.
    serde_json::from_str(json).unwrap_or_default()
}

fn value<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a Value {
    fields.get(name).unwrap_or(&Value::Null)
}

fn opted_out<'a>(policy: &'a Map<String, Value>, field: &str) -> Vec<&'a str> {
    value(policy, "namespaceOptOut").get(field).map_or_else(Vec::new, items)
}

fn items(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn mappings(value: &Value) -> Vec<(&str, &Value)> {
    let entries = value.as_array().into_iter().flatten();
    entries.filter_map(|each| Some((each.get("name")?.as_str()?, each))).collect()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    shorten(&text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::changed_items;

    fn only<'a>(of: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
        of.iter().filter(|item| !other.contains(item)).copied().collect()
    }

    proptest! {
        #[test]
        fn agrees_with_plain_sets(
            old in proptest::collection::vec("[abcd]", 0..8),
            new in proptest::collection::vec("[abcd]", 0..8),
        ) {
            let old: Vec<&str> = old.iter().map(String::as_str).collect();
            let new: Vec<&str> = new.iter().map(String::as_str).collect();
            prop_assert_eq!(changed_items(&old, &new), (only(&new, &old), only(&old, &new)));
        }
    }
}
