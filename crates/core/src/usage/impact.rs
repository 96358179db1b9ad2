//! Uses judged by two policies: what a change from one to the other would refuse, warn about or
//! admit that it did not before.
//!
//! It goes through the uses twice: first it judges and counts them, then it collects where the most
//! frequent hits are and who owns them. So an image that is hit takes a few words until it is known
//! to be among those that are described; of all others only the number is known in the end.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::distinct::{Owner, Usage};
use crate::image::Reference;
use crate::policy::{Outcome, Outcomes, Policy, Rule};

/// Images that [`Impact::between`] describes of each kind of hit.
pub const MOST_HITS: usize = 100;
/// Namespaces, and owners, that a [`Hit`] names.
pub const MOST_NAMED: usize = 10;

/// Hits within this many seconds are counted apart.
const DAY: i64 = 24 * 60 * 60;
/// Images for which there is room from the start: as many as a replica remembers by default.
const USUAL_IMAGES: usize = 1 << 16;

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
    /// Perhaps refused by the new policy, and admitted by the old one: that depends on labels of Pods of
    /// which it is not known what they were.
    pub perhaps_denied: Hits,
    /// Perhaps decided otherwise than before in another way; this depends on such labels, too.
    pub perhaps_changed: Hits,
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
    pub fn between<'a, U>(old: Option<&Policy>, new: &Policy, usages: U, now: i64) -> Self
    where
        U: IntoIterator<Item = Usage<'a>> + Clone,
    {
        Self::with_most(old, new, usages, now, MOST_HITS)
    }

    /// As [`Impact::between`], with the number of images of each kind that are described.
    #[must_use]
    pub fn with_most<'a, U>(
        old: Option<&Policy>,
        new: &Policy,
        usages: U,
        now: i64,
        most: usize,
    ) -> Self
    where
        U: IntoIterator<Item = Usage<'a>> + Clone,
    {
        let once = usages.clone().into_iter();
        let mut counted = Counted::with_room_for(once.size_hint());
        let policies = Policies {
            old,
            new,
            go_by_labels: [old, Some(new)]
                .into_iter()
                .flatten()
                .any(|policy| !policy.label_keys().is_empty()),
            are_exempt_alike: old.is_some_and(|old| old.has_exemptions_of(new)),
        };
        for usage in once {
            let turned = policies.turned(&usage, now);
            counted.add(&usage, turned);
        }
        counted.choose(most);
        counted.add_places(usages.into_iter());
        let Counted { uses, images, groups, .. } = counted;
        Self {
            uses,
            images: images.len(),
            newly_denied: groups.denied.into_hits(now),
            newly_warned: groups.warned.into_hits(now),
            newly_audited: groups.audited.into_hits(now),
            newly_admitted: groups.admitted.into_hits(now),
            perhaps_denied: groups.perhaps_denied.into_hits(now),
            perhaps_changed: groups.perhaps_changed.into_hits(now),
        }
    }

    /// Whether nobody notices the change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { newly_denied, newly_warned, newly_admitted, perhaps_denied, .. } = self;
        let noticed = [newly_denied, newly_warned, newly_admitted, perhaps_denied];
        noticed.into_iter().chain([&self.perhaps_changed]).all(|hits| hits.uses == 0)
    }
}

impl Hits {
    /// How many images are counted and not described.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.images.saturating_sub(self.most_frequent.len())
    }
}

/// How a use fares otherwise by the new policy than by the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Denied,
    Warned,
    Audited,
    Admitted,
    PerhapsDenied,
    PerhapsChanged,
}

/// Something for each turn.
#[derive(Default)]
struct ByTurn<T> {
    denied: T,
    warned: T,
    audited: T,
    admitted: T,
    perhaps_denied: T,
    perhaps_changed: T,
}

/// What uses are judged by.
struct Policies<'p> {
    old: Option<&'p Policy>,
    new: &'p Policy,
    /// Whether one of them goes by labels. Most do not, and their uses turn in one way.
    go_by_labels: bool,
    are_exempt_alike: bool,
}

/// How a use turns, if it does, and the rule that it breaks on the side that refuses or warns.
type Turning = Option<(Turn, Option<Rule>)>;

