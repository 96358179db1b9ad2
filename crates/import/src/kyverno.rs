//! `ClusterPolicy` and `Policy` of Kyverno: patterns over `image`, and conditions over
//! `images.containers` and `element.image`.
//!
//! Patterns are those of its documentation: `|` between alternatives, `&` between what holds together,
//! `!` before what must not match, `*` for any run and `?` for one character.

use serde_json::Value;

use crate::demand::{Demand, Entry, Found, Mode, Rule, Scope};
use crate::places::{Covered, Use};
use crate::read::{Document, items, text, texts};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Reads a policy; `false` where the document is none.
pub(crate) fn read(document: &Document, found: &mut Found) -> bool {
    let kind = document.text("/kind");
    if !document.is_of("kyverno.io") || !["ClusterPolicy", "Policy"].contains(&kind) {
        return false;
    }
    found.sources += 1;
    for rule in items(&document.value, "/spec/rules") {
        read_rule(document, rule, found);
    }
    true
}

fn read_rule(document: &Document, rule: &Value, found: &mut Found) {
    let source = format!("{}, rule {}", document.name(), text(rule, "/name"));
    let Some(validate) = rule.get("validate") else {
        let what = "is a rule that does not validate";
        found.note(&source, what, "it was left out: ImageGate changes and verifies nothing");
        return;
    };
    let Some(scope) = scope(document, rule, &source, found) else { return };
    let action = match text(validate, "/failureAction") {
        "" => document.text("/spec/validationFailureAction"),
        action => action,
    };
    let mode = if action.eq_ignore_ascii_case("enforce") { Mode::Enforce } else { Mode::Audit };
    let mut rules = Vec::new();
    if let Some(pattern) = validate.get("pattern") {
        for image in images_of(pattern, &source, found) {
            conjunction(&image, &format!("{source}, validate.pattern"), &mut rules, found);
        }
    } else if !items(validate, "/anyPattern").is_empty() {
        let mut allowed = Vec::new();
        for (index, pattern) in items(validate, "/anyPattern").iter().enumerate() {
            let place = format!("{source}, validate.anyPattern[{index}]");
            for image in images_of(pattern, &place, found) {
                allowed.extend(found.entries(&place, &image, Covered::Glob, Use::Allow));
            }
        }
        rules.push(Rule::AllowRegistries(allowed));
    } else {
        let each = items(validate, "/foreach").iter().map(|each| (each, "validate.foreach"));
        for (part, place) in each.chain([(validate, "validate")]) {
            let place = format!("{source}, {place}");
            if let Some(image) = part.pointer("/pattern/image").and_then(Value::as_str) {
                conjunction(image, &place, &mut rules, found);
            }
            for conditions in conditions(part) {
                condition(conditions, &format!("{place}.deny"), &mut rules, found);
            }
        }
    }
    if rules.is_empty() {
        found.note(&source, "has no condition over images that is known here", "it was left out");
    }
    for rule in rules {
        found.demands.push(Demand { source: source.clone(), scope: scope.clone(), mode, rule });
    }
}

/// Where a rule holds; `None` where it does not hold for Pods.
fn scope(document: &Document, rule: &Value, source: &str, found: &mut Found) -> Option<Scope> {
    let mut scope = Scope::default();
    if document.text("/kind") == "Policy" {
        scope.namespaces.push(document.text("/metadata/namespace").to_owned());
    }
    let filters = |of: &str| {
        let direct = rule.get(of).filter(|of| of.get("resources").is_some());
        let any = items(rule, &format!("/{of}/any")).iter();
        direct.into_iter().chain(any).chain(items(rule, &format!("/{of}/all"))).collect::<Vec<_>>()
    };
    let mut kinds = Vec::new();
    for filter in filters("match") {
        kinds.extend(texts(filter, "/resources/kinds"));
        scope.namespaces.extend(texts(filter, "/resources/namespaces"));
        other_fields(filter, source, "it holds for all of them", found);
    }
    let is_pod = |kind: &String| kind == "*" || kind.rsplit('/').next() == Some("Pod");
    if !kinds.is_empty() && !kinds.iter().any(is_pod) {
        found.note(source, "does not match Pods", "it was left out: images are judged in Pods");
        return None;
    }
    for filter in filters("exclude") {
        scope.excluded.extend(texts(filter, "/resources/namespaces"));
        other_fields(filter, source, "it is not excluded", found);
    }
    if rule.get("preconditions").is_some() {
        found.note(source, "has preconditions", "it holds without them");
    }
    Some(scope)
}

fn other_fields(filter: &Value, source: &str, nearest: &str, found: &mut Found) {
    let resources = filter.get("resources").and_then(Value::as_object);
    let fields = resources.into_iter().flat_map(|fields| fields.keys());
    let known = ["kinds", "namespaces", "operations"];
    let others = fields.filter(|field| !known.contains(&field.as_str())).cloned();
    let beside = filter.as_object().into_iter().flat_map(|fields| fields.keys());
    let beside = beside.filter(|field| *field != "resources").cloned();
    for field in others.chain(beside) {
        found.note(source, format!("`{field}` selects by what is not looked at here"), nearest);
    }
}

