//! What changed between two policies, in words, and whether it loosens.
//!
//! Compares the normal forms field by field. Where it cannot tell whether a change loosens, it
//! says that it does: the flag is there to make somebody look. For the same reason no number of
//! other changes can hide one that loosens: those come first, what concerns the whole cluster
//! before the overrides, and what is not shown is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{self, Write as _};

use crate::policy::judge::policy::Policy;
use crate::policy::judge::registries::{AllowedRegistries, Entry};
use crate::policy::normal::form::Fields;
use crate::policy::normal::sharing::{in_both, may_share};
use crate::policy::printable::printable;
use crate::policy::problem::shorten;
use crate::policy::read::selector::SELECTOR_FIELDS;
use crate::policy::rules::fields::{FIELDS, Loosens, RuleField};
use crate::policy::rules::value::Value;

/// More changes than this are counted only: a line of the log stays a line.
const MOST_CHANGES: usize = 40;
/// More items than this of one list are counted only.
const MOST_ITEMS: usize = 10;

/// All changes from one policy to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// At most 40 changes: those that loosen, then the others. Each in the order base,
    /// `namespaceOptOut`, `refuseEditsThatDeny`, `workloads`, exemptions, overrides.
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
        let (old, new) = (old.normal_form(), new.normal_form());
        difference.rules("", |_| true, |name| old.base.get(name), |name| new.base.get(name));
        for field in ["users", "groups"] {
            let (before, after) = (old.opt_out.items(field), new.opt_out.items(field));
            let (added, removed) = changed_items(&before, &after);
            let loosens = !added.is_empty();
            difference.list(&format!("namespaceOptOut.{field}"), &added, &removed, loosens);
        }
        difference.limit(old.refuse_edits_that_deny.as_ref(), new.refuse_edits_that_deny.as_ref());
        difference.workloads(&old.workloads, &new.workloads);
        let (before, after) = (&old.exemptions, &new.exemptions);
        difference.named("exemptions", before, after, |name, before, after, difference| {
            difference.exemption(name, before, after);
        });
        let (before, after) = (&old.overrides, &new.overrides);
        let (kept, still) = (in_both(before, after), in_both(after, before));
        difference.named("overrides", before, after, |name, gone, come, difference| {
            // It takes requests from those behind it, or leaves them to those.
            let hands_over = match (gone, come) {
                (None, Some(come)) => may_share(come, after, &still),
                (Some(gone), None) => may_share(gone, before, &kept),
                _ => false,
            };
            difference.overrides(name, (gone, &old.base), (come, &new.base), hands_over);
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

    /// Compares the fields of the rules that `is_written` knows; `old` and `new` find what is in force of
    /// a field.
    fn rules<'v>(
        &mut self,
        prefix: &str,
        is_written: impl Fn(&str) -> bool,
        old: impl Fn(&str) -> Option<&'v Value>,
        new: impl Fn(&str) -> Option<&'v Value>,
    ) {
        for field in FIELDS.iter().filter(|field| is_written(field.name)) {
            let (before, after) = (old(field.name), new(field.name));
            self.rule(prefix, field, before, after);
            if let (Some(Value::Registries(before)), Some(Value::Registries(after))) =
                (before, after)
                && (before.have_own_rules() || after.have_own_rules())
            {
                let prefix = format!("{prefix}{}", field.name);
                self.entries(&prefix, (before, &old), (after, &new));
            }
        }
    }

    /// Compares the rules that entries of the allowed registries have of their own. What an entry leaves
    /// out, and what is said of a registry that has no entry, comes from the rules around it.
    fn entries<'v>(
        &mut self,
        prefix: &str,
        (before, old): (&AllowedRegistries, &impl Fn(&str) -> Option<&'v Value>),
        (after, new): (&AllowedRegistries, &impl Fn(&str) -> Option<&'v Value>),
    ) {
        fn by_name(registries: &AllowedRegistries) -> BTreeMap<&str, &Entry> {
            let named = registries.entries();
            named.map(|(at, entry)| (registries.written().get(at), entry)).collect()
        }
        let (before, after) = (by_name(before), by_name(after));
        let registries: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for registry in registries {
            let (before, after) = (before.get(registry), after.get(registry));
            if before == after {
                continue;
            }
            let prefix = format!("{prefix}[{}].", shorten(registry));
            let fields = |entry: Option<&&Entry>| -> BTreeMap<&str, Value> {
                entry.map(|entry| entry.fields().into_iter().collect()).unwrap_or_default()
            };
            let (before, after) = (fields(before), fields(after));
            for field in &FIELDS {
                if before.contains_key(field.name) || after.contains_key(field.name) {
                    let before = before.get(field.name).or_else(|| old(field.name));
                    let after = after.get(field.name).or_else(|| new(field.name));
                    self.rule(&prefix, field, before, after);
                }
            }
            for field in ["message", "reason"] {
                let (before, after) = (before.get(field), after.get(field));
                if before != after {
                    let text = format!("{prefix}{field}: {} → {}", shown(before), shown(after));
                    self.push(text, false);
                }
            }
        }
    }

    /// Compares one field of the rules.
    fn rule(&mut self, prefix: &str, field: &RuleField, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let name = format!("{prefix}{}", field.name);
        if let (Some(written), Some(new_written)) =
            (old.and_then(Value::items), new.and_then(Value::items))
        {
            // Then an entry may leave its images to one that is less strict.
            let leaves_to_entry =
                matches!(new, Some(Value::Registries(new)) if new.have_own_rules());
            let (old, new): (Vec<_>, Vec<_>) =
                (written.iter().collect(), new_written.iter().collect());
            let (added, removed) = changed_items(&old, &new);
            if added.is_empty() && removed.is_empty() && written != new_written {
                self.push(format!("{name}: reordered"), leaves_to_entry);
            }
            let loosens = match field.loosens {
                Loosens::AddedItem | Loosens::LaxerValue => !added.is_empty() || leaves_to_entry,
                Loosens::RemovedItem => !removed.is_empty(),
                Loosens::AddedItemOrNone => {
                    !old.is_empty() && (new.is_empty() || !added.is_empty())
                }
                Loosens::Never => false,
            };
            self.list(&name, &added, &removed, loosens);
        } else {
            let text = format!("{name}: {} → {}", shown(old), shown(new));
            // What the normal form leaves out is at its laxest.
            let laxity = |value: Option<&Value>| value.map_or(Some(usize::MAX), Value::laxity);
            // Short names that were another registry's images were under other entries and exemptions.
            let renames = matches!(old, Some(Value::Field(..)));
            // Nothing is stricter than the first choice.
            let is_laxer = laxity(new) != Some(0)
                && laxity(old).zip(laxity(new)).is_none_or(|(old, new)| new > old);
            let loosens = field.loosens != Loosens::Never && (renames || is_laxer);
            self.push(text, loosens);
        }
    }

    /// A limit on edits that goes away or grows lets an edit through that was refused before.
    fn limit(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let limit = |value: Option<&Value>| match value {
            Some(Value::Count(count)) => *count,
            _ => u32::MAX,
        };
        if old != new {
            let text = format!("refuseEditsThatDeny: {} → {}", shown(old), shown(new));
            self.push(text, limit(new) > limit(old));
        }
    }

    /// A kind that is no longer judged lets through what was refused before.
    fn workloads(&mut self, old: &[Fields], new: &[Fields]) {
        let shown = |each: &Fields| {
            let field = |name| match each.get(name) {
                Some(Value::Text(text)) => &**text,
                _ => "",
            };
            format!("{}/{}:{}", field("group"), field("kind"), field("podSpec"))
        };
        let old: Vec<String> = old.iter().map(shown).collect();
        let new: Vec<String> = new.iter().map(shown).collect();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let (added, removed) = changed_items(&old, &new);
        self.list("workloads", &added, &removed, !removed.is_empty());
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
        old: &'p [Fields],
        new: &'p [Fields],
        visit: impl Fn(&str, Option<&Fields>, Option<&Fields>, &mut Self),
    ) {
        let positions = |list: &'p [Fields]| -> HashMap<&'p str, usize> {
            list.iter().enumerate().map(|(position, each)| (each.name(), position)).collect()
        };
        let (old_positions, new_positions) = (positions(old), positions(new));
        for before in old {
            if !new_positions.contains_key(before.name()) {
                visit(before.name(), Some(before), None, self);
            }
        }
        let mut kept = Vec::new();
        for after in new {
            let before = old_positions.get(after.name()).copied();
            kept.extend(before);
            let before = before.and_then(|position| old.get(position));
            if before != Some(after) {
                visit(after.name(), before, Some(after), self);
            }
        }
        if !kept.is_sorted() {
            self.push(format!("{field}: reordered"), true);
        }
    }

    /// An override that appears or disappears is compared with the base, which judged, or will
    /// judge, its requests otherwise; unless it `hands_over` some to or from another override.
    fn overrides<'p>(
        &mut self,
        name: &str,
        (before, old): (Option<&'p Fields>, &'p Fields),
        (after, new): (Option<&'p Fields>, &'p Fields),
        hands_over: bool,
    ) {
        let prefix = format!("overrides[{name}].");
        match (before, after) {
            (None, Some(_)) => self.push(format!("overrides: +{name}"), hands_over),
            (Some(_), None) => self.push(format!("overrides: -{name}"), hands_over),
            _ => {}
        }
        let named = |each: Option<&'p Fields>, name: &str| each.and_then(|each| each.get(name));
        self.rules(
            &prefix,
            |name| named(before, name).or(named(after, name)).is_some(),
            |name| named(before, name).or(old.get(name)),
            |name| named(after, name).or(new.get(name)),
        );
        if let (Some(before), Some(after)) = (before, after) {
            let (added, removed) =
                changed_items(&before.items("namespaces"), &after.items("namespaces"));
            self.list(&format!("{prefix}namespaces"), &added, &removed, true);
            // Nor can be told whom another selector leaves to which rules.
            for field in SELECTOR_FIELDS {
                let (before, after) = (before.get(field), after.get(field));
                if before != after {
                    let text = format!("{prefix}{field}: {} → {}", shown(before), shown(after));
                    self.push(text, true);
                }
            }
        }
    }

    fn exemption(&mut self, name: &str, before: Option<&Fields>, after: Option<&Fields>) {
        match (before, after) {
            (None, _) => self.push(format!("exemptions: +{name}"), true),
            (_, None) => self.push(format!("exemptions: -{name}"), false),
            (Some(before), Some(after)) => {
                let fields = before.iter().chain(after.iter()).map(|(field, _)| field);
                for field in fields.collect::<BTreeSet<_>>() {
                    let (old, new) = (before.get(field), after.get(field));
                    if old != new {
                        let harmless = field == "owner" || field == "reason";
                        let text =
                            format!("exemptions[{name}].{field}: {} → {}", shown(old), shown(new));
                        self.push(text, !harmless);
                    }
                }
            }
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

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::Text(text)) if text.is_empty() => "none".to_owned(),
        Some(Value::Text(text)) => shorten(text),
        Some(Value::Choice { name, .. }) => (*name).to_owned(),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::Count(count)) => count.to_string(),
        Some(
            value @ (Value::Field(..)
            | Value::Items(_)
            | Value::Messages(_)
            | Value::PodSelector(_)
            | Value::Registries(_)),
        ) => shorten(&serde_json::to_string(value).unwrap_or_default()),
    }
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
