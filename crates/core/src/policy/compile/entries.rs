//! Entries of the allowed registries that have rules of their own.

use std::borrow::Cow;
use std::collections::HashMap;

use super::lists::{Lists, Order};
use super::rules::warn_if_still_refused;
use crate::policy::judge::registries::{AllowedRegistries, Entry};
use crate::policy::pattern::registry_pattern::RegistryPattern;
use crate::policy::pattern::syntax::Pattern as _;
use crate::policy::problem::{Report, shorten};
use crate::policy::read::entries::{RawEntry, RawRegistries};
use crate::policy::rules::fields::Rules;
use crate::policy::rules::messages::template;

/// Compiles a list of allowed registries.
pub(in crate::policy) fn compile(
    raw: &RawRegistries<'_>,
    lists: &mut Lists,
    report: &mut Report,
) -> AllowedRegistries {
    let RawRegistries { patterns, own } = raw;
    if own.is_empty() {
        return AllowedRegistries::plain(lists.registries(patterns, Order::Listed, report));
    }
    check_named_once(raw, report);
    let list = lists.registries(patterns, Order::Specific, report);
    let own = own.iter().map(|(position, raw)| (*position, entry(raw, lists, report))).collect();
    AllowedRegistries::with_own_rules(list, own)
}

/// Warns about entries that contradict themselves, given the rules that they are part of.
pub(in crate::policy) fn warn_of_contradictions(
    raw: &RawRegistries<'_>,
    rules: &Rules,
    report: &mut Report,
) {
    for (position, raw) in &raw.own {
        let Some(entry) = rules.allowed_registries.own_rules(*position as usize) else { continue };
        let blocked = entry.blocked_tags.as_ref().unwrap_or(&rules.blocked_tags);
        let hint = "require a tag, or give the entry `blockedTags` without `latest`";
        warn_if_still_refused(raw.require_tag.as_ref(), blocked, hint, report);
    }
}

fn entry(raw: &RawEntry<'_>, lists: &mut Lists, report: &mut Report) -> Entry {
    let RawEntry {
        mode,
        blocked_tags,
        allowed_tags,
        require_tag,
        require_digest,
        pull_rule,
        message,
        reason,
    } = raw;
    let message = message.as_ref().and_then(|message| template(message, report));
    let mut tags = |raw: &Option<_>| raw.as_ref().map(|raw| lists.tags(raw, report));
    Entry {
        mode: *mode,
        blocked_tags: tags(blocked_tags),
        allowed_tags: tags(allowed_tags),
        require_tag: require_tag.as_ref().map(|require_tag| require_tag.value),
        require_digest: *require_digest,
        pull_rule: *pull_rule,
        message,
        reason: reason.as_ref().map(|reason| reason.value.trim().into()),
    }
}

/// Of two entries with the same pattern, however it is written, the second would never decide, so that
/// its rules, or the lack of them, would be lost.
fn check_named_once(raw: &RawRegistries<'_>, report: &mut Report) {
    let RawRegistries { patterns, own } = raw;
    let mut with_rules: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(own.len());
    for (position, _) in own {
        if let Some(item) = patterns.items.get(*position as usize) {
            with_rules.entry(folded(&item.value)).or_insert(*position as usize);
        }
    }
    for (position, item) in patterns.items.iter().enumerate() {
        let other = with_rules.get(&folded(&item.value)).copied();
        if other.is_some_and(|other| other != position) && !report.counts_only() {
            let message = format!("`{}` has two entries", shorten(&item.value));
            let hint = "write all rules of a registry into one entry";
            report.problem(&patterns.at(position, item), message, Some(hint));
        }
    }
}

/// One text for all ways to write a pattern: `GCR.io:443` is `gcr.io`.
fn folded(written: &str) -> Cow<'_, str> {
    match RegistryPattern::parse(written) {
        Err(_) | Ok(RegistryPattern::Regex(_)) => Cow::Borrowed(written),
        Ok(pattern) => Cow::Owned(format!("{pattern:?}")),
    }
}
