//! `ClusterPolicy` and `Policy` of Kyverno: patterns over `image`, and conditions over
//! `images.containers` and `element.image`.
//!
//! Patterns are those of its documentation: `|` between alternatives, `&` between what holds together,
//! `!` before what must not match, `*` for any run and `?` for one character.

use serde_json::Value;

use crate::demand::{Demand, Found, Mode, Pull, Rule, Scope};
use crate::globs;
use crate::kyverno_patterns::{asked_of, conjunction};
use crate::labels::{self, Pods};
use crate::places::{Covered, Use};
use crate::read::{Document, items, text, texts};

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
    let mut rules = Vec::new();
    if let Some(pattern) = validate.get("pattern") {
        let asked = asked_of(pattern, &source, found);
        let place = format!("{source}, validate.pattern");
        for image in asked.images {
            conjunction(&image, &place, &mut rules, found);
        }
        rules.extend(
            asked
                .pull
                .map(|is_for_all| Rule::RequirePull(Pull { is_for_all, from: place.clone() })),
        );
    } else if !items(validate, "/anyPattern").is_empty() {
        let mut allowed = Vec::new();
        for (index, pattern) in items(validate, "/anyPattern").iter().enumerate() {
            let place = format!("{source}, validate.anyPattern[{index}]");
            let asked = asked_of(pattern, &place, found);
            if asked.pull.is_some() {
                let what = "asks for `imagePullPolicy` as one of several patterns";
                found.note(&place, what, "that part was left out");
            }
            for image in asked.images {
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
    for (scope, mode) in actions(document, validate, scope, &source, found) {
        let demand = |rule: &Rule| {
            let (source, scope, rule) = (source.clone(), scope.clone(), rule.clone());
            Demand { source, scope, mode, rule }
        };
        found.demands.extend(rules.iter().map(demand));
    }
}

/// A rule's modes, each with where it holds. As there, the first override that names a namespace says
/// it, and those of the policy count only for a rule that has no action of its own.
fn actions(
    document: &Document,
    validate: &Value,
    scope: Scope,
    source: &str,
    found: &mut Found,
) -> Vec<(Scope, Mode)> {
    let own = text(validate, "/failureAction");
    let of_rule = items(validate, "/failureActionOverrides").iter();
    let (action, of_policy) = match own {
        "" => {
            let overrides = items(&document.value, "/spec/validationFailureActionOverrides");
            (document.text("/spec/validationFailureAction"), overrides)
        }
        own => (own, &[][..]),
    };
    let mut rest = scope;
    let mut held = Vec::new();
    for part in of_rule.chain(of_policy) {
        let Some(mode) = mode(text(part, "/action")) else { continue };
        let namespaces = texts(part, "/namespaces");
        if part.get("namespaceSelector").is_some_and(|it| !it.is_null()) {
            let what = format!("has the failure action `{}` by a selector", text(part, "/action"));
            if mode != Mode::Enforce {
                found.note(source, what, "that override was left out");
                continue;
            }
            found.note(source, what, "it holds for all that the selector may select");
            if namespaces.is_empty() {
                held.push((rest, mode));
                return held;
            }
        }
        // There an override without namespaces and without a selector selects nothing.
        if !namespaces.is_empty() {
            held.extend(rest.clone().within(&namespaces, source, found).map(|it| (it, mode)));
            rest.excluded.extend(namespaces);
        }
    }
    held.push((rest, mode(action).unwrap_or(Mode::Audit)));
    held
}

fn mode(action: &str) -> Option<Mode> {
    match action.to_ascii_lowercase().as_str() {
        "enforce" => Some(Mode::Enforce),
        "audit" => Some(Mode::Audit),
        _ => None,
    }
}

/// Where a rule holds; `None` where that is nowhere, or not for Pods.
fn scope(document: &Document, rule: &Value, source: &str, found: &mut Found) -> Option<Scope> {
    let mut scope = Scope::default();
    if document.text("/kind") == "Policy" {
        match document.text("/metadata/namespace") {
            "" => {
                let what = "names no namespace, and there holds in the one that it is applied to";
                found.note(source, what, "it holds in all of them");
            }
            namespace => scope.namespaces.push(namespace.to_owned()),
        }
    }
    let Some(matched) = matched(rule, source, found) else {
        found.note(source, "does not match Pods", "it was left out: images are judged in Pods");
        return None;
    };
    for namespaces in matched {
        let Some(narrower) = scope.within(&namespaces, source, found) else {
            found.note(source, "matches no namespace", "it was left out");
            return None;
        };
        scope = narrower;
    }
    scope.pods.extend(selected(rule));
    let Some((excluded, pods)) = excluded(rule, source, found) else {
        found.note(source, "excludes every Pod", "it was left out");
        return None;
    };
    scope.excluded = excluded;
    scope.pods.extend(pods);
    if rule.get("preconditions").is_some() {
        found.note(source, "has preconditions", "it holds without them");
    }
    Some(scope)
}

/// The filters of `match` or `exclude`, and whether all have to hold.
fn filters<'r>(rule: &'r Value, of: &str) -> (Vec<&'r Value>, bool) {
    let any = items(rule, &format!("/{of}/any"));
    let all = items(rule, &format!("/{of}/all"));
    if !any.is_empty() {
        return (any.iter().collect(), false);
    }
    if !all.is_empty() {
        return (all.iter().collect(), true);
    }
    let is_filter = |it: &&Value| it.as_object().is_some_and(|fields| !fields.is_empty());
    (rule.get(of).filter(is_filter).into_iter().collect(), true)
}

/// The Pods that a rule selects by their labels, where all of its filters ask for the same.
fn selected(rule: &Value) -> Option<Pods> {
    let (filters, all) = filters(rule, "match");
    let of_pods = filters.into_iter().filter(|filter| may_match_pods(filter));
    let mut selectors: Vec<_> = of_pods.map(selector_of).collect();
    if all {
        selectors.retain(|selector| *selector != Selector::None);
    }
    selectors.dedup();
    match selectors.as_slice() {
        [Selector::Said(selector)] => Some(Pods { selector: selector.clone(), are_selected: true }),
        _ => None,
    }
}

/// What a filter asks of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selector {
    None,
    Said(String),
    /// Such as one with a wildcard.
    Unsaid,
}

