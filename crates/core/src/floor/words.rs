//! How much of a policy a floor holds, in words.

use crate::policy::{Coverage, Extent, Floor, Rule, printable};

/// One line for all of it.
#[must_use]
pub fn headline(floor: &Floor) -> String {
    let count = |extent: Extent| {
        let of_rules = floor.coverage.iter().filter(|each| each.rule.is_some());
        of_rules.filter(|each| each.extent == extent).count()
    };
    format!(
        "hash {}: {} rules are held wholly, {} in part, {} not",
        floor.hash,
        count(Extent::Whole),
        count(Extent::Part),
        count(Extent::Nothing)
    )
}

/// A line for each rule, and for whatever else there is to know.
#[must_use]
pub fn lines(floor: &Floor) -> Vec<String> {
    floor.coverage.iter().map(line).collect()
}

/// All of it in one text, as an annotation has it.
#[must_use]
pub fn coverage(floor: &Floor) -> String {
    [vec![headline(floor)], lines(floor)].concat().join("\n")
}

fn line(Coverage { of, rule, extent, left }: &Coverage) -> String {
    let left = left.join(", ");
    let of = of.as_ref().map(|name| format!("override {name}: ")).unwrap_or_default();
    let line = match (rule.map(Rule::as_str), extent) {
        (None, _) => format!("{of}{left}"),
        (Some(rule), Extent::Whole) => format!("{of}{rule}: wholly"),
        (Some(rule), Extent::Part) => format!("{of}{rule}: in part; left to the webhook: {left}"),
        (Some(rule), Extent::Nothing) => format!("{of}{rule}: not; left to the webhook: {left}"),
    };
    printable(&line).into_owned()
}
