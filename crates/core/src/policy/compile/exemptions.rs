//! Exemptions: who, what, why and until when.

use std::collections::HashSet;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use super::{lists, overrides};
use crate::policy::exemption::Exemption;
use crate::policy::full::shorten;
use crate::policy::pattern::{check_namespace_glob, check_service_account_glob};
use crate::policy::problem::Report;
use crate::policy::source::{Located, RawExemption, Text};

/// Each exemption is a metric series, so their number is bounded.
const MOST: usize = 1_000;

/// Compiles the exemptions of a policy.
pub(super) fn compile(raw: &[RawExemption<'_>], report: &mut Report) -> Vec<Exemption> {
    if let Some(first_too_many) = raw.get(MOST) {
        let message = format!("{} exemptions are more than the limit of {MOST}", raw.len());
        report.problem(&first_too_many.at, message, None);
        return Vec::new();
    }
    let mut names = HashSet::new();
    raw.iter()
        .filter_map(|each| {
            let exemption = exemption(each, report)?;
            if !names.insert(exemption.name.clone()) {
                let at = each.name.as_ref().map_or(&each.at, |name| &name.at);
                let message = format!("the name `{}` is given to two exemptions", exemption.name);
                report.problem(at, message, None);
            }
            Some(exemption)
        })
        .collect()
}

fn exemption(raw: &RawExemption<'_>, report: &mut Report) -> Option<Exemption> {
    let RawExemption {
        at,
        name,
        images,
        namespaces,
        users,
        groups,
        service_accounts,
        reason,
        owner,
        expires,
    } = raw;
    let name = overrides::name(name.as_ref(), at, "exemption", report);
    let images = match images {
        Some(images) if !images.value.is_empty() => Some(lists::registries(images, report)),
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
    let mut users = users.clone();
    users.extend(service_accounts.iter().filter_map(|account| user_name(account, report)));
    let expires = match expires {
        None => None,
        Some(written) => Some((written.value.clone().into_owned(), end(written, report)?)),
    };
    Some(Exemption {
        name: name?,
        images: images?,
        namespaces: lists::namespaces(namespaces, report),
        users: lists::users(&users, report),
        groups: lists::groups(groups, report),
        reason: reason?,
        owner: owner.as_ref().map(|owner| owner.value.clone().into_owned()),
        expires,
    })
}

/// `namespace/name` to the user name by which the API server knows a service account, as in
/// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.
fn user_name(account: &Text<'_>, report: &mut Report) -> Option<Text<'static>> {
    if let Some((namespace, name)) = account.value.split_once('/')
        && !namespace.is_empty()
        && !name.is_empty()
        && !name.contains('/')
    {
        let checked =
            check_namespace_glob(namespace).and_then(|()| check_service_account_glob(name));
        if let Err(bad) = checked {
            lists::refuse(account, &bad, report);
            return None;
        }
        let value = format!("system:serviceaccount:{namespace}:{name}");
        return Some(Located { value: value.into(), at: account.at.clone() });
    }
    let message = format!("`{}` is not a service account", shorten(&account.value));
    report.problem(&account.at, message, Some("write `namespace/name`"));
    None
}

/// The first second after the written day (in UTC), or the written moment.
fn end(written: &Text<'_>, report: &mut Report) -> Option<i64> {
    let day = Date::parse(&written.value, format_description!("[year]-[month]-[day]"))
        .ok()
        .and_then(|day| day.checked_add(Duration::DAY))
        .map(|day| day.midnight().assume_utc());
    let moment = || OffsetDateTime::parse(&written.value, &Rfc3339).ok();
    let Some(end) = day.or_else(moment) else {
        let message = format!("`{}` is not a day", shorten(&written.value));
        let hint = "write the last day as `2027-01-31`, or a moment as `2027-01-31T12:00:00Z`";
        report.problem(&written.at, message, Some(hint));
        return None;
    };
    Some(end.unix_timestamp())
}
