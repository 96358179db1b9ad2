//! Lists of patterns: each item is checked at its own place.

use std::collections::HashSet;
use std::sync::Arc;

use crate::policy::full::shorten;
use crate::policy::pattern::{BadPattern, RegistryPattern, TagPattern, check_name_glob};
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
    let patterns = parsed(&raw.value, RegistryPattern::parse, report);
    for (position, pattern) in &patterns {
        if let (RegistryPattern::Place { host, .. }, Some(item)) =
            (pattern, raw.value.get(*position))
            && !can_be_a_host(host)
        {
            let message = format!("`{}` names no registry that an image can name", item.value);
            let hint = format!(
                "a registry has a dot or a port, or is `localhost`; \
                 an account of Docker Hub is `docker.io/{}`",
                item.value
            );
            report.warning(&item.at, message, Some(&hint));
        }
    }
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
    let patterns = parsed(&raw.value, TagPattern::parse, report);
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

/// Compiles a list of globs over names; an empty list is `None`: it says nothing.
pub(super) fn names(raw: &[Text<'_>], report: &mut Report) -> Option<PatternIndex> {
    let mut index = PatternIndex::default();
    for (position, item) in raw.iter().enumerate() {
        match check_name_glob(&item.value) {
            Ok(()) => index.insert(&item.value, position),
            Err(bad) => refuse(item, &bad, report),
        }
    }
    (!raw.is_empty()).then_some(index)
}

fn parsed<P>(
    raw: &[Text<'_>],
    parse: impl Fn(&str) -> Result<P, BadPattern>,
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
            Ok(pattern) => patterns.push((position, pattern)),
            Err(bad) => refuse(item, &bad, report),
        }
    }
    patterns
}

fn refuse(item: &Text<'_>, bad: &BadPattern, report: &mut Report) {
    let message = format!("`{}` {}", shorten(&item.value), bad.message);
    report.problem(&item.at, message, bad.hint);
}

/// By the grammar, a first part without dot or port is a path unless it is `localhost`.
fn can_be_a_host(host: &str) -> bool {
    host == "localhost" || host.contains(['.', ':', '*'])
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