fn selector_of(filter: &Value) -> Selector {
    match filter.pointer("/resources/selector").filter(|it| !it.is_null()) {
        None => Selector::None,
        Some(selector) => match labels::selector(selector) {
            Some(selector) if selector.is_empty() => Selector::None,
            Some(selector) => Selector::Said(selector),
            None => Selector::Unsaid,
        },
    }
}

/// Lists of namespaces, each of which has to name that of a Pod; `None` where no Pod is matched.
fn matched(rule: &Value, source: &str, found: &mut Found) -> Option<Vec<Vec<String>>> {
    let (filters, all) = filters(rule, "match");
    let count = filters.len();
    let of_pods: Vec<_> = filters.into_iter().filter(|filter| may_match_pods(filter)).collect();
    if count > 0 && (of_pods.is_empty() || all && of_pods.len() < count) {
        return None;
    }
    let mut lists = Vec::new();
    for filter in of_pods {
        let is_said = selected(rule).is_some() || selector_of(filter) == Selector::None;
        for field in other_fields(filter).into_iter().filter(|it| !(it == "selector" && is_said)) {
            let what = format!("`{field}` selects by what is not looked at here");
            found.note(source, what, "it holds for all of them");
        }
        lists.push(texts(filter, "/resources/namespaces"));
    }
    // A filter without namespaces means all of them.
    let named = |list: &Vec<String>| !list.is_empty();
    Some(match (all, lists.iter().all(named)) {
        (true, _) => lists.into_iter().filter(named).collect(),
        (false, true) if count > 0 => vec![lists.concat()],
        (false, _) => Vec::new(),
    })
}

