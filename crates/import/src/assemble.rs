//! Demands into rules: those that hold everywhere, and one set for each group of namespaces in which
//! others hold.
//!
//! ImageGate has one mode and one list of each kind for a namespace. Where demands of several modes
//! meet, the strictest stays; where two lists of allowed registries meet, what both cover.

use crate::demand::{Demand, Entry, Exemption, Found, Mode, Note, Rule, Scope};
use crate::globs::{self, Common, matches, meet};
use crate::places::problems;

/// A policy, ready to be written.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) base: Rules,
    /// With the namespaces of each.
    pub(crate) overrides: Vec<(Vec<String>, Rules)>,
    pub(crate) exemptions: Vec<Exemption>,
    pub(crate) notes: Vec<Note>,
}

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
    let nothing_but = |atom: Option<&str>| -> Vec<&Demand> {
        demands.iter().filter(|it| applies(&it.scope, atom)).collect()
    };
    let base = rules(&nothing_but(None), &mut found);
    let mut overrides: Vec<(Vec<String>, Rules)> = Vec::new();
    for (index, atom) in atoms.iter().enumerate() {
        let rules = rules(&nothing_but(Some(atom)), &mut found);
        let later = atoms.iter().skip(index + 1);
        if rules == base && !later.clone().any(|later| meet(later, atom)) {
            continue;
        }
        for other in later.filter(|other| meet(atom, other) && !matches(other, atom)) {
            let what = format!("namespaces `{atom}` and `{other}` may be the same");
            found.note("namespaces", what, "the first of the two overrides applies there");
        }
        match overrides.last_mut() {
            Some((namespaces, last)) if *last == rules => namespaces.push(atom.clone()),
            _ => overrides.push((vec![atom.clone()], rules)),
        }
    }
    let exemptions = exemptions(&demands, &mut found);
    Assembled { base, overrides, exemptions, notes: found.notes }
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

/// Whether a demand holds in the namespaces of an atom, or in those that nobody names.
fn applies(scope: &Scope, atom: Option<&str>) -> bool {
    let covers =
        |globs: &[String]| atom.is_some_and(|atom| globs.iter().any(|glob| matches(glob, atom)));
    (scope.namespaces.is_empty() || covers(&scope.namespaces)) && !covers(&scope.excluded)
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
