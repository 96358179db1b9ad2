//! Lists of patterns: each item is checked at its own place.

use std::collections::HashSet;
use std::sync::Arc;

use crate::policy::full::shorten;
use crate::policy::pattern::{
    BadPattern, RegistryPattern, TagPattern, check_name_glob, check_namespace_glob,
    check_user_glob, name_hint_if_like_regex,
};
use crate::policy::pattern_index::PatternIndex;
use crate::policy::problem::Report;
use crate::policy::regexes::MOST_REGEXES;
use crate::policy::registry_set::RegistrySet;
use crate::policy::rules::List;
use crate::policy::source::{Located, Text};
use crate::policy::tag_set::TagSet;

/// Compiles a list of registry patterns.
pub(super) fn registries(
    raw: &Located<Vec<Text<'_>>>,
    report: &mut Report,
) -> Arc<List<RegistrySet>> {
    let patterns =
        parsed(&raw.value, RegistryPattern::parse, RegistryPattern::hint_if_like_regex, report);
    let regexes = patterns.iter().filter(|(_, p)| matches!(p, RegistryPattern::Regex(_)));
    check_regex_count(regexes.count(), raw, report);
    Arc::new(List::new(
        written(raw),
        RegistrySet::new(patterns).unwrap_or_else(|error| {
            too_large(&error, raw, report);
            RegistrySet::default()
        }),
    ))
}

/// Compiles a list of tag patterns.
pub(super) fn tags(raw: &Located<Vec<Text<'_>>>, report: &mut Report) -> Arc<List<TagSet>> {
    let patterns = parsed(&raw.value, TagPattern::parse, TagPattern::hint_if_like_regex, report);
    let regexes = patterns.iter().filter(|(_, p)| matches!(p, TagPattern::Regex(_)));
    check_regex_count(regexes.count(), raw, report);
    Arc::new(List::new(
        written(raw),
        TagSet::new(patterns).unwrap_or_else(|error| {
            too_large(&error, raw, report);
            TagSet::default()
        }),
    ))
}

/// Compiles a list of globs over users; an empty list is `None`: it says nothing.
pub(super) fn users(raw: &[Text<'_>], report: &mut Report) -> Option<PatternIndex> {
    globs(raw, check_user_glob, report)
}

/// Compiles a list of globs over groups; an empty list is `None`: it says nothing.
pub(super) fn groups(raw: &[Text<'_>], report: &mut Report) -> Option<PatternIndex> {
    globs(raw, check_name_glob, report)
}

/// Compiles a list of globs over namespaces; an empty list is `None`: it says nothing.
pub(super) fn namespaces(raw: &[Text<'_>], report: &mut Report) -> Option<PatternIndex> {
    globs(raw, check_namespace_glob, report)
}

fn globs(
    raw: &[Text<'_>],
    check: impl Fn(&str) -> Result<(), BadPattern>,
    report: &mut Report,
) -> Option<PatternIndex> {
    let mut index = PatternIndex::default();
    for (position, item) in raw.iter().enumerate() {
        match check(&item.value) {
            Ok(()) => {
                warn_of_regex(item, name_hint_if_like_regex(&item.value), report);
                index.insert(&item.value, position);
            }
            Err(bad) => refuse(item, &bad, report),
        }
    }
    (!raw.is_empty()).then_some(index)
}

fn parsed<P>(
    raw: &[Text<'_>],
    parse: impl Fn(&str) -> Result<P, BadPattern>,
    hint_if_like_regex: impl Fn(&str) -> Option<String>,
    report: &mut Report,
) -> Vec<(usize, P)> {
    let mut seen = HashSet::with_capacity(raw.len());
    let mut patterns = Vec::with_capacity(raw.len());
    for (position, item) in raw.iter().enumerate() {
        if !seen.insert(&*item.value) {
            let message = format!("`{}` is listed twice", shorten(&item.value));
            report.warning(&item.at, message, None);
        }
        match parse(&item.value) {
            Ok(pattern) => {
                warn_of_regex(item, hint_if_like_regex(&item.value), report);
                patterns.push((position, pattern));
            }
            Err(bad) => refuse(item, &bad, report),
        }
    }
    patterns
}

/// Warns of a glob that looks like a regex, if there is a hint how to write what was meant.
fn warn_of_regex(item: &Text<'_>, hint: Option<String>, report: &mut Report) {
    if let Some(hint) = hint {
        let item_shown = shorten(&item.value);
        let message =
            format!("`{item_shown}` looks like a regex, but is a glob, in which `.` is a dot");
        report.warning(&item.at, message, Some(&hint));
    }
}

/// Reports a pattern with the place of its item.
pub(super) fn refuse(item: &Text<'_>, bad: &BadPattern, report: &mut Report) {
    let message = format!("`{}` {}", shorten(&item.value), bad.message);
    report.problem(&item.at, message, bad.hint.as_deref());
}

fn check_regex_count(count: usize, raw: &Located<Vec<Text<'_>>>, report: &mut Report) {
    if count > MOST_REGEXES {
        let message =
            format!("{count} regexes are more than the {MOST_REGEXES} that one list may have");
        report.problem(&raw.at, message, Some("write globs, which are found without a scan"));
    }
}

fn too_large(error: &regex::Error, raw: &Located<Vec<Text<'_>>>, report: &mut Report) {
    let message = format!("the regexes of this list are too large together: {error}");
    report.problem(&raw.at, message, Some("write globs, or simpler regexes"));
}

fn written(raw: &Located<Vec<Text<'_>>>) -> Vec<String> {
    raw.value.iter().map(|item| item.value.clone().into_owned()).collect()
}
