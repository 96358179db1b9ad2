//! Demands into rules: those that hold everywhere, and one set for each group of namespaces in which
//! others hold.
//!
//! ImageGate has one mode and one list of each kind for a namespace. Where demands of several modes
//! meet, the strictest stays; where two lists of allowed registries meet, what both cover.

use crate::demand::{Demand, Entry, Exemption, Found, Mode, Note, Rule, Scope};
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
    pub(crate) allowed_tags: Vec<Entry>,
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
        if rules == base && !later.clone().any(|later| matches(later, atom)) {
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

/// Whether a glob covers a text, or all that another glob covers.
fn matches(glob: &str, text: &str) -> bool {
    let Some((start, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(last)
}

/// Whether one namespace may match both, as far as the ends of globs tell.
fn meet(one: &str, other: &str) -> bool {
    if !one.contains('*') || !other.contains('*') {
        return matches(one, other) || matches(other, one);
    }
    let start = |glob: &str| glob.split('*').next().unwrap_or_default().to_owned();
    let end = |glob: &str| glob.rsplit('*').next().unwrap_or_default().to_owned();
    let (a, b, c, d) = (start(one), start(other), end(one), end(other));
    (a.starts_with(&b) || b.starts_with(&a)) && (c.ends_with(&d) || d.ends_with(&c))
}

/// The rules that are all of these demands.
fn rules(demands: &[&Demand], found: &mut Found) -> Rules {
    let mode = demands.iter().map(|it| it.mode).max().unwrap_or(Mode::Enforce);
    let mut rules = Rules {
        sources: Vec::new(),
        mode,
        allowed_registries: None,
        blocked_registries: Vec::new(),
        allowed_tags: Vec::new(),
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
            Rule::AllowTags(entries) if rules.allowed_tags.is_empty() => {
                rules.allowed_tags.clone_from(entries);
            }
            Rule::AllowTags(entries) => {
                let tags = rules.allowed_tags.clone();
                rules.allowed_tags = both(&tags, entries, source, found);
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
    rules.short_names = rules.allowed_registries.as_ref().is_none_or(|allowed| {
        allowed.is_empty() || allowed.iter().any(|entry| entry.short || entry.pattern == "*")
    });
    if rules.allowed_registries.as_ref().is_some_and(Vec::is_empty) {
        let nearest = "`registry.invalid` stands for none, so every image is refused";
        found.note("allowedRegistries", "no allowed registry is left", nearest);
        rules.short_names = false;
        let entry = Entry::same("registry.invalid", "no allowed registry is left");
        rules.allowed_registries = Some(vec![entry]);
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
        let is_known = both.iter().any(|known| known.pattern == entry.pattern);
        if !is_known && others.iter().any(|it| covers(&it.pattern, &entry.pattern)) {
            both.push(entry.clone());
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
