//! What of a request decides which rules apply: where it is, who sends it, and what kind of object it
//! is about.

use super::cel;
use super::spelling::{name_glob, names};
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

/// Whether an exemption is about the request: its namespaces, and who asks. `None` where it is always,
/// or may be.
pub(super) fn is_exempt(exemption: &Fields) -> Option<String> {
    let namespaces = exemption
        .get("namespaces")
        .and_then(|_| is_named("request.namespace", exemption.items("namespaces").into_iter()));
    let asked_by = is_asked_by(exemption);
    match (namespaces, asked_by) {
        (Some(namespaces), Some(asked_by)) => Some(format!("{namespaces} && {asked_by}")),
        (one, other) => one.or(other),
    }
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