impl<'p> Policies<'p> {
    fn turned(&self, usage: &Usage<'_>, now: i64) -> Turning {
        let subject = usage.subject(now);
        let reference = Reference::parse(usage.image);
        let reference = reference.as_ref().map_err(|error| *error);
        if !self.go_by_labels {
            let outcome = |policy: &'p Policy| policy.outcome(&subject, usage.form(), reference);
            let before = self.old.map_or(Outcome::Allowed, outcome);
            return turn(before, outcome(self.new));
        }
        let outcomes = |policy: &'p Policy| -> Outcomes<'p> {
            policy.outcomes(&subject, usage.form(), usage.labels, reference)
        };
        let after = outcomes(self.new);
        let before = self.old.map_or_else(Outcomes::allowed, outcomes);
        let is_cut = before.is_cut() || after.is_cut();
        let mut all = None;
        before.pairs(&after, self.are_exempt_alike, |before, after| {
            let turn = turn(before, after);
            all = Some(all.map_or(turn, |all| either(all, turn)));
        });
        let turned = all.flatten();
        if is_cut { either(turned, Some((Turn::Denied, None))) } else { turned }
    }
}

/// How a use turns that fares so by the two policies.
fn turn(before: Outcome<'_>, after: Outcome<'_>) -> Turning {
    match (before.is_denied(), after.is_denied()) {
        (false, true) => Some((Turn::Denied, after.rule())),
        (true, false) => Some((Turn::Admitted, before.rule())),
        (false, false) if after.is_warned() && !before.is_warned() => {
            Some((Turn::Warned, after.rule()))
        }
        (false, false) if after.is_audited() && before.rule().is_none() => {
            Some((Turn::Audited, after.rule()))
        }
        _ => None,
    }
}

/// How a use turns that turns in the one way or in the other.
fn either(one: Turning, other: Turning) -> Turning {
    let turn = |turning: Turning| turning.map(|(turn, _)| turn);
    let both = [turn(one), turn(other)];
    if both[0] == both[1] {
        return one;
    }
    let is_denied = |turn: &Option<Turn>| matches!(turn, Some(Turn::Denied | Turn::PerhapsDenied));
    let rule = |turning: Turning| turning.and_then(|(_, rule)| rule);
    let denying = [one, other].into_iter().find(|each| is_denied(&turn(*each)));
    match denying {
        Some(denying) => Some((Turn::PerhapsDenied, rule(denying))),
        None => Some((Turn::PerhapsChanged, rule(one).or(rule(other)))),
    }
}

/// The uses by image.
#[derive(Default)]
struct Counted<'a> {
    uses: usize,
    /// Of each image, its group of each turn: its position there, from 1; 0 where it has none.
    images: HashMap<&'a str, ByTurn<u32>>,
    groups: ByTurn<Groups<'a>>,
    /// The uses that turn, by their position among all of them.
    turned: Vec<Turned>,
}

/// A use that turns.
struct Turned {
    usage: u32,
    group: u32,
    turn: Turn,
}

/// The images that turn in one way.
#[derive(Default)]
struct Groups<'a> {
    groups: Vec<Group<'a>>,
    /// The ones that are described, by their position, in the order in which they are.
    chosen: Vec<(u32, Places<'a>)>,
}

/// One image that turns in one way. There may be one for each use: it is kept small.
struct Group<'a> {
    image: &'a str,
    count: u64,
    last_seen: Option<i64>,
    uses: u32,
    /// Where it stands among those that are described, from 1; 0 for all others.
    rank: u32,
    rule: Option<Rule>,
}

/// Where an image is used, and by whom. Of the many uses of one image most are alike in both.
type Places<'a> = BTreeSet<(&'a str, Option<Owner<'a>>)>;

impl<T> ByTurn<T> {
    fn of(&mut self, turn: Turn) -> &mut T {
        match turn {
            Turn::Denied => &mut self.denied,
            Turn::Warned => &mut self.warned,
            Turn::Audited => &mut self.audited,
            Turn::Admitted => &mut self.admitted,
            Turn::PerhapsDenied => &mut self.perhaps_denied,
            Turn::PerhapsChanged => &mut self.perhaps_changed,
        }
    }
}

impl<'a> Counted<'a> {
    fn with_room_for((least, most): (usize, Option<usize>)) -> Self {
        let room = most.unwrap_or(least).min(USUAL_IMAGES);
        Self { images: HashMap::with_capacity(room), ..Self::default() }
    }

