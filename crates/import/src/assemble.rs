//! Demands into rules: those that hold everywhere, and one set for each group of namespaces in which
//! others hold.
//!
//! ImageGate has one mode and one list of each kind for a namespace. Where demands of several modes
//! meet, the strictest stays; where two lists of allowed registries meet, what both cover.

use crate::demand::{Demand, Entry, Exemption, Found, Mode, Note, Pull, Rule, Scope};
use crate::globs::{self, Common, matches, meet};
use crate::labels;
use crate::places::problems;

/// A policy, ready to be written.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) base: Rules,
    pub(crate) overrides: Vec<Override>,
    pub(crate) exemptions: Vec<Exemption>,
    pub(crate) notes: Vec<Note>,
}

/// Rules for some namespaces, or for some Pods.
#[derive(Debug)]
pub(crate) struct Override {
    /// None for all of them.
    pub(crate) namespaces: Vec<String>,
    /// The selector of the Pods, as a policy writes it in JSON.
    pub(crate) pods: Option<String>,
    pub(crate) rules: Rules,
}

/// Selectors of labels that are told apart: each set of them is an override of its own.
const MOST_SELECTORS: usize = 3;

/// The rules for some namespaces. An empty list of allowed registries means that no source has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The files and objects whose demands they are.
    pub(crate) sources: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) allowed_registries: Option<Vec<Entry>>,
    pub(crate) blocked_registries: Vec<Entry>,
    /// `None` where no source lists tags.
    pub(crate) allowed_tags: Option<Vec<Entry>>,
    pub(crate) blocked_tags: Vec<Entry>,
    pub(crate) require_tag: Option<String>,
    pub(crate) require_digest: Option<String>,
    pub(crate) require_pull: Option<Pull>,
    /// Whether an image may leave its registry out.
    pub(crate) short_names: bool,
}

/// Puts together what was found.
pub(crate) fn assemble(mut found: Found) -> Assembled {
    let mut demands = std::mem::take(&mut found.demands);
    for demand in &mut demands {
        retain_tags(demand, &mut found);
    }
    let mut atoms = atoms(&demands);
    atoms.retain(|atom| {
        let policy = format!("overrides: [{{name: a, namespaces: [{}]}}]", serde_json::json!(atom));
        let is_namespace = problems(&policy).is_none();
        if !is_namespace {
            let what = format!("`{atom}` can be no namespace");
            found.note("namespaces", what, "it was left out");
        }
        is_namespace
    });
    let selectors = selectors(&mut demands, &mut found);
    let sets = sets(&selectors);
    // By each set of selectors that select a Pod, the larger first, and in the end by none.
    let mut by_set = |atom: Option<&str>| -> Vec<Rules> {
        let of_set = |set: &Vec<&str>| {
            let demands: Vec<_> =
                demands.iter().filter(|it| applies(&it.scope, atom, set)).collect();
            rules(&demands, &mut found)
        };
        sets.iter().map(of_set).collect()
    };
    let everywhere = by_set(None);
    let in_atoms: Vec<_> = atoms.iter().map(|atom| by_set(Some(atom))).collect();
    let mut groups: Vec<(Vec<String>, Vec<Rules>)> = Vec::new();
    for (index, (atom, rules)) in atoms.iter().zip(in_atoms).enumerate() {
        let later = atoms.iter().skip(index + 1);
        if rules == everywhere && !later.clone().any(|later| meet(later, atom)) {
            continue;
        }
        for other in later.filter(|other| meet(atom, other) && !matches(other, atom)) {
            let what = format!("namespaces `{atom}` and `{other}` may be the same");
            found.note("namespaces", what, "the first of the two overrides applies there");
        }
        match groups.last_mut() {
            Some((namespaces, last)) if *last == rules => namespaces.push(atom.clone()),
            _ => groups.push((vec![atom.clone()], rules)),
        }
    }
    groups.push((Vec::new(), everywhere));
    let mut overrides = Vec::new();
    let mut base = None;
    for (namespaces, rules) in groups {
        let is_one = rules.iter().all(|each| Some(each) == rules.last());
        for (set, rules) in sets.iter().zip(rules) {
            let pods = (!set.is_empty()).then(|| labels::of_all(set));
            match pods {
                Some(_) if is_one => {}
                None if namespaces.is_empty() => base = Some(rules),
                pods => overrides.push(Override { namespaces: namespaces.clone(), pods, rules }),
            }
        }
    }
    let base = base.unwrap_or_else(|| rules(&[], &mut found));
    let exemptions = exemptions(&demands, &mut found);
    Assembled { base, overrides, exemptions, notes: found.notes }
}

