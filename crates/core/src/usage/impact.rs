//! Uses judged by two policies: what a change from one to the other would refuse, warn about or
//! admit that it did not before.
//!
//! While it counts, it holds references to what is hit; of the result, only the most frequent hits
//! are kept, and the rest is counted.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

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
            [(); 4].map(|()| Found::default());
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

/// The uses that are hit in one way. A flat list: there may be as many as a replica remembers, each of
/// another image, and nearly all of them are only counted.
#[derive(Default)]
struct Found<'a>(Vec<HitUse<'a>>);

/// What is needed of one use.
struct HitUse<'a> {
    image: &'a str,
    namespace: &'a str,
    owner: Option<Owner<'a>>,
    count: u64,
    last_seen: Option<i64>,
    rule: Option<Rule>,
}

impl<'a> Found<'a> {
    fn add(&mut self, usage: Usage<'a>, rule: Option<Rule>) {
        let Usage { image, namespace, owner, count, last_seen, .. } = usage;
        self.0.push(HitUse { image, namespace, owner, count, last_seen, rule });
    }

    fn into_hits(mut self, most: usize, now: i64) -> Hits {
        let uses = self.0.len();
        self.0.sort_unstable_by_key(|each| each.image);
        let by_image = self.0.chunk_by(|one, other| one.image == other.image);
        let mut groups: Vec<_> = by_image.map(Group::of).collect();
        let images = groups.len();
        let within_a_day = |group: &&Group<'_, '_>| {
            group.last_seen.is_some_and(|seen| seen > now.saturating_sub(DAY))
        };
        let images_within_a_day = groups.iter().filter(within_a_day).count();
        let order = |group: &Group<'a, '_>| (Reverse(group.count), group.image);
        if groups.len() > most {
            groups.select_nth_unstable_by_key(most, order);
            groups.truncate(most);
        }
        groups.sort_unstable_by_key(order);
        let most_frequent = groups.iter().map(Group::hit).collect();
        Hits { uses, images, images_within_a_day, most_frequent }
    }
}

/// All uses of one image.
struct Group<'a, 'u> {
    image: &'a str,
    uses: &'u [HitUse<'a>],
    count: u64,
    last_seen: Option<i64>,
}

impl<'a, 'u> Group<'a, 'u> {
    fn of(uses: &'u [HitUse<'a>]) -> Self {
        let image = uses.first().map_or("", |first| first.image);
        let count = uses.iter().fold(0_u64, |sum, each| sum.saturating_add(each.count));
        let last_seen = uses.iter().filter_map(|each| each.last_seen).max();
        Self { image, uses, count, last_seen }
    }

    fn hit(&self) -> Hit {
        let Self { image, uses, count, last_seen } = *self;
        // Of the many uses of one image most are alike in both.
        let places: BTreeSet<_> = uses.iter().map(|each| (each.namespace, each.owner)).collect();
        let namespaces: BTreeSet<_> = places.iter().map(|(namespace, _)| *namespace).collect();
        let owners = places.iter().filter_map(|(namespace, owner)| Some((namespace, (*owner)?)));
        let owners_total = owners.clone().count();
        let owners =
            owners.take(MOST_NAMED).map(|(namespace, owner)| format!("{namespace}/{owner}"));
        Hit {
            image: image.to_owned(),
            uses: uses.len(),
            count,
            last_seen,
            namespaces: namespaces.iter().take(MOST_NAMED).map(ToString::to_string).collect(),
            more_namespaces: namespaces.len().saturating_sub(MOST_NAMED),
            owners: owners.collect(),
            more_owners: owners_total.saturating_sub(MOST_NAMED),
            rule: uses.iter().filter_map(|each| each.rule).min(),
        }
    }
}