    fn add(&mut self, usage: &Usage<'a>, turned: Option<(Turn, Option<Rule>)>) {
        let of_image = self.images.entry(usage.image).or_default();
        if let Some((turn, rule)) = turned {
            let Groups { groups, .. } = self.groups.of(turn);
            let group = of_image.of(turn);
            if *group == 0 {
                groups.push(Group::of(usage.image));
                // Whoever reads the uses bounds them far below.
                *group = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            }
            if let Some(group) = groups.get_mut(*group as usize - 1) {
                group.add(usage, rule);
            }
            let usage = u32::try_from(self.uses).unwrap_or(u32::MAX);
            self.turned.push(Turned { usage, group: *group - 1, turn });
        }
        self.uses += 1;
    }

    /// Decides which groups are described: `most` of each turn.
    fn choose(&mut self, most: usize) {
        let ByTurn { denied, warned, audited, admitted, perhaps_denied, perhaps_changed } =
            &mut self.groups;
        for groups in [denied, warned, audited, admitted, perhaps_denied, perhaps_changed] {
            groups.choose(most);
        }
    }

    /// Collects the places of the groups that are described, from the same uses in the same order.
    fn add_places(&mut self, mut usages: impl Iterator<Item = Usage<'a>>) {
        let mut next = 0;
        for Turned { usage, group, turn } in &self.turned {
            let Groups { groups, chosen } = self.groups.of(*turn);
            let rank = groups.get(*group as usize).map_or(0, |group| group.rank as usize);
            let chosen = rank.checked_sub(1).and_then(|rank| chosen.get_mut(rank));
            let Some((_, places)) = chosen else { continue };
            let Some(found) = usages.nth((usage - next) as usize) else { return };
            next = usage + 1;
            places.insert((found.namespace, found.owner));
        }
    }
}

impl Groups<'_> {
    fn choose(&mut self, most: usize) {
        let Self { groups, chosen } = self;
        let mut order: Vec<_> = (0..u32::try_from(groups.len()).unwrap_or(u32::MAX)).collect();
        let key = |at: &u32| groups.get(*at as usize).map(|it| (Reverse(it.count), it.image));
        if order.len() > most {
            order.select_nth_unstable_by_key(most, key);
            order.truncate(most);
        }
        order.sort_unstable_by_key(key);
        for (at, rank) in order.into_iter().zip(1..) {
            if let Some(group) = groups.get_mut(at as usize) {
                group.rank = rank;
                chosen.push((at, Places::new()));
            }
        }
    }

    fn into_hits(self, now: i64) -> Hits {
        let Self { groups, chosen } = self;
        let day_ago = now.saturating_sub(DAY);
        let described =
            chosen.iter().filter_map(|(at, places)| Some(groups.get(*at as usize)?.hit(places)));
        let within_a_day = groups.iter().filter(|it| it.last_seen.is_some_and(|at| at > day_ago));
        Hits {
            uses: groups.iter().map(|group| group.uses as usize).sum(),
            images: groups.len(),
            images_within_a_day: within_a_day.count(),
            most_frequent: described.collect(),
        }
    }
}

impl<'a> Group<'a> {
    fn of(image: &'a str) -> Self {
        Self { image, count: 0, last_seen: None, uses: 0, rank: 0, rule: None }
    }

    fn add(&mut self, usage: &Usage<'a>, rule: Option<Rule>) {
        self.uses += 1;
        self.count = self.count.saturating_add(usage.count);
        self.last_seen = self.last_seen.max(usage.last_seen);
        self.rule = match (self.rule, rule) {
            (Some(first), Some(rule)) => Some(first.min(rule)),
            (first, rule) => first.or(rule),
        };
    }

    fn hit(&self, places: &Places<'_>) -> Hit {
        let Self { image, count, last_seen, uses, rank: _, rule } = self;
        let namespaces: BTreeSet<_> = places.iter().map(|(namespace, _)| *namespace).collect();
        let owners = places.iter().filter_map(|(namespace, owner)| Some((namespace, (*owner)?)));
        let owners_total = owners.clone().count();
        let owners =
            owners.take(MOST_NAMED).map(|(namespace, owner)| format!("{namespace}/{owner}"));
        Hit {
            image: (*image).to_owned(),
            uses: *uses as usize,
            count: *count,
            last_seen: *last_seen,
            namespaces: namespaces.iter().take(MOST_NAMED).map(ToString::to_string).collect(),
            more_namespaces: namespaces.len().saturating_sub(MOST_NAMED),
            owners: owners.collect(),
            more_owners: owners_total.saturating_sub(MOST_NAMED),
            rule: *rule,
        }
    }
}
