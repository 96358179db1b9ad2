//! Exemptions: who, what, why and until when.

use std::collections::HashSet;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use super::lists::{self, Lists, Order};
use super::{overrides, selector};
use crate::policy::judge::checks::Rule;
use crate::policy::judge::exemption::{Exemption, RuleSet};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::syntax::{
    BadPattern, bad, check_namespace_glob, check_service_account_glob,
};
use crate::policy::problem::{Report, nearest, shorten};
use crate::policy::read::source::{RawExemption, RawPolicy, RawWorkload, Text, Texts};

/// Compiles the exemptions of a policy.
pub(super) fn compile(
    raw: &RawPolicy<'_>,
    lists: &mut Lists,
    report: &mut Report,
) -> Vec<Exemption> {
    let mut names = HashSet::new();
    raw.exemptions
        .iter()
        .filter_map(|each| {
            let exemption = exemption(each, &raw.workloads, lists, report)?;
            if !names.insert(exemption.name.clone()) {
                let at = each.name.as_ref().map_or(&each.at, |name| &name.at);
                let message = format!("the name `{}` is given to two exemptions", exemption.name);
                report.problem(at, message, None);
            }
            Some(exemption)
        })
        .collect()
}

fn exemption(
    raw: &RawExemption<'_>,
    named: &[RawWorkload<'_>],
    lists: &mut Lists,
    report: &mut Report,
) -> Option<Exemption> {
    let RawExemption {
        at,
        name,
        images,
        rules,
        namespaces,
        selector,
        users,
        groups,
        service_accounts,
        reason,
        owner,
        expires,
    } = raw;
    let name = overrides::name(name.as_ref(), at, "exemption", report);
    let images = match images {
        Some(images) if !images.items.is_empty() => {
            Some(lists.registries(images, Order::Listed, report))
        }
        _ => {
            let hint = "write `images: [gcr.io/acme/agent]`";
            report.problem(at, "the exemption names no image", Some(hint));
            None
        }
    };
    let reason = reason.as_ref().map(|reason| reason.value.trim().to_owned());
    if reason.as_ref().is_none_or(String::is_empty) {
        let hint = "write `reason: …`, such as a ticket";
        report.problem(at, "the exemption has no reason", Some(hint));
    }
    for (list, what) in [
        (users, "users"),
        (groups, "groups"),
        (service_accounts, "service accounts"),
        (namespaces, "namespaces"),
        (rules, "rules"),
    ] {
        check_filled(list.as_ref(), what, report);
    }
    warn_of_selector(raw, report);
    let users = asked_by(users.as_ref(), service_accounts.as_ref(), report);
    let expires = match expires {
        None => None,
        Some(written) => Some((written.value.clone().into_owned(), end(written, report)?)),
    };
    Some(Exemption {
        name: name?,
        images: images?,
        lifts: rules.as_ref().map_or(RuleSet::ALL, |rules| lifted(rules, report)),
        namespaces: lists::namespaces(namespaces.as_ref(), report),
        selector: selector.as_ref().map(|raw| Box::new(selector::compile(raw, named, report))),
        users,
        groups: lists::groups(groups.as_ref(), report),
        reason: reason?,
        owner: owner.as_ref().map(|owner| owner.value.clone().into_owned()),
        expires,
    })
}

/// Whoever creates a Pod labels it, and the Pods of a workload are judged as Pods.
fn warn_of_selector(raw: &RawExemption<'_>, report: &mut Report) {
    let RawExemption { namespaces, selector, users, groups, service_accounts, .. } = raw;
    let Some(selector) = selector else { return };
    let is_for_some =
        [namespaces, users, groups, service_accounts].into_iter().any(Option::is_some);
    if let Some(pods) = selector.pods.as_ref().filter(|_| !is_for_some) {
        let message = "whoever creates a Pod chooses its labels, and so whether it is exempt";
        let hint = "add `namespaces`, `users`, `groups` or `serviceAccounts`";
        report.warning(&pods.at, message, Some(hint));
    }
    if let Some(kinds) = selector.kinds.as_ref().filter(|kinds| kinds.iter().all(|it| it != "Pod"))
    {
        let message = "the Pods that these objects make are not exempt";
        let hint = "add `Pod`, or name the controller in `serviceAccounts`";
        report.warning(&kinds.at, message, Some(hint));
    }
}

/// To take the last name off a list must not widen it to everybody.
fn check_filled(list: Option<&Texts<'_>>, what: &str, report: &mut Report) {
    let Some(list) = list.filter(|list| list.items.is_empty()) else { return };
    let hint = match what {
        "namespaces" => {
            "leave `namespaces` out for every namespace, or remove the exemption if none is meant"
        }
        "rules" => "leave `rules` out for every rule",
        "users" => "leave `users` out for everybody, or remove the exemption if nobody is meant",
        "groups" => "leave `groups` out for everybody, or remove the exemption if nobody is meant",
        _ => {
            "leave `serviceAccounts` out for everybody, \
             or remove the exemption if nobody is meant"
        }
    };
    report.problem(&list.at, format!("the list of {what} is empty"), Some(hint));
}

/// The rules of a list. One that no exemption lifts is a problem, as is one that is none.
fn lifted(rules: &Texts<'_>, report: &mut Report) -> RuleSet {
    let mut lifted = RuleSet::default();
    for (position, item) in rules.items.iter().enumerate() {
        let found = Rule::ALL.into_iter().find(|rule| rule.as_str() == item.value);
        match found {
            Some(Rule::InvalidReference) => {
                let hint = "what is not a reference names no image that could be exempt";
                let bad = bad("cannot be lifted", hint);
                lists::refuse(rules, position, item, bad, report);
            }
            Some(rule) => lifted = lifted.with(rule),
            None => {
                let names = Rule::ALL.into_iter().skip(1).map(Rule::as_str);
                let hint = match nearest(&item.value, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the rules are `{}`", names.collect::<Vec<_>>().join("`, `")),
                };
                let bad = bad("is not a rule", "").with_hint(Some(hint));
                lists::refuse(rules, position, item, bad, report);
            }
        }
    }
    lifted
}

/// Users by name, among them service accounts.
fn asked_by(
    users: Option<&Texts<'_>>,
    accounts: Option<&Texts<'_>>,
    report: &mut Report,
) -> Option<PatternIndex> {
    let mut index = lists::users(users, report);
    let Some(accounts) = accounts else { return index };
    for (position, item) in accounts.items.iter().enumerate() {
        match user_name(&item.value) {
            Ok(user) => index.get_or_insert_default().insert(&user, position),
            Err(bad) => lists::refuse(accounts, position, item, bad, report),
        }
    }
    index
}

/// `namespace/name` to the user name by which the API server knows a service account, as in
/// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.
///
/// # Errors
/// When no service account can have such a name.
fn user_name(account: &str) -> Result<String, BadPattern> {
    let parts = account.split_once('/').filter(|(namespace, name)| {
        !namespace.is_empty() && !name.is_empty() && !name.contains('/')
    });
    let Some((namespace, name)) = parts else {
        return Err(bad("is not a service account", "write `namespace/name`"));
    };
    check_namespace_glob(namespace)?;
    check_service_account_glob(name)?;
    Ok(format!("system:serviceaccount:{namespace}:{name}"))
}

/// The first second, in Unix time, at which an exemption with this `expires` no longer applies: that after the
/// day, such as `2027-01-31` (in UTC), or the moment, such as `2027-01-31T12:00:00Z`. `None` for any other text.
#[must_use]
pub fn end_of_exemption(expires: &str) -> Option<i64> {
    // In seconds, since the last day that is known has no day after it.
    let day = Date::parse(expires, format_description!("[year]-[month]-[day]"))
        .map(|day| day.midnight().assume_utc().unix_timestamp() + Duration::DAY.whole_seconds())
        .ok();
    let moment = || {
        let moment = OffsetDateTime::parse(expires, &Rfc3339).ok()?;
        Some(moment.unix_timestamp())
    };
    day.or_else(moment)
}

fn end(written: &Text<'_>, report: &mut Report) -> Option<i64> {
    let end = end_of_exemption(&written.value);
    if end.is_none() {
        let message = format!("`{}` is not a day", shorten(&written.value));
        let hint = "write the last day as `2027-01-31`, or a moment as `2027-01-31T12:00:00Z`";
        report.problem(&written.at, message, Some(hint));
    }
    end
}
