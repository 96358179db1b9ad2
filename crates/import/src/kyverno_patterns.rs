//! What patterns of Kyverno ask of images and of when they are pulled.

use serde_json::Value;

use crate::demand::{Entry, Found, Rule};
use crate::places::{Covered, Use};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What a pattern asks of containers.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The patterns over `image` of all lists of containers, each once.
    pub(crate) images: Vec<String>,
    /// Whether images have to be pulled always; `false` where only some have to.
    pub(crate) pull: Option<bool>,
}

pub(crate) fn asked_of(pattern: &Value, place: &str, found: &mut Found) -> Asked {
    let mut asked = Asked::default();
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
        for container in list.as_array().into_iter().flatten().filter_map(Value::as_object) {
            // `(image): …` says for which containers the rest holds.
            let condition = container.get("(image)").and_then(Value::as_str);
            for (field, value) in container {
                match (name(field).as_str(), value.as_str()) {
                    ("image", Some(_)) if field.starts_with('(') => {}
                    ("image", Some(image)) if condition.is_none() => {
                        if !asked.images.contains(&image.to_owned()) {
                            asked.images.push(image.to_owned());
                        }
                    }
                    ("imagePullPolicy", Some("Always")) => {
                        let is_for_all = condition.is_none();
                        asked.pull = Some(is_for_all || asked.pull == Some(true));
                        if let Some(condition) = condition {
                            let what = format!("asks images that match `{condition}` to be pulled");
                            let nearest = "all that are not pinned by digest have to be";
                            found.note(place, what, nearest);
                        }
                    }
                    ("name", _) => {}
                    _ => {
                        found.note(
                            place,
                            format!("asks for `{field}` too"),
                            "that part was left out",
                        );
                    }
                }
            }
        }
    }
    if !seen.is_empty() && seen.len() < LISTS.len() {
        let missing: Vec<_> =
            LISTS.iter().filter(|list| !seen.contains(&(**list).to_owned())).collect();
        let what = format!("does not look at {missing:?}").replace('"', "`");
        found.note(place, what, "images of every list are judged");
    }
    asked
}

/// A pattern over `image`: parts that hold together.
pub(crate) fn conjunction(pattern: &str, place: &str, rules: &mut Vec<Rule>, found: &mut Found) {
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
                let what = format!("`{part}` there is about how an image ends, so no digest fits");
                found.note(place, what, "an image by digest alone is admitted");
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
