//! The simple form: three keys, as files of the policy volume or as environment variables.
//!
//! The volume's keys win over the variables, each alone. The names are those of the program that
//! ImageGate replaces.

use std::collections::BTreeMap;

use crate::policy::problem::{At, Report, shorten};
use crate::policy::read::entries::RawRegistries;
use crate::policy::read::source::{Item, Located, RawPolicy, Texts};

const ALLOWED_REGISTRIES: &str = "ALLOWED_REGISTRIES";
const BLOCKED_TAGS: &str = "BLOCKED_TAGS";
const DISABLE_EMPTY_TAG: &str = "DISABLE_EMPTY_TAG";

/// The keys of the simple form.
pub const KEYS: [&str; 3] = [ALLOWED_REGISTRIES, BLOCKED_TAGS, DISABLE_EMPTY_TAG];

/// Reads the simple form, key by key: the volume first, then the variables.
pub(in crate::policy) fn read<'a>(
    variables: &'a BTreeMap<String, String>,
    volume: &'a BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> RawPolicy<'a> {
    let mut text = |key: &'static str| match volume.get(key) {
        Some(bytes) => {
            let text = std::str::from_utf8(bytes).ok();
            if text.is_none() {
                report.problem(&whole(key), "the value is not UTF-8 text", None);
            }
            text
        }
        None => variables.get(key).map(String::as_str),
    };
    let allowed_registries = text(ALLOWED_REGISTRIES).map(|text| list(ALLOWED_REGISTRIES, text));
    let blocked_tags = text(BLOCKED_TAGS).map(|text| list(BLOCKED_TAGS, text));
    let empty_tag = text(DISABLE_EMPTY_TAG).map(str::to_owned);
    let require_tag = empty_tag.and_then(|text| boolean(DISABLE_EMPTY_TAG, &text, report));
    let mut policy = RawPolicy::default();
    policy.rules.allowed_registries =
        allowed_registries.map(|patterns| RawRegistries { patterns, own: Vec::new() });
    policy.rules.blocked_tags = blocked_tags;
    policy.rules.require_tag = require_tag;
    // Users of the program that ImageGate replaces see what they know, and nothing above it.
    policy.rules.denial_warnings = Some(false);
    policy
}

/// Says that variables which look like a policy are not looked at beside the full form.
pub(in crate::policy) fn warn_of_variables(
    variables: &BTreeMap<String, String>,
    report: &mut Report,
) {
    for key in KEYS {
        if variables.contains_key(key) {
            let message = "this variable is not used, since the policy is given in full form";
            report.warning(&whole(key), message, Some("remove the variable"));
        }
    }
}

fn whole(key: &'static str) -> At {
    At::new(key, "", None)
}

/// Splits at `,` `;` `|`; white space around an item and blank items are dropped.
fn list<'a>(key: &'static str, text: &'a str) -> Texts<'a> {
    let mut items = Vec::new();
    let (mut line, mut column) = (1, 1);
    for piece in text.split_inclusive([',', ';', '|']) {
        let item = piece.trim_end_matches([',', ';', '|']).trim();
        let before = piece.len() - piece.trim_start().len();
        let (lead, rest) = piece.split_at_checked(before).unwrap_or(("", piece));
        (line, column) = advance(line, column, lead);
        if !item.is_empty() {
            items.push(Item { value: item.into(), place: (line, column) });
        }
        (line, column) = advance(line, column, rest);
    }
    let at = At::new(key, "", Some((1, 1)));
    Texts { items, at }
}

fn advance(line: u32, column: u32, text: &str) -> (u32, u32) {
    text.chars().fold((line, column), |(line, column), character| {
        if character == '\n' {
            (line.saturating_add(1), 1)
        } else {
            (line, column.saturating_add(1))
        }
    })
}

fn boolean(key: &'static str, text: &str, report: &mut Report) -> Option<Located<bool>> {
    let at = At::new(key, "", Some((1, 1)));
    let value = text.trim();
    if value.eq_ignore_ascii_case("true") {
        Some(Located { value: true, at })
    } else if value.eq_ignore_ascii_case("false") {
        Some(Located { value: false, at })
    } else {
        let message = format!("`{}` is neither `true` nor `false`", shorten(value));
        report.problem(&at, message, Some("write `true` to refuse images without a tag"));
        None
    }
}
