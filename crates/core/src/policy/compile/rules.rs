//! The rules of a policy, and of an override that changes some of them.

use std::sync::Arc;

use super::lists::Lists;
use crate::policy::judge::rules::{Rules, ShortNames};
use crate::policy::judge::verdict::{Mode, TemplateMode, UpdateScope};
use crate::policy::printable::is_printable;
use crate::policy::problem::Report;
use crate::policy::read::source::{RawRules, Text, Texts};

/// The registries that are allowed where a policy does not say.
const DEFAULT_ALLOWED_REGISTRIES: [&str; 2] = ["docker.io", "gcr.io"];
/// The tags that are blocked where a policy does not say.
const DEFAULT_BLOCKED_TAGS: [&str; 2] = ["staging", "latest"];

/// Characters of a hint: those of a warning, as the API documentation asks.
const LONGEST_HINT: usize = 120;

/// Compiles the rules of a policy; what is left out has its default.
pub(super) fn base(raw: &RawRules<'_>, lists: &mut Lists, report: &mut Report) -> Rules {
    let mut registries = |items: &[_]| lists.registries(&Texts::of_defaults(items), report);
    let defaults = Rules {
        mode: Mode::Enforce,
        allowed_registries: registries(&DEFAULT_ALLOWED_REGISTRIES),
        blocked_registries: registries(&[]),
        blocked_tags: lists.tags(&Texts::of_defaults(&DEFAULT_BLOCKED_TAGS), report),
        allowed_tags: lists.tags(&Texts::of_defaults(&[]), report),
        require_tag: true,
        require_digest: false,
        short_names: ShortNames::Deny,
        updates: UpdateScope::Changed,
        templates: TemplateMode::Warn,
        denial_warnings: true,
        denial_hint: "".into(),
    };
    over(raw, &defaults, lists, report)
}

/// Compiles rules that replace just the fields they name.
pub(super) fn over(
    raw: &RawRules<'_>,
    base: &Rules,
    lists: &mut Lists,
    report: &mut Report,
) -> Rules {
    let RawRules {
        mode,
        allowed_registries,
        blocked_registries,
        allowed_tags,
        blocked_tags,
        require_tag,
        require_digest,
        short_names,
        updates,
        templates,
        denial_warnings,
        denial_hint,
    } = raw;
    if let Some(list) = allowed_registries
        && list.items.is_empty()
    {
        let hint = "write `*` to allow every registry";
        report.problem(&list.at, "the list of allowed registries is empty", Some(hint));
    }
    let mut registries = |raw: &Option<Texts<'_>>, base: &Arc<_>| {
        raw.as_ref().map_or_else(|| Arc::clone(base), |raw| lists.registries(raw, report))
    };
    let allowed_registries = registries(allowed_registries, &base.allowed_registries);
    let blocked_registries = registries(blocked_registries, &base.blocked_registries);
    let mut tags = |raw: &Option<Texts<'_>>, base: &Arc<_>| {
        raw.as_ref().map_or_else(|| Arc::clone(base), |raw| lists.tags(raw, report))
    };
    let rules = Rules {
        mode: mode.unwrap_or(base.mode),
        allowed_registries,
        blocked_registries,
        blocked_tags: tags(blocked_tags, &base.blocked_tags),
        allowed_tags: tags(allowed_tags, &base.allowed_tags),
        require_tag: require_tag.as_ref().map_or(base.require_tag, |raw| raw.value),
        require_digest: require_digest.unwrap_or(base.require_digest),
        short_names: short_names.unwrap_or(base.short_names),
        updates: updates.unwrap_or(base.updates),
        templates: templates.unwrap_or(base.templates),
        denial_warnings: denial_warnings.unwrap_or(base.denial_warnings),
        denial_hint: denial_hint.as_ref().map_or_else(
            || Arc::clone(&base.denial_hint),
            |raw| {
                check_hint(raw, report);
                raw.value.as_ref().into()
            },
        ),
    };
    if let Some(raw) = denial_hint
        && !raw.value.is_empty()
        && !rules.denial_warnings
    {
        let message = "the hint is not shown, since `denialWarnings` is false";
        report.warning(&raw.at, message, Some("remove one of the two fields"));
    }
    if let Some(raw) = require_tag
        && !raw.value
        && rules.blocked_tags.set.first("latest").is_some()
    {
        let message = "an image without a tag is refused all the same: it is pulled as `latest`, \
                       which is blocked";
        report.warning(&raw.at, message, Some("require a tag, or do not block `latest`"));
    }
    rules
}

/// A warning is one line, and nothing in it may change how a terminal shows the lines around it.
fn check_hint(raw: &Text<'_>, report: &mut Report) {
    if raw.value.chars().count() > LONGEST_HINT {
        let message = format!("the hint has more than {LONGEST_HINT} characters");
        report.problem(&raw.at, message, Some("kubectl shows it as one line; write a short link"));
    } else if !raw.value.chars().all(is_printable) {
        let message = "the hint has a line break, or another character that cannot be shown";
        report.problem(&raw.at, message, Some("write one line of plain text"));
    }
}
