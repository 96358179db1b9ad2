//! Uses judged by two policies: what a change from one to the other would refuse, warn about or
//! admit that it did not before.
//!
//! While it counts, it holds references to what is hit; of the result, only the most frequent hits
//! are kept, and the rest is counted.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::distinct::{Owner, Usage};
use crate::image::Reference;
use crate::policy::{Outcome, Policy, Rule};

/// Images that [`Impact::between`] describes of each kind of hit.
pub const MOST_HITS: usize = 100;
/// Namespaces, and owners, that a [`Hit`] names.
pub const MOST_NAMED: usize = 10;

/// Hits within this many seconds are counted apart.
const DAY: i64 = 24 * 60 * 60;

/// What a change of policy means for the images in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// How many distinct uses were judged.
    pub uses: usize,
    /// How many distinct images, as written, they use.
    pub images: usize,
    /// Refused by the new policy, and admitted by the old one, whatever its mode.
    pub newly_denied: Hits,
    /// Admitted by both; the new policy warns about it, and the old one did not.
    pub newly_warned: Hits,
    /// Admitted by both, and logged by the new policy alone. Nobody notices.
    pub newly_audited: Hits,
    /// Refused by the old policy, and admitted by the new one, whatever its mode.
    pub newly_admitted: Hits,
}

/// Uses that are hit in the same way, grouped by the image as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// How many distinct uses.
    pub uses: usize,
    /// How many images.
    pub images: usize,
    /// How many of the images were last used within the last 24 hours.
    pub images_within_a_day: usize,
    /// The images that were used most often, ties by name. [`MOST_HITS`] unless the caller asked
    /// for another number.
    pub most_frequent: Vec<Hit>,
}

/// An image that is hit, in all the places where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The image as written.
    pub image: String,
    /// How many distinct uses of it are hit.
    pub uses: usize,
    /// How many times those were seen.
    pub count: u64,
    /// When one of them was last seen, in Unix seconds.
    pub last_seen: Option<i64>,
    /// The first [`MOST_NAMED`] namespaces where it is hit, sorted.
    pub namespaces: Vec<String>,
    /// How many namespaces are not among them.
    pub more_namespaces: usize,
    /// The first [`MOST_NAMED`] owners, sorted: `ci/Deployment web`.
    pub owners: Vec<String>,
    /// How many owners are not among them.
    pub more_owners: usize,
    /// The first rule that is broken on the side that refuses or warns.
    pub rule: Option<Rule>,
}

impl Impact {
    /// Judges `usages` by both policies at `now`, in Unix seconds. Without an old policy nothing
    /// was refused.
    #[must_use]
    pub fn between<'a>(
        old: Option<&Policy>,
        new: &Policy,
        usages: impl IntoIterator<Item = Usage<'a>>,
        now: i64,
    ) -> Self {
        Self::with_most(old, new, usages, now, MOST_HITS)
    }

    /// As [`Impact::between`], with the number of images of each kind that are described.
    #[must_use]
    pub fn with_most<'a>(
        old: Option<&Policy>,
        new: &Policy,
        usages: impl IntoIterator<Item = Usage<'a>>,
        now: i64,
        most: usize,
    ) -> Self {
        let mut uses = 0;
        let mut images = HashSet::new();
        let [mut denied, mut warned, mut audited, mut admitted] =
            [(); 4].map(|()| Groups::default());
        for usage in usages {
            uses += 1;
            images.insert(usage.image);
            let subject = usage.subject(now);
            let reference = Reference::parse(usage.image);
            let reference = reference.as_ref().map_err(|error| *error);
            let after = new.outcome(&subject, reference);
            let before = old.map_or(Outcome::Allowed, |old| old.outcome(&subject, reference));
            match (before.is_denied(), after.is_denied()) {
                (false, true) => denied.add(usage, after.rule()),
                (true, false) => admitted.add(usage, before.rule()),
                (false, false) if after.is_warned() && !before.is_warned() => {
                    warned.add(usage, after.rule());
                }
                (false, false) if after.is_audited() && before.rule().is_none() => {
                    audited.add(usage, after.rule());
                }
                _ => {}
            }
        }
        Self {
            uses,
            images: images.len(),
            newly_denied: denied.into_hits(most, now),
            newly_warned: warned.into_hits(most, now),
            newly_audited: audited.into_hits(most, now),
            newly_admitted: admitted.into_hits(most, now),
        }
    }

    /// Whether nobody notices the change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { newly_denied, newly_warned, newly_admitted, .. } = self;
        [newly_denied, newly_warned, newly_admitted].iter().all(|hits| hits.uses == 0)
    }
}

impl Hits {
    /// How many images are counted and not described.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.images.saturating_sub(self.most_frequent.len())
    }
}

/// The uses that are hit in one way, by image.
#[derive(Default)]
struct Groups<'a>(HashMap<&'a str, Group<'a>>);

#[derive(Default)]
struct Group<'a> {
    uses: usize,
    count: u64,
    last_seen: Option<i64>,
    rule: Option<Rule>,
    /// Where, and by whom. Of the many uses of one image most are alike in both.
    places: BTreeSet<(&'a str, Option<Owner<'a>>)>,
}

impl<'a> Groups<'a> {
    fn add(&mut self, usage: Usage<'a>, rule: Option<Rule>) {
        let group = self.0.entry(usage.image).or_default();
        group.uses += 1;
        group.count = group.count.saturating_add(usage.count);
        group.last_seen = group.last_seen.max(usage.last_seen);
        group.rule = match (group.rule, rule) {
            (Some(first), Some(rule)) => Some(first.min(rule)),
            (first, rule) => first.or(rule),
        };
        group.places.insert((usage.namespace, usage.owner));
    }

    fn into_hits(self, most: usize, now: i64) -> Hits {
        let uses = self.0.values().map(|group| group.uses).sum();
        let within_a_day =
            |group: &&Group<'_>| group.last_seen.is_some_and(|seen| seen > now.saturating_sub(DAY));
        let images_within_a_day = self.0.values().filter(within_a_day).count();
        let images = self.0.len();
        let mut groups: Vec<_> = self.0.into_iter().collect();
        let order = |(image, group): &(&'a str, Group<'_>)| (Reverse(group.count), *image);
        if groups.len() > most {
            groups.select_nth_unstable_by_key(most, order);
            groups.truncate(most);
        }
        groups.sort_unstable_by_key(order);
        let most_frequent = groups.into_iter().map(|(image, group)| group.into_hit(image));
        Hits { uses, images, images_within_a_day, most_frequent: most_frequent.collect() }
    }
}

impl Group<'_> {
    fn into_hit(self, image: &str) -> Hit {
        let Self { uses, count, last_seen, rule, places } = self;
        let namespaces: BTreeSet<_> = places.iter().map(|(namespace, _)| *namespace).collect();
        let owners = places.iter().filter_map(|(namespace, owner)| Some((namespace, (*owner)?)));
        let owners_total = owners.clone().count();
        let owners =
            owners.take(MOST_NAMED).map(|(namespace, owner)| format!("{namespace}/{owner}"));
        Hit {
            image: image.to_owned(),
            uses,
            count,
            last_seen,
            namespaces: namespaces.iter().take(MOST_NAMED).map(ToString::to_string).collect(),
            more_namespaces: namespaces.len().saturating_sub(MOST_NAMED),
            owners: owners.collect(),
            more_owners: owners_total.saturating_sub(MOST_NAMED),
            rule,
        }
    }
}