/// The namespaces in which no Pod is matched, and the Pods that alone are matched elsewhere; `None` where
/// none is anywhere. A filter excludes a namespace, or Pods by their labels, only if it asks for nothing
/// else.
fn excluded(rule: &Value, source: &str, found: &mut Found) -> Option<(Vec<String>, Vec<Pods>)> {
    let (filters, all) = filters(rule, "exclude");
    let is_one = filters.len() == 1;
    let mut pods = Vec::new();
    let mut unsaid = Vec::new();
    let mut lists = Vec::new();
    let mut of_others = false;
    for filter in filters {
        if !may_match_pods(filter) {
            of_others = true;
            continue;
        }
        let mut others = other_fields(filter);
        if let Selector::Said(selector) = selector_of(filter)
            && others == ["selector"]
            && texts(filter, "/resources/namespaces").is_empty()
            && certainly_matches_pods(filter)
            && (is_one || !all)
        {
            pods.push(Pods { selector, are_selected: false });
            continue;
        }
        let is_named = |field: &str| !texts(filter, field).is_empty();
        if others.is_empty() && !is_named("/resources/kinds") && !is_named("/resources/namespaces")
        {
            others.push("resources".to_owned());
        }
        if !certainly_matches_pods(filter) {
            others.push("kinds".to_owned());
        }
        if others.is_empty() {
            lists.push(texts(filter, "/resources/namespaces"));
        }
        unsaid.extend(others);
    }
    if all && of_others {
        return Some((Vec::new(), pods));
    }
    if all && lists.iter().filter(|list| !list.is_empty()).count() > 1 {
        unsaid.push("namespaces".to_owned());
    }
    for field in &unsaid {
        let what = format!("`{field}` excludes by what is not looked at here");
        found.note(source, what, "what that filter selects is not excluded");
    }
    if all && !unsaid.is_empty() {
        return Some((Vec::new(), pods));
    }
    let is_everything = |list: &Vec<String>| list.is_empty();
    let everywhere = if all {
        !lists.is_empty() && lists.iter().all(is_everything)
    } else {
        lists.iter().any(is_everything)
    };
    (!everywhere).then(|| (lists.concat(), pods))
}

/// Whether a filter may match a Pod that is created or updated.
fn may_match_pods(filter: &Value) -> bool {
    let operations = texts(filter, "/resources/operations");
    let is_other = |it: &String| ["CONNECT", "DELETE"].contains(&it.as_str());
    if !operations.is_empty() && operations.iter().all(is_other) {
        return false;
    }
    let kinds = texts(filter, "/resources/kinds");
    kinds.is_empty() || kinds.iter().any(|kind| globs::matches(last_segment(kind), "Pod"))
}

/// Whether a filter matches every Pod, as far as its kinds tell.
fn certainly_matches_pods(filter: &Value) -> bool {
    let kinds = texts(filter, "/resources/kinds");
    let is_pod = |kind: &String| kind == "*" || kind == "*/*" || last_segment(kind) == "Pod";
    kinds.is_empty() || kinds.iter().any(is_pod)
}

/// The kind in `Pod`, `v1/Pod` and the like.
fn last_segment(kind: &str) -> &str {
    kind.rsplit('/').next().unwrap_or(kind)
}

/// The fields of a filter that select by more than kinds and namespaces.
fn other_fields(filter: &Value) -> Vec<String> {
    let resources = filter.get("resources").and_then(Value::as_object);
    let fields = resources.into_iter().flatten().filter(|(field, value)| match field.as_str() {
        "kinds" | "namespaces" => false,
        // Only what is admitted is judged, both when it is created and when it is updated.
        "operations" => {
            let operations = texts(value, "");
            let has = |operation: &str| operations.iter().any(|it| it == operation);
            !(operations.is_empty() || has("CREATE") && has("UPDATE"))
        }
        _ => true,
    });
    let beside =
        filter.as_object().into_iter().flatten().filter(|(field, _)| *field != "resources");
    fields.chain(beside).map(|(field, _)| field.clone()).collect()
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
    let denies_others = ["AnyNotIn", "NotIn", "NotEquals", "NotEqual", "AllNotIn"];
    if path == "element.imagePullPolicy"
        && denies_others.contains(&operator)
        && values == ["Always"]
    {
        let pull = Pull { is_for_all: true, from: place.to_owned() };
        return rules.push(Rule::RequirePull(pull));
    }
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
    let comparison = if registry { Covered::HostGlob } else { Covered::Glob };
    let mut entries = found.all_entries(&place_of_values, &values, comparison, covered);
    // `images` is parsed, and Docker Hub is the registry of what names none.
    for it in &mut entries {
        it.short |= registry && globs::matches(&it.pattern, "docker.io");
    }
    rules.push(match covered {
        Use::Allow => Rule::AllowRegistries(entries),
        Use::Block => Rule::BlockRegistries(entries),
    });
}