/// The selectors of labels that are told apart. Demands that go by others hold for all Pods then, and
/// a note says so.
fn selectors(demands: &mut [Demand], found: &mut Found) -> Vec<String> {
    let mut selectors: Vec<String> = Vec::new();
    for Demand { source, scope, .. } in demands {
        scope.pods.retain(|pods| {
            let is_known = selectors.contains(&pods.selector);
            let has_room = is_known || selectors.len() < MOST_SELECTORS;
            if !is_known && has_room {
                selectors.push(pods.selector.clone());
            }
            if !has_room {
                let what = format!("selects by labels, beyond {MOST_SELECTORS} other selectors");
                found.note(source, what, "it holds for all of them");
            }
            has_room
        });
    }
    selectors
}

/// Each set of some of them, the larger first.
fn sets(selectors: &[String]) -> Vec<Vec<&str>> {
    let mut sets: Vec<Vec<&str>> = vec![Vec::new()];
    for selector in selectors {
        let with = sets.clone().into_iter().map(|set| [set, vec![selector.as_str()]].concat());
        sets.extend(with.collect::<Vec<_>>());
    }
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    sets
}

/// Leaves out tags that are none, and says so.
fn retain_tags(demand: &mut Demand, found: &mut Found) {
    let (Rule::AllowTags(entries) | Rule::BlockTags(entries)) = &mut demand.rule else { return };
    entries.retain(|entry| {
        let pattern = serde_json::json!(entry.pattern);
        let is_pattern = problems(&format!("blockedTags: [{pattern}]")).is_none();
        if !is_pattern {
            let what = format!("`{}` is no pattern over tags", entry.pattern);
            found.note(&entry.from, what, "it was left out");
        }
        is_pattern
    });
}

/// The namespaces that a scope names, the narrower first.
fn atoms(demands: &[Demand]) -> Vec<String> {
    let of = |it: &Demand| [it.scope.namespaces.clone(), it.scope.excluded.clone()].concat();
    let mut atoms: Vec<String> = demands.iter().flat_map(of).filter(|it| !it.is_empty()).collect();
    atoms.sort_by_key(|atom| (atom.contains('*'), std::cmp::Reverse(atom.len()), atom.clone()));
    atoms.dedup();
    atoms
}

/// Whether a demand holds in the namespaces of an atom, or in those that nobody names, for the Pods that
/// these selectors select and no others do.
fn applies(scope: &Scope, atom: Option<&str>, selectors: &[&str]) -> bool {
    let covers =
        |globs: &[String]| atom.is_some_and(|atom| globs.iter().any(|glob| matches(glob, atom)));
    (scope.namespaces.is_empty() || covers(&scope.namespaces))
        && !covers(&scope.excluded)
        && scope.pods.iter().all(|it| selectors.contains(&it.selector.as_str()) == it.are_selected)
}

/// The rules that are all of these demands.
fn rules(demands: &[&Demand], found: &mut Found) -> Rules {
    let mode = demands.iter().map(|it| it.mode).max().unwrap_or(Mode::Enforce);
    let mut rules = Rules {
        sources: Vec::new(),
        mode,
        allowed_registries: None,
        blocked_registries: Vec::new(),
        allowed_tags: None,
        blocked_tags: Vec::new(),
        require_tag: None,
        require_digest: None,
        require_pull: None,
        short_names: false,
    };
    let mut untagged_is_latest = false;
    for Demand { source, mode: weaker, rule, .. } in demands {
        if *weaker < mode {
            let what = format!("its mode is {}, that of others {}", weaker.name(), mode.name());
            let nearest = "it was left out; put it into `candidate.yaml` to see whom it would hit";
            found.note(source, what, nearest);
            continue;
        }
        if !rules.sources.contains(source) {
            rules.sources.push(source.clone());
        }
        match rule {
            Rule::AllowRegistries(entries) => {
                rules.allowed_registries = Some(match rules.allowed_registries.take() {
                    None => entries.clone(),
                    Some(before) => both(&before, entries, source, found),
                });
            }
            Rule::AllowTags(entries) => {
                rules.allowed_tags = Some(match rules.allowed_tags.take() {
                    None => entries.clone(),
                    Some(before) => both_tags(&before, entries, source, found),
                });
            }
            Rule::BlockRegistries(entries) => extend(&mut rules.blocked_registries, entries),
            Rule::BlockTags(entries) => extend(&mut rules.blocked_tags, entries),
            Rule::UntaggedIsLatest => untagged_is_latest = true,
            Rule::RequireTag(place) => {
                rules.require_tag.get_or_insert_with(|| place.clone());
            }
            Rule::RequireDigest(place) => {
                rules.require_digest.get_or_insert_with(|| place.clone());
            }
            Rule::RequirePull(pull) => {
                let known = rules.require_pull.as_ref();
                if known.is_none_or(|known| pull.is_for_all && !known.is_for_all) {
                    rules.require_pull = Some(pull.clone());
                }
            }
        }
    }
    rules.short_names = rules
        .allowed_registries
        .as_ref()
        .is_none_or(|allowed| allowed.iter().any(|entry| entry.short));
    // An empty list would mean that all are allowed.
    let is_empty = |list: &Option<Vec<Entry>>| list.as_ref().is_some_and(Vec::is_empty);
    let of_tags = is_empty(&rules.allowed_tags);
    if of_tags || is_empty(&rules.allowed_registries) {
        let (field, what) = if of_tags {
            rules.allowed_tags = None;
            ("allowedTags", "no allowed tag is left")
        } else {
            ("allowedRegistries", "no allowed registry is left")
        };
        let nearest = "`registry.invalid` stands for none, so every image is refused";
        found.note(field, what, nearest);
        rules.short_names = false;
        rules.allowed_registries = Some(vec![Entry::same("registry.invalid", what)]);
    }
    let latest = rules.blocked_tags.iter().find(|it| matches(&it.pattern, "latest"));
    if let Some(latest) = latest.filter(|_| rules.require_tag.is_none()) {
        if !untagged_is_latest {
            let what = "there an image without a tag is admitted, though it is pulled as `latest`";
            found.note(&latest.from, what, "it is refused as `latest` is");
        }
        let why = "an image without a tag is pulled as `latest`, which is refused";
        rules.require_tag = Some(why.to_owned());
    }
    rules
}

