//! Lists of patterns: each item is checked at its own place.
//!
//! Lists that say the same are compiled once. The regexes of a whole policy are counted before the
//! first is parsed, and weighed before any is compiled.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::iter;
use std::sync::Arc;

use crate::policy::judge::list::{List, Written};
use crate::policy::pattern::index::PatternIndex;
use crate::policy::pattern::regexes::{self, LARGEST_TOGETHER, MOST_REGEXES};
use crate::policy::pattern::registry_set::{RegistrySet, RegistrySetBuilder};
use crate::policy::pattern::syntax::{
    BadPattern, Pattern, check_name_glob, check_namespace_glob, check_user_glob,
    name_hint_if_like_regex, regex_text,
};
use crate::policy::pattern::tag_set::{TagSet, TagSetBuilder};
use crate::policy::problem::{Report, shorten};
use crate::policy::read::source::{Item, RawPolicy, Texts};
use crate::policy::rules::fields::RawRules;

/// Compiles the lists of one policy.
pub(in crate::policy) struct Lists {
    hasher: RandomState,
    registries: HashMap<(Order, u64), Arc<List<RegistrySet>>>,
    tags: HashMap<u64, Arc<List<TagSet>>>,
    /// How many different lists have regexes.
    sets: usize,
    /// What regexes may still come to; `None` once there are too many of them.
    room: Option<usize>,
}

/// Which pattern of a list of registries decides, where several cover a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::policy) enum Order {
    /// The first in the list.
    Listed,
    /// The most specific one.
    Specific,
}

/// Why a list is not what was written; the report knows.
struct Refused;

impl Lists {
    /// Counts the regexes of a policy. Where there are too many, none is compiled.
    pub(super) fn of(raw: &RawPolicy<'_>, report: &mut Report) -> Self {
        let mut lists = Self {
            hasher: RandomState::new(),
            registries: HashMap::new(),
            tags: HashMap::new(),
            sets: 0,
            room: Some(LARGEST_TOGETHER),
        };
        let mut known = HashSet::new();
        let mut count = 0;
        let overrides = raw.overrides.iter().map(|each| &each.rules);
        let all = iter::once(&raw.rules).chain(overrides).flat_map(RawRules::patterns).chain(
            (raw.exemptions.iter()).filter_map(|each| Some((each.images.as_ref()?, Order::Listed))),
        );
        for (list, order) in all {
            let regexes = list.items.iter().filter(|item| regex_text(&item.value).is_some());
            let regexes = regexes.count();
            if regexes == 0 || !known.insert((order, lists.key(list))) {
                continue;
            }
            lists.sets += 1;
            count += regexes;
            if count > MOST_REGEXES && lists.room.take().is_some() {
                let message =
                    format!("more than the {MOST_REGEXES} regexes that a policy may have");
                let hint = "write globs, which are found without a scan";
                report.problem(&list.at, message, Some(hint));
            }
        }
        lists
    }

    /// Compiles a list of registry patterns.
    pub(in crate::policy) fn registries(
        &mut self,
        raw: &Texts<'_>,
        order: Order,
        report: &mut Report,
    ) -> Arc<List<RegistrySet>> {
        let key = (order, self.key(raw));
        if let Some(known) = self.registries.get(&key)
            && known.written.iter().eq(raw.iter())
        {
            return Arc::clone(known);
        }
        let said = report.said();
        let mut builder = match order {
            Order::Listed => RegistrySetBuilder::default(),
            Order::Specific => RegistrySetBuilder::by_specificity(raw.items.len()),
        };
        let weighed = self.each_checked(raw, report, |position, pattern| {
            builder.insert(position, pattern);
        });
        let set = weighed.and_then(|()| self.built(builder.build(self.sets), raw, report));
        let list = Arc::new(List::new(Written::of(raw.iter()), set.unwrap_or_default()));
        if report.said() == said {
            self.registries.insert(key, Arc::clone(&list));
        }
        list
    }

    /// Compiles a list of tag patterns.
    pub(in crate::policy) fn tags(
        &mut self,
        raw: &Texts<'_>,
        report: &mut Report,
    ) -> Arc<List<TagSet>> {
        let key = self.key(raw);
        if let Some(known) = self.tags.get(&key)
            && known.written.iter().eq(raw.iter())
        {
            return Arc::clone(known);
        }
        let said = report.said();
        let mut builder = TagSetBuilder::default();
        let weighed = self.each_checked(raw, report, |position, pattern| {
            builder.insert(position, pattern);
        });
        let set = weighed.and_then(|()| self.built(builder.build(self.sets), raw, report));
        let list = Arc::new(List::new(Written::of(raw.iter()), set.unwrap_or_default()));
        if report.said() == said {
            self.tags.insert(key, Arc::clone(&list));
        }
        list
    }

