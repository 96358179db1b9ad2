//! What an override or an exemption is limited to.
//!
//! Keys and values of labels follow the rules of
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>:
//! what no label can be would never match, or always.

use std::sync::Arc;

use super::dns::is_dns_name;
use super::lists;
use crate::policy::judge::selector::{
    ContainerKinds, Kind, Operator, PodSelector, Requirement, Selector,
};
use crate::policy::judge::subject::{BUILT_IN_KINDS, ContainerKind};
use crate::policy::pattern::syntax::bad;
use crate::policy::problem::{Report, nearest, shorten};
use crate::policy::read::selector::{RawPodSelector, RawRequirement, RawSelector};
use crate::policy::read::source::{Located, RawWorkload, Text, Texts};

/// Characters of the name of a label, and of its value.
const LONGEST_LABEL: usize = 63;

/// Compiles a selector; `named` are the kinds that the policy names.
pub(super) fn compile(
    raw: &RawSelector<'_>,
    named: &[RawWorkload<'_>],
    report: &mut Report,
) -> Selector {
    let RawSelector { pods, containers: kinds_of_containers, kinds } = raw;
    Selector {
        pods: pods.as_ref().map(|pods| Arc::new(pod_selector(pods, report))),
        containers: kinds_of_containers
            .as_ref()
            .map_or_else(ContainerKinds::default, |kinds| containers(kinds, report)),
        kinds: kinds.as_ref().map(|kinds| kinds_of_objects(kinds, named, report)),
    }
}

fn containers(kinds: &Texts<'_>, report: &mut Report) -> ContainerKinds {
    if kinds.items.is_empty() {
        let hint = "leave `containers` out for every kind of container";
        report.problem(&kinds.at, "the list of containers is empty", Some(hint));
    }
    let mut read = ContainerKinds::NONE;
    for (position, item) in kinds.items.iter().enumerate() {
        if let Some(kind) = ContainerKind::named(&item.value) {
            read = read.with(kind);
            continue;
        }
        let names = ContainerKind::ALL.map(ContainerKind::as_str);
        let bad =
            bad("is not a kind of container", "").with_hint(Some(one_of(&item.value, &names)));
        lists::refuse(kinds, position, item, bad, report);
    }
    read
}

/// Only what is judged can be selected, so that a misspelt kind does not go unnoticed.
fn kinds_of_objects(
    kinds: &Texts<'_>,
    named: &[RawWorkload<'_>],
    report: &mut Report,
) -> Box<[Kind]> {
    if kinds.items.is_empty() {
        let hint = "leave `kinds` out for every kind of object";
        report.problem(&kinds.at, "the list of kinds is empty", Some(hint));
    }
    let known = || {
        let custom = named
            .iter()
            .filter_map(|each| Some((&*each.group.as_ref()?.value, &*each.kind.as_ref()?.value)));
        BUILT_IN_KINDS.into_iter().chain(custom)
    };
    let mut read = Vec::new();
    for (position, item) in kinds.items.iter().enumerate() {
        let (group, kind) = match item.value.rsplit_once('/') {
            Some((group, kind)) => (Some(group), kind),
            None => (None, &*item.value),
        };
        // What is built in comes before a custom resource of the same name.
        let is_built_in = BUILT_IN_KINDS.iter().any(|(_, each)| *each == kind);
        let is_meant = |(known_group, known_kind): &(&str, &str)| {
            *known_kind == kind
                && match group {
                    Some(group) => *known_group == group,
                    None => !is_built_in || BUILT_IN_KINDS.contains(&(known_group, known_kind)),
                }
        };
        let before = read.len();
        read.extend(
            known()
                .filter(is_meant)
                .map(|(group, kind)| Kind { group: group.into(), kind: kind.into() }),
        );
        if read.len() == before {
            let hint = match nearest(kind, known().map(|(_, kind)| kind)) {
                Some(near) if near != kind => format!("did you mean `{near}`?"),
                _ => "name a custom resource in the policy's `workloads` first".to_owned(),
            };
            let bad = bad("is not a kind that is judged", "").with_hint(Some(hint));
            lists::refuse(kinds, position, item, bad, report);
        }
    }
    read.into()
}

fn pod_selector(raw: &Located<RawPodSelector<'_>>, report: &mut Report) -> PodSelector {
    let Located { value: RawPodSelector { labels, expressions }, at } = raw;
    if labels.is_none() && expressions.is_none() {
        let hint = "write `podSelector: {matchLabels: {app: web}}`, or leave it out for every Pod";
        report.problem(at, "the selector is empty", Some(hint));
    }
    let mut selector = PodSelector::default();
    if let Some(Located { value: labels, at }) = labels {
        if labels.is_empty() {
            report.problem(at, "there is no label", Some("write a label, as in `{app: web}`"));
        }
        for (key, value) in labels {
            check_key(key, report);
            check_value(value, report);
            selector.match_labels.insert((&*key.value).into(), (&*value.value).into());
        }
    }
    if let Some(Located { value: expressions, at }) = expressions {
        if expressions.is_empty() {
            let hint = "write a condition, as in `[{key: app, operator: Exists}]`";
            report.problem(at, "there is no condition", Some(hint));
        }
        let expressions = expressions.iter().filter_map(|raw| requirement(raw, report));
        selector.match_expressions = expressions.collect();
    }
    selector
}

fn requirement(raw: &RawRequirement<'_>, report: &mut Report) -> Option<Requirement> {
    let RawRequirement { at, key, operator, values } = raw;
    match key {
        Some(key) => check_key(key, report),
        None => report.problem(at, "the condition has no `key`", Some("write `key: app`")),
    }
    let names = Operator::ALL.map(Operator::as_str);
    let Some(operator) = operator else {
        let hint = format!("write one of `{}`", names.join("`, `"));
        report.problem(at, "the condition has no `operator`", Some(&hint));
        return None;
    };
    let found = Operator::ALL.into_iter().find(|each| each.as_str() == operator.value);
    let Some(found) = found else {
        let message = format!("`{}` is not an operator", shorten(&operator.value));
        report.problem(&operator.at, message, Some(&one_of(&operator.value, &names)));
        return None;
    };
    let listed = values.as_ref().map_or(&[][..], |values| &values.items);
    if found.has_values() && listed.is_empty() {
        let at = values.as_ref().map_or(at, |values| &values.at);
        let message = format!("`{}` needs values", found.as_str());
        report.problem(at, message, Some("write `values: [web, api]`"));
    }
    if let Some(values) = values.as_ref().filter(|_| !found.has_values()) {
        let message = format!("`{}` takes no values", found.as_str());
        report.problem(&values.at, message, Some("remove `values`, or write `In` or `NotIn`"));
    }
    if let Some(values) = values {
        for (position, item) in values.items.iter().enumerate() {
            if !is_value(&item.value) {
                let bad = bad("is not the value of a label", VALUE_HINT);
                lists::refuse(values, position, item, bad, report);
            }
        }
    }
    Some(Requirement {
        key: (&*key.as_ref()?.value).into(),
        operator: found,
        values: listed.iter().map(|item| (&*item.value).into()).collect(),
    })
}

const VALUE_HINT: &str = "a value has at most 63 letters, digits, `-`, `_` and `.`, \
                          and begins and ends with a letter or a digit";

fn check_key(key: &Text<'_>, report: &mut Report) {
    let (prefix, name) = match key.value.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, &*key.value),
    };
    if !name.is_empty() && is_value(name) && prefix.is_none_or(is_dns_name) {
        return;
    }
    let message = format!("`{}` is not the key of a label", shorten(&key.value));
    let hint = "write it as in a Pod, such as `app` or `app.kubernetes.io/name`";
    report.problem(&key.at, message, Some(hint));
}

fn check_value(value: &Text<'_>, report: &mut Report) {
    if !is_value(&value.value) {
        let message = format!("`{}` is not the value of a label", shorten(&value.value));
        report.problem(&value.at, message, Some(VALUE_HINT));
    }
}

fn is_value(text: &str) -> bool {
    let is_outer = |byte: u8| byte.is_ascii_alphanumeric();
    let is_inner = |byte: u8| is_outer(byte) || matches!(byte, b'-' | b'_' | b'.');
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    text.len() <= LONGEST_LABEL
        && bytes.iter().copied().all(is_inner)
        && ends.into_iter().flatten().copied().all(is_outer)
}

fn one_of(written: &str, names: &[&str]) -> String {
    match nearest(written, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of `{}`", names.join("`, `")),
    }
}