fn extend(entries: &mut Vec<Entry>, more: &[Entry]) {
    for entry in more {
        if !entries.iter().any(|known| known.pattern == entry.pattern) {
            entries.push(entry.clone());
        }
    }
}

/// The entries that both lists cover.
fn both(one: &[Entry], other: &[Entry], source: &str, found: &mut Found) -> Vec<Entry> {
    let mut both: Vec<Entry> = Vec::new();
    for (entry, others) in one.iter().map(|it| (it, other)).chain(other.iter().map(|it| (it, one)))
    {
        if both.iter().any(|known| known.pattern == entry.pattern) {
            continue;
        }
        let covering: Vec<_> =
            others.iter().filter(|it| covers(&it.pattern, &entry.pattern)).collect();
        if !covering.is_empty() {
            let short = entry.short && covering.iter().any(|it| it.short);
            both.push(Entry { short, ..entry.clone() });
        }
    }
    let is_glob = |it: &Entry| it.pattern != "*" && it.pattern.contains(['*', '/']);
    if one
        .iter()
        .chain(other)
        .any(|it| is_glob(it) && it.pattern.trim_end_matches("/*").contains('*'))
    {
        let what = "two lists hold together, and one has globs or regexes";
        found.note(source, what, "only entries that are certainly in both were kept");
    }
    both
}

/// The tags that both lists allow.
fn both_tags(one: &[Entry], other: &[Entry], source: &str, found: &mut Found) -> Vec<Entry> {
    let mut both = Vec::new();
    let is_regex = |it: &Entry| it.pattern.starts_with('/');
    for (entry, other) in one.iter().flat_map(|one| other.iter().map(move |other| (one, other))) {
        let common = if entry.pattern == other.pattern {
            Common::Globs(vec![entry.pattern.clone()])
        } else if is_regex(entry) || is_regex(other) {
            Common::Unknown
        } else {
            globs::common(&entry.pattern, &other.pattern)
        };
        match common {
            Common::Globs(globs) => {
                let from = if globs.contains(&other.pattern) { &other.from } else { &entry.from };
                let entries = globs.iter().map(|glob| Entry::same(glob, from));
                extend(&mut both, &entries.collect::<Vec<_>>());
            }
            Common::Unknown => {
                let what =
                    format!("allows tags that `{}` and `{}` share", entry.pattern, other.pattern);
                found.note(source, what, "they were left out, so those images are refused");
            }
        }
    }
    both
}

/// Whether whatever the second pattern covers the first covers too, as far as texts tell.
fn covers(wide: &str, narrow: &str) -> bool {
    if wide == "*" || wide == narrow {
        return true;
    }
    let (base, below) = match wide.strip_suffix("/*") {
        Some(base) => (base, true),
        None => (wide, false),
    };
    if base.contains('*') || base.starts_with('/') {
        return false;
    }
    match narrow.strip_prefix(base) {
        Some("") => !below,
        // A place covers its images; behind a host alone the colon is that of a port.
        Some(rest) => rest.starts_with('/') || base.contains('/') && rest.starts_with([':', '@']),
        None => false,
    }
}

/// The exemptions that lift no demand of another source.
fn exemptions(demands: &[Demand], found: &mut Found) -> Vec<Exemption> {
    let all = std::mem::take(&mut found.exemptions);
    let (kept, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|exemption| {
        let others = demands.iter().filter(|it| it.source != exemption.source);
        !others.into_iter().any(|it| exemption.rules.contains(&it.rule.name()))
    });
    for exemption in left {
        let images: Vec<_> = exemption.images.iter().map(|it| it.pattern.as_str()).collect();
        let what = format!("exempts `{}` from its own demand alone", images.join("`, `"));
        let nearest = "it was left out, since another source demands the like";
        found.note(&exemption.source, what, nearest);
    }
    kept
}