    /// Visits the patterns of a list that are fine, and reports the others.
    ///
    /// # Errors
    /// When there was no room for a regex of the list. It is not visited, nor are those behind it.
    fn each_checked<P: Pattern>(
        &mut self,
        raw: &Texts<'_>,
        report: &mut Report,
        mut visit: impl FnMut(usize, P),
    ) -> Result<(), Refused> {
        let mut seen = HashSet::new();
        let mut weighed = Ok(());
        for (position, item) in raw.items.iter().enumerate() {
            if !seen.insert(&*item.value) && !report.warned_enough() {
                let message = format!("`{}` is listed twice", shorten(&item.value));
                report.warning(&raw.at(position, item), message, None);
            }
            let checked = P::parse(&item.value).and_then(|pattern| {
                let Some(regex) = pattern.regex() else { return Ok(Some(pattern)) };
                if weighed.is_ok() {
                    weighed = self.weigh(regexes::size(regex), raw, position, item, report);
                }
                if weighed.is_err() {
                    return Ok(None);
                }
                P::check_regex(regex).map(|()| Some(pattern))
            });
            match checked {
                Ok(Some(pattern)) => {
                    warn_of_regex(P::hint_if_like_regex, raw, position, item, report);
                    visit(position, pattern);
                }
                Ok(None) => {}
                Err(bad) => refuse_with(P::hint, raw, position, item, bad, report),
            }
        }
        weighed
    }

    /// Takes the room that a regex needs.
    fn weigh(
        &mut self,
        size: usize,
        raw: &Texts<'_>,
        position: usize,
        item: &Item<'_>,
        report: &mut Report,
    ) -> Result<(), Refused> {
        let Some(room) = self.room else { return Err(Refused) };
        self.room = room.checked_sub(size);
        if self.room.is_none() {
            let message = "the regexes of this policy are too large together, from here on";
            report.problem(&raw.at(position, item), message, Some(TOO_LARGE));
            return Err(Refused);
        }
        Ok(())
    }

    fn built<T>(
        &mut self,
        set: Result<T, regex::Error>,
        raw: &Texts<'_>,
        report: &mut Report,
    ) -> Result<T, Refused> {
        set.map_err(|error| {
            self.room = None;
            let message = format!("the regexes of this list are too large together: {error}");
            report.problem(&raw.at, message, Some(TOO_LARGE));
            Refused
        })
    }

    fn key(&self, raw: &Texts<'_>) -> u64 {
        self.hasher.hash_one(raw.iter().collect::<Vec<_>>())
    }
}

const TOO_LARGE: &str = "write globs, or simpler regexes";

/// Compiles a list of globs over users; a list that is left out says nothing.
pub(super) fn users(raw: Option<&Texts<'_>>, report: &mut Report) -> Option<PatternIndex> {
    raw.map(|raw| globs(raw, check_user_glob, report))
}

/// Compiles a list of globs over groups; a list that is left out says nothing.
pub(super) fn groups(raw: Option<&Texts<'_>>, report: &mut Report) -> Option<PatternIndex> {
    raw.map(|raw| globs(raw, check_name_glob, report))
}

/// Compiles a list of globs over namespaces; a list that is left out says nothing.
pub(super) fn namespaces(raw: Option<&Texts<'_>>, report: &mut Report) -> Option<PatternIndex> {
    raw.map(|raw| globs(raw, check_namespace_glob, report))
}

fn globs(
    raw: &Texts<'_>,
    check: impl Fn(&str) -> Result<(), BadPattern>,
    report: &mut Report,
) -> PatternIndex {
    let mut index = PatternIndex::default();
    for (position, item) in raw.items.iter().enumerate() {
        match check(&item.value) {
            Ok(()) => {
                warn_of_regex(name_hint_if_like_regex, raw, position, item, report);
                index.insert(&item.value, position);
            }
            Err(bad) => refuse(raw, position, item, bad, report),
        }
    }
    index.shrink();
    index
}

/// Says what is wrong with an item.
pub(super) fn refuse(
    raw: &Texts<'_>,
    position: usize,
    item: &Item<'_>,
    bad: BadPattern,
    report: &mut Report,
) {
    refuse_with(|_| None, raw, position, item, bad, report);
}

/// As [`refuse`], with a better hint where there is one.
fn refuse_with(
    hint: impl Fn(&str) -> Option<String>,
    raw: &Texts<'_>,
    position: usize,
    item: &Item<'_>,
    bad: BadPattern,
    report: &mut Report,
) {
    if !report.counts_only() {
        let BadPattern { message, hint } = bad.with_hint(hint(&item.value));
        let message = format!("`{}` {message}", shorten(&item.value));
        report.problem(&raw.at(position, item), message, hint.as_deref());
    }
}

/// Warns of a glob that looks like a regex, if there is a hint how to write what was meant.
fn warn_of_regex(
    hint_if_like_regex: impl Fn(&str) -> Option<String>,
    raw: &Texts<'_>,
    position: usize,
    item: &Item<'_>,
    report: &mut Report,
) {
    if report.warned_enough() {
        return;
    }
    if let Some(hint) = hint_if_like_regex(&item.value) {
        let item_shown = shorten(&item.value);
        let message =
            format!("`{item_shown}` looks like a regex, but is a glob, in which `.` is a dot");
        report.warning(&raw.at(position, item), message, Some(&hint));
    }
}
