//! What of a request decides which rules apply: where it is, who sends it, what kind of object it is about,
//! and the labels of its Pods.

use super::cel::{self, quoted};
use super::spelling::{name_glob, names};
use crate::policy::judge::selector::{Kind, Operator, PodSelector, Requirement, Selector};
use crate::policy::normal::form::Fields;

/// Characters of a condition over names. A longer one is not written.
const LONGEST: usize = 20_000;

/// The built-in kinds, as the gate knows them, whose images are those of a pod template.
pub(super) const IS_TEMPLATE: &str = concat!(
    "(request.kind.group == 'apps' && ",
    "request.kind.kind in ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'] || ",
    "request.kind.group == 'batch' && request.kind.kind in ['CronJob', 'Job'] || ",
    "request.kind.group == '' && request.kind.kind in ['PodTemplate', 'ReplicationController'])",
);
pub(super) const IS_POD: &str = "request.kind.group == '' && request.kind.kind == 'Pod'";
/// No other subresource changes an image.
pub(super) const IS_WHOLE: &str =
    "(!has(request.subResource) || request.subResource in ['', 'ephemeralcontainers'])";

/// Whether a name is one of these patterns; `None` where they are too many to write down.
pub(super) fn is_named<'p>(
    subject: &str,
    patterns: impl Iterator<Item = &'p str>,
) -> Option<String> {
    let (globs, exact): (Vec<_>, Vec<_>) = patterns.partition(|pattern| pattern.contains('*'));
    let mut tests = Vec::new();
    if !exact.is_empty() {
        tests.push(format!("{subject} in {}", cel::list(exact)));
    }
    if !globs.is_empty() {
        let globs: Vec<_> = globs.into_iter().map(name_glob).collect();
        tests.push(format!("{subject}.matches({})", names(&globs)));
    }
    let test = match tests.len() {
        0 => "false".to_owned(),
        1 => tests.concat(),
        _ => format!("({})", tests.join(" || ")),
    };
    (test.len() <= LONGEST).then_some(test)
}

/// Whether a selector is about the object, whichever its containers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selects {
    /// It is about every object.
    Always,
    /// Where this holds.
    Where(String),
    /// That would be too long.
    Unsayable,
}

/// The condition of a selector on the kind of the object, and on the labels of its Pods.
pub(super) fn selects(selector: Option<&Selector>) -> Selects {
    let Some(Selector { pods, containers: _, kinds }) = selector else { return Selects::Always };
    let mut tests: Vec<String> = kinds.iter().map(|kinds| is_of(kinds)).collect();
    if let Some(pods) = pods {
        tests.extend(has_labels(pods));
    }
    let test = tests.join(" && ");
    match test.len() {
        0 => Selects::Always,
        1..=LONGEST => Selects::Where(test),
        _ => Selects::Unsayable,
    }
}

fn is_of(kinds: &[Kind]) -> String {
    let tests = kinds.iter().map(|Kind { group, kind }| {
        let (group, kind) = (quoted(group), quoted(kind));
        format!("request.kind.group == {group} && request.kind.kind == {kind}")
    });
    format!("({})", tests.collect::<Vec<_>>().join(" || "))
}

fn has_labels(PodSelector { match_labels, match_expressions }: &PodSelector) -> Vec<String> {
    let has = |key: &str| format!("{} in variables.labels", quoted(key));
    let has_one = |key: &str, values: String| {
        format!("{} && variables.labels[{}] in {values}", has(key), quoted(key))
    };
    let equal = match_labels.iter().map(|(key, value)| has_one(key, cel::list([&**value])));
    let expressions = match_expressions.iter().map(|Requirement { key, operator, values }| {
        let values = || cel::list(values.iter().map(|value| &**value));
        match operator {
            Operator::In => has_one(key, values()),
            Operator::NotIn => format!("!({})", has_one(key, values())),
            Operator::Exists => has(key),
            Operator::DoesNotExist => format!("!({})", has(key)),
        }
    });
    equal.chain(expressions).collect()
}

/// Whether an exemption is about the request: its namespaces, who asks, and what its selector says. `None`
/// where it is always, or may be.
pub(super) fn is_exempt(exemption: &Fields, selector: Option<&Selector>) -> Option<String> {
    let namespaces = exemption
        .get("namespaces")
        .and_then(|_| is_named("request.namespace", exemption.items("namespaces").into_iter()));
    let selected = match selects(selector) {
        Selects::Where(test) => Some(test),
        Selects::Always | Selects::Unsayable => None,
    };
    let tests = [namespaces, is_asked_by(exemption), selected].into_iter().flatten();
    let tests: Vec<_> = tests.collect();
    (!tests.is_empty()).then(|| tests.join(" && "))
}

/// Whether a user whom the exemption names asks; `None` where everybody may.
fn is_asked_by(exemption: &Fields) -> Option<String> {
    let (users, accounts) = (exemption.items("users"), exemption.items("serviceAccounts"));
    let accounts = accounts.into_iter().filter_map(|account| account.split_once('/'));
    let accounts: Vec<_> = accounts
        .map(|(namespace, name)| format!("system:serviceaccount:{namespace}:{name}"))
        .collect();
    let users: Vec<_> = users.into_iter().chain(accounts.iter().map(String::as_str)).collect();
    let groups = exemption.items("groups");
    let mut tests = Vec::new();
    if !users.is_empty() {
        let test = is_named("request.userInfo.username", users.into_iter())?;
        tests.push(format!("has(request.userInfo.username) && {test}"));
    }
    if !groups.is_empty() {
        let test = is_named("g", groups.into_iter())?;
        tests.push(format!(
            "has(request.userInfo.groups) && request.userInfo.groups.exists(g, {test})"
        ));
    }
    (!tests.is_empty()).then(|| format!("({})", tests.join(" || ")))
}
