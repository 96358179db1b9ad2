//! Overrides: rules for some namespaces, Pods, containers or kinds. The first that matches applies.

use std::collections::HashMap;

use super::lists::{self, Lists};
use super::{rules, selector};
use crate::policy::judge::policy::{Override, Selecting};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::syntax::check_namespace_glob;
use crate::policy::problem::{At, Report, shorten};
use crate::policy::read::source::{RawOverride, RawPolicy, Text};
use crate::policy::rules::fields::Rules;

/// Compiled overrides, with the indexes that find one by namespace and by name.
pub(super) struct Compiled {
    pub(super) overrides: Vec<Override>,
    pub(super) by_namespace: PatternIndex,
    pub(super) selecting: Vec<Selecting>,
    pub(super) by_name: HashMap<Box<str>, usize>,
}

/// Overrides with a selector: each of them is looked at for each request.
const MOST_SELECTING: usize = 1_000;

/// Compiles the overrides of a policy over its base rules.
pub(super) fn compile(
    raw: &RawPolicy<'_>,
    base: &Rules,
    lists: &mut Lists,
    report: &mut Report,
) -> Compiled {
    let RawPolicy { overrides: raw, workloads: named, .. } = raw;
    let mut compiled = Compiled {
        overrides: Vec::with_capacity(raw.len()),
        by_namespace: PatternIndex::default(),
        selecting: Vec::new(),
        by_name: HashMap::new(),
    };
    for (position, each) in raw.iter().enumerate() {
        let rules = rules::over(&each.rules, base, lists, report);
        let name = name(each.name.as_ref(), &each.at, "override", report).unwrap_or_default();
        if compiled.by_name.insert(name.as_str().into(), position).is_some() && !name.is_empty() {
            let at = each.name.as_ref().map_or(&each.at, |name| &name.at);
            report.problem(at, format!("the name `{name}` is given to two overrides"), None);
        }
        let raw = each.selector.as_deref();
        let selector = raw.map(|raw| Box::new(selector::compile(raw, named, report)));
        let is_plain = selector.is_none();
        let mut own = PatternIndex::default();
        let by_namespace = if is_plain { &mut compiled.by_namespace } else { &mut own };
        add_namespaces(each, position, by_namespace, report);
        if !is_plain {
            if compiled.selecting.len() == MOST_SELECTING {
                let message = format!("more than {MOST_SELECTING} overrides have a selector");
                report.problem(&each.at, message, Some("write fewer, or select by namespaces"));
            }
            own.shrink();
            let namespaces = each.namespaces.is_some().then_some(own);
            compiled.selecting.push(Selecting { position, namespaces });
        }
        warn_of_own_choice(each, report);
        compiled.overrides.push(Override { name, rules, selector });
    }
    compiled.by_namespace.shrink();
    compiled
}

/// Indexes the namespaces of the override at `position`.
fn add_namespaces(
    raw: &RawOverride<'_>,
    position: usize,
    by_namespace: &mut PatternIndex,
    report: &mut Report,
) {
    let Some(namespaces) = &raw.namespaces else { return };
    if namespaces.items.is_empty() {
        let hint = if raw.selector.is_some() {
            "leave `namespaces` out for every namespace"
        } else {
            "leave `namespaces` out for an override that only a path names"
        };
        report.problem(&namespaces.at, "the list of namespaces is empty", Some(hint));
    }
    for (index, item) in namespaces.items.iter().enumerate() {
        match check_namespace_glob(&item.value) {
            Ok(()) => by_namespace.insert(&item.value, position),
            Err(bad) => lists::refuse(namespaces, index, item, bad, report),
        }
    }
}

/// Whoever creates a Pod labels it.
fn warn_of_own_choice(raw: &RawOverride<'_>, report: &mut Report) {
    let pods = raw.selector.as_ref().and_then(|selector| selector.pods.as_ref());
    if let Some(pods) = pods.filter(|_| raw.namespaces.is_none()) {
        let message =
            "whoever creates a Pod chooses its labels, and so whether this override applies";
        report.warning(&pods.at, message, Some("add `namespaces`, unless that is what is meant"));
    }
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