/// The patterns over `image` of all lists of containers, each once.
fn images_of(pattern: &Value, place: &str, found: &mut Found) -> Vec<String> {
    let mut images = Vec::new();
    let mut seen = Vec::new();
    // `=(spec)`, `X(…)` and the like are anchors around a name.
    let name = |key: &str| key.trim_end_matches(')').rsplit('(').next().unwrap_or(key).to_owned();
    let specs = pattern.as_object().into_iter().flatten().filter(|(key, _)| name(key) == "spec");
    for (key, list) in specs.filter_map(|(_, spec)| spec.as_object()).flatten() {
        let key = name(key);
        if !LISTS.contains(&key.as_str()) {
            found.note(place, format!("asks for `{key}` too"), "that part was left out");
            continue;
        }
        seen.push(key);
        for (field, value) in
            list.as_array().into_iter().flatten().filter_map(Value::as_object).flatten()
        {
            match value.as_str() {
                Some(image) if name(field) == "image" => {
                    if !images.contains(&image.to_owned()) {
                        images.push(image.to_owned());
                    }
                }
                _ if name(field) == "name" => {}
                _ => found.note(place, format!("asks for `{field}` too"), "that part was left out"),
            }
        }
    }
    if !seen.is_empty() && seen.len() < LISTS.len() {
        let missing: Vec<_> =
            LISTS.iter().filter(|list| !seen.contains(&(**list).to_owned())).collect();
        let what = format!("does not look at {missing:?}").replace('"', "`");
        found.note(place, what, "images of every list are judged");
    }
    images
}

/// A pattern over `image`: parts that hold together.
fn conjunction(pattern: &str, place: &str, rules: &mut Vec<Rule>, found: &mut Found) {
    for part in pattern.split('&').map(str::trim) {
        let alternatives: Vec<&str> = part.split('|').map(str::trim).collect();
        match alternatives.as_slice() {
            [one] if one.starts_with('!') => {
                blocked(one.trim_start_matches('!'), place, rules, found);
            }
            ["*:*"] => rules.push(Rule::RequireTag(place.to_owned())),
            ["*@*" | "*@sha256:*" | "*@sha256*"] => {
                rules.push(Rule::RequireDigest(place.to_owned()));
            }
            alternatives if alternatives.iter().any(|it| it.starts_with('!')) => {
                let what = format!("`{part}` has `!` beside `|`");
                found.note(place, what, "it was left out");
            }
            alternatives if alternatives.iter().all(|it| it.starts_with("*:")) => {
                let tag = |it: &&str| Entry::same(it.trim_start_matches("*:"), place);
                rules.push(Rule::AllowTags(alternatives.iter().map(tag).collect()));
            }
            alternatives => {
                let each = alternatives.iter();
                let entries =
                    each.flat_map(|it| found.entries(place, it, Covered::Glob, Use::Allow));
                let entries = entries.collect();
                rules.push(Rule::AllowRegistries(entries));
            }
        }
    }
}

/// What must not match.
fn blocked(glob: &str, place: &str, rules: &mut Vec<Rule>, found: &mut Found) {
    match glob.strip_prefix("*:") {
        Some("*") | None => {
            let entries = found.entries(place, glob, Covered::Glob, Use::Block);
            rules.push(Rule::BlockRegistries(entries));
        }
        Some(tag) => rules.push(Rule::BlockTags(vec![Entry::same(tag, place)])),
    }
}

/// The conditions of `deny`, in their shapes.
fn conditions(part: &Value) -> Vec<&Value> {
    let all = ["/deny/conditions", "/deny/conditions/any", "/deny/conditions/all"];
    all.iter()
        .flat_map(|pointer| items(part, pointer))
        .filter(|it| it.get("key").is_some())
        .collect()
}

/// A condition that denies.
fn condition(condition: &Value, place: &str, rules: &mut Vec<Rule>, found: &mut Found) {
    let key: String = text(condition, "/key").chars().filter(|it| !it.is_whitespace()).collect();
    let operator = text(condition, "/operator");
    let one = condition.get("value").and_then(Value::as_str).map(str::to_owned);
    let values = texts(condition, "/value").into_iter().chain(one).collect::<Vec<_>>();
    let is_literal = !values.is_empty() && !values.iter().any(|value| value.contains("{{"));
    let place_of_values = format!("{place}.value");
    let path = key.trim_matches(['{', '}']).split("||").next().unwrap_or_default().to_owned();
    let registry = path.contains("images.") && path.contains("registry");
    let image = path == "element.image";
    let (covered, of) = match operator {
        "AnyNotIn" | "NotIn" | "NotEquals" | "NotEqual" | "AllNotIn" => (Use::Allow, "allow"),
        "AnyIn" | "In" | "Equals" | "Equal" | "AllIn" => (Use::Block, "block"),
        _ => (Use::Allow, ""),
    };
    if !is_literal || of.is_empty() || !(registry || image) {
        let what = format!("denies by `{key}` {operator}");
        found.note(place, what, "that condition was left out");
        return;
    }
    let comparison = if registry { Covered::Host } else { Covered::Glob };
    let mut entries = found.all_entries(&place_of_values, &values, comparison, covered);
    // `images` is parsed, and Docker Hub is the registry of what names none.
    for it in &mut entries {
        it.short |= registry && it.pattern == "docker.io";
    }
    rules.push(match covered {
        Use::Allow => Rule::AllowRegistries(entries),
        Use::Block => Rule::BlockRegistries(entries),
    });
}
