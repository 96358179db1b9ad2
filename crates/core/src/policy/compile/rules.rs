//! The rules of a policy, and of an override that changes some of them.

use std::sync::Arc;

use super::lists;
use crate::policy::problem::{At, Report};
use crate::policy::rules::{List, Rules};
use crate::policy::source::{Located, RawRules, ShortNames, Text};
use crate::policy::tag_set::TagSet;
use crate::policy::verdict::{Mode, TemplateMode, UpdateScope};

/// The registries that are allowed where a policy does not say.
const DEFAULT_ALLOWED_REGISTRIES: [&str; 2] = ["docker.io", "gcr.io"];
/// The tags that are blocked where a policy does not say.
const DEFAULT_BLOCKED_TAGS: [&str; 2] = ["staging", "latest"];

/// Compiles the rules of a policy; what is left out has its default.
pub(super) fn base(raw: &RawRules<'_>, report: &mut Report) -> Rules {
    let defaults = Rules {
        mode: Mode::Enforce,
        allowed_registries: lists::registries(&default_list(&DEFAULT_ALLOWED_REGISTRIES), report),
        blocked_registries: lists::registries(&default_list(&[]), report),
        blocked_tags: lists::tags(&default_list(&DEFAULT_BLOCKED_TAGS), report),
        allowed_tags: lists::tags(&default_list(&[]), report),
        require_tag: true,
        require_digest: false,
        short_names: ShortNames::Deny,
        updates: UpdateScope::Changed,
        templates: TemplateMode::Warn,
    };
    over(raw, &defaults, report)
}

/// Compiles rules that replace just the fields they name.
pub(super) fn over(raw: &RawRules<'_>, base: &Rules, report: &mut Report) -> Rules {
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
        && list.value.is_empty()
    {
        let hint = "write `*` to allow every registry";
        report.problem(&list.at, "the list of allowed registries is empty", Some(hint));
    }
    let tags = |raw: &Option<Located<Vec<Text<'_>>>>, base: &Arc<List<TagSet>>, report: &mut _| {
        raw.as_ref().map_or_else(|| Arc::clone(base), |raw| lists::tags(raw, report))
    };
    let rules = Rules {
        mode: mode.unwrap_or(base.mode),
        allowed_registries: allowed_registries.as_ref().map_or_else(
            || Arc::clone(&base.allowed_registries),
            |raw| lists::registries(raw, report),
        ),
        blocked_registries: blocked_registries.as_ref().map_or_else(
            || Arc::clone(&base.blocked_registries),
            |raw| lists::registries(raw, report),
        ),
        blocked_tags: tags(blocked_tags, &base.blocked_tags, report),
        allowed_tags: tags(allowed_tags, &base.allowed_tags, report),
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
        let message = "an image without a tag is admitted, though it is pulled as `latest`, \
                       which is blocked";
        report.warning(&raw.at, message, Some("require a tag, or do not block `latest`"));
    }
    rules
}

fn default_list(items: &[&'static str]) -> Located<Vec<Text<'static>>> {
    let at = At::new("default", "", None);
    let item = |text: &&'static str| Located { value: (*text).into(), at: at.clone() };
    Located { value: items.iter().map(item).collect(), at: at.clone() }
}
