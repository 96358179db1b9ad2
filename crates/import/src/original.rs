//! `ALLOWED_REGISTRIES`, `BLOCKED_TAGS` and `DISABLE_EMPTY_TAG` of the program that ImageGate replaces:
//! in a ConfigMap, in the variables of a workload, or as lines.
//!
//! There an item was a regex: a registry at the start of the raw image, a tag anywhere in what stands
//! behind the colon.

use imagegate_core::policy::SIMPLE_KEYS;
use serde_json::Value;

use crate::demand::{Demand, Entry, Found, Mode, Rule, Scope};
use crate::places::{Covered, Use};
use crate::read::{Document, items, text};

/// Characters that a text of plain letters has not, as a regex.
const SIGNS: [char; 11] = ['*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '\\'];

/// Reads keys or variables; `false` where the document has none.
pub(crate) fn read(document: &Document, found: &mut Found) -> bool {
    let value = |key: &str| value(document, key);
    let Some((registries, tags, empty)) = (match SIMPLE_KEYS.map(value) {
        [None, None, None] => None,
        [registries, tags, empty] => Some((registries, tags, empty)),
    }) else {
        return false;
    };
    found.sources += 1;
    let source = document.name();
    let place = |key: &str| format!("{source}, {key}");
    let mut rules = Vec::new();

    let key = place("ALLOWED_REGISTRIES");
    let mut allowed = Vec::new();
    for item in listed(registries.as_deref().unwrap_or("docker.io,gcr.io")) {
        let text = item.strip_prefix('^').unwrap_or(&item).replace("\\.", ".").replace("[.]", ".");
        if matches!(text.as_str(), ".*" | ".+") {
            allowed.push(Entry { short: true, ..Entry::same("*", &format!("{key}: `{item}`")) });
        } else if let Some(text) = literal(text.trim_end_matches(".*")) {
            allowed.extend(found.entries(&key, text, Covered::Prefix, Use::Allow));
        } else {
            let what = format!("`{item}` is a regex over the raw image");
            found.note(&key, what, "it was left out, so those images are refused");
        }
    }
    rules.push(Rule::AllowRegistries(allowed));

    let key = place("BLOCKED_TAGS");
    let mut blocked = Vec::new();
    for item in listed(tags.as_deref().unwrap_or("staging,latest")) {
        let from = format!("{key}: `{item}`");
        match literal(&item) {
            Some(tag) if found.exactly => blocked.push(Entry::same(&format!("*{tag}*"), &from)),
            Some(tag) => {
                blocked.push(Entry::same(tag, &from));
                let what = format!("`{tag}` there also refuses `{tag}-1` and `not-{tag}`");
                let nearest = "it is that tag alone; `--exactly` keeps the meaning by a glob";
                found.note(&key, what, nearest);
            }
            None => {
                let (start, body) =
                    item.strip_prefix('^').map_or((".*", &*item), |body| ("", body));
                let (end, body) = body.strip_suffix('$').map_or((".*", body), |body| ("", body));
                blocked.push(Entry::same(&format!("/{start}(?:{body}){end}/"), &from));
            }
        }
    }
    rules.push(Rule::BlockTags(blocked));

    if empty.as_deref().is_none_or(|it| it.trim().eq_ignore_ascii_case("true")) {
        rules.push(Rule::RequireTag(place("DISABLE_EMPTY_TAG")));
    }
    for rule in rules {
        let (scope, mode) = (Scope::default(), Mode::Enforce);
        found.demands.push(Demand { source: source.clone(), scope, mode, rule });
    }
    true
}

/// The value of a key, wherever the document has it.
fn value(document: &Document, key: &str) -> Option<String> {
    let direct = [format!("/{key}"), format!("/data/{key}")];
    let found = direct.iter().find_map(|pointer| document.value.pointer(pointer));
    if let Some(found) = found {
        return Some(match found {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
    }
    let containers = items(&document.value, "/spec/template/spec/containers").iter();
    let mut variables = containers.flat_map(|container| items(container, "/env"));
    variables
        .find(|variable| text(variable, "/name") == key)
        .map(|it| text(it, "/value").to_owned())
}

fn listed(value: &str) -> impl Iterator<Item = String> {
    let items = value.split([',', ';', '|']).map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The text, if it means itself as a regex. A dot does nearly: it was never meant as any character.
fn literal(text: &str) -> Option<&str> {
    (!text.contains(SIGNS) && !text.contains(['^', '$'])).then_some(text)
}
