//! Overrides: rules for some namespaces. The first whose globs match a namespace applies.

use std::collections::HashMap;

use super::lists::{self, Lists};
use super::rules;
use crate::policy::judge::policy::Override;
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::syntax::check_namespace_glob;
use crate::policy::problem::{At, Report, shorten};
use crate::policy::read::source::{RawOverride, Text};
use crate::policy::rules::fields::Rules;

/// Compiled overrides, with the indexes that find one by namespace and by name.
pub(super) struct Compiled {
    pub(super) overrides: Vec<Override>,
    pub(super) by_namespace: PatternIndex,
    pub(super) by_name: HashMap<Box<str>, usize>,
}

/// Compiles the overrides of a policy over its base rules.
pub(super) fn compile(
    raw: &[RawOverride<'_>],
    base: &Rules,
    lists: &mut Lists,
    report: &mut Report,
) -> Compiled {
    let mut compiled = Compiled {
        overrides: Vec::with_capacity(raw.len()),
        by_namespace: PatternIndex::default(),
        by_name: HashMap::new(),
    };
    for (position, each) in raw.iter().enumerate() {
        let rules = rules::over(&each.rules, base, lists, report);
        let name = name(each.name.as_ref(), &each.at, "override", report).unwrap_or_default();
        if compiled.by_name.insert(name.as_str().into(), position).is_some() && !name.is_empty() {
            let at = each.name.as_ref().map_or(&each.at, |name| &name.at);
            report.problem(at, format!("the name `{name}` is given to two overrides"), None);
        }
        if let Some(namespaces) = &each.namespaces {
            if namespaces.items.is_empty() {
                let hint = "leave `namespaces` out for an override that only a path names";
                report.problem(&namespaces.at, "the list of namespaces is empty", Some(hint));
            }
            for (index, item) in namespaces.items.iter().enumerate() {
                match check_namespace_glob(&item.value) {
                    Ok(()) => compiled.by_namespace.insert(&item.value, position),
                    Err(bad) => lists::refuse(namespaces, index, item, bad, report),
                }
            }
        }
        compiled.overrides.push(Override { name, rules });
    }
    compiled.by_namespace.shrink();
    compiled
}

/// A name is required, and fit for a path, a label and a log: as a Kubernetes label of DNS.
pub(super) fn name(
    raw: Option<&Text<'_>>,
    at: &At,
    what: &str,
    report: &mut Report,
) -> Option<String> {
    let Some(name) = raw else {
        let hint = format!("write `name: …` for this {what}");
        report.problem(at, format!("the {what} has no name"), Some(&hint));
        return None;
    };
    let text = &*name.value;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let well_formed = (1..=63).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if !well_formed {
        let hint = "a name has at most 63 lower-case letters, digits and `-`";
        report.problem(&name.at, format!("`{}` is not a name", shorten(text)), Some(hint));
        return None;
    }
    Some(text.to_owned())
}
