//! The rules of a policy, and of an override that changes some of them.
//!
//! Each field compiles itself, as its declaration in [`fields`](crate::policy::rules::fields) says;
//! here is what two fields have to say about each other.

use super::entries;
use super::lists::Lists;
use crate::policy::judge::list::List;
use crate::policy::pattern::tag_set::TagSet;
use crate::policy::problem::Report;
use crate::policy::read::source::Located;
use crate::policy::rules::fields::{FIELDS, RawRules, Rules};

/// Compiles the rules of a policy; what is left out has its default.
pub(super) fn base(raw: &RawRules<'_>, lists: &mut Lists, report: &mut Report) -> Rules {
    let defaults = Rules::defaults(lists, report);
    over(raw, &defaults, lists, report)
}

/// Compiles rules that replace just the fields they name.
pub(super) fn over(
    raw: &RawRules<'_>,
    base: &Rules,
    lists: &mut Lists,
    report: &mut Report,
) -> Rules {
    let mut rules = base.clone();
    for field in &FIELDS {
        (field.replace)(&mut rules, raw, lists, report);
    }
    if let Some(raw) = &raw.denial_hint
        && !raw.value.is_empty()
        && !rules.denial_warnings
    {
        let message = "the hint is not shown, since `denialWarnings` is false";
        report.warning(&raw.at, message, Some("remove one of the two fields"));
    }
    if let Some(raw) = &raw.allowed_registries {
        entries::warn_of_contradictions(raw, &rules, report);
    }
    let hint = "require a tag, or do not block `latest`";
    warn_if_still_refused(raw.require_tag.as_ref(), &rules.blocked_tags, hint, report);
    rules
}

/// Warns where no tag is required and the one that an image without any is pulled by is blocked.
pub(super) fn warn_if_still_refused(
    require_tag: Option<&Located<bool>>,
    blocked_tags: &List<TagSet>,
    hint: &str,
    report: &mut Report,
) {
    if let Some(require_tag) = require_tag
        && !require_tag.value
        && blocked_tags.set.first("latest").is_some()
    {
        let message = "an image without a tag is refused all the same: it is pulled as `latest`, \
                       which is blocked";
        report.warning(&require_tag.at, message, Some(hint));
    }
}
