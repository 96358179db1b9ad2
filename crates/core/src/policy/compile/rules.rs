//! The rules of a policy, and of an override that changes some of them.

use std::sync::Arc;

use super::lists::Lists;
use crate::policy::problem::Report;
use crate::policy::rules::Rules;
use crate::policy::source::{RawRules, ShortNames, Texts};
use crate::policy::verdict::{Mode, TemplateMode, UpdateScope};

/// The registries that are allowed where a policy does not say.
const DEFAULT_ALLOWED_REGISTRIES: [&str; 2] = ["docker.io", "gcr.io"];
/// The tags that are blocked where a policy does not say.
const DEFAULT_BLOCKED_TAGS: [&str; 2] = ["staging", "latest"];

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
    };
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
