//! The normal form of a policy: what `/policy` shows and what the hash is taken of.
//!
//! It is the full form as JSON. Both forms of the same policy have the same normal form; lists
//! stay as written, since their text is part of the messages.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::policy::full::{MODES, SHORT_NAMES, TEMPLATES, UPDATES};
use crate::policy::opt_out::OptOut;
use crate::policy::rules::Rules;
use crate::policy::source::{Located, RawExemption, RawOverride, RawPolicy, RawRules, Text};

/// Renders a policy: every field of the base, and of each override the fields that it names.
pub(super) fn json(base: &Rules, opt_out: &OptOut, raw: &RawPolicy<'_>) -> String {
    let mut policy = all_fields(base);
    let overrides: Vec<Value> = raw.overrides.iter().map(override_json).collect();
    policy.insert("overrides".to_owned(), overrides.into());
    let exemptions: Vec<Value> = raw.exemptions.iter().map(exemption_json).collect();
    policy.insert("exemptions".to_owned(), exemptions.into());
    let opt_out = json!({ "users": opt_out.written_users, "groups": opt_out.written_groups });
    policy.insert("namespaceOptOut".to_owned(), opt_out);
    // `Map` keeps its keys sorted, which makes the text canonical.
    Value::Object(policy).to_string()
}

/// The first 12 hexadecimal digits of the SHA-256 of a normal form.
pub(super) fn hash(json: &str) -> String {
    let mut hash = String::with_capacity(12);
    for byte in Sha256::digest(json.as_bytes()).iter().take(6) {
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn all_fields(rules: &Rules) -> Map<String, Value> {
    let Rules {
        mode,
        allowed_registries,
        blocked_registries,
        blocked_tags,
        allowed_tags,
        require_tag,
        require_digest,
        short_names,
        updates,
        templates,
    } = rules;
    let mut fields = Map::new();
    let mut insert = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    insert("mode", name_of(&MODES, *mode));
    insert("allowedRegistries", allowed_registries.written.clone().into());
    insert("blockedRegistries", blocked_registries.written.clone().into());
    insert("blockedTags", blocked_tags.written.clone().into());
    insert("allowedTags", allowed_tags.written.clone().into());
    insert("requireTag", (*require_tag).into());
    insert("requireDigest", (*require_digest).into());
    insert("shortNames", name_of(&SHORT_NAMES, *short_names));
    insert("updates", name_of(&UPDATES, *updates));
    insert("templates", name_of(&TEMPLATES, *templates));
    fields
}

fn named_fields(rules: &RawRules<'_>) -> Map<String, Value> {
    let RawRules {
        mode,
        allowed_registries,
        blocked_registries,
        blocked_tags,
        allowed_tags,
        require_tag,
        require_digest,
        short_names,
        updates,
        templates,
    } = rules;
    let list = |raw: &Option<Located<Vec<Text<'_>>>>| raw.as_ref().map(|raw| texts(&raw.value));
    let fields = [
        ("mode", mode.map(|mode| name_of(&MODES, mode))),
        ("allowedRegistries", list(allowed_registries)),
        ("blockedRegistries", list(blocked_registries)),
        ("blockedTags", list(blocked_tags)),
        ("allowedTags", list(allowed_tags)),
        ("requireTag", require_tag.as_ref().map(|raw| raw.value.into())),
        ("requireDigest", require_digest.map(Value::from)),
        ("shortNames", short_names.map(|names| name_of(&SHORT_NAMES, names))),
        ("updates", updates.map(|updates| name_of(&UPDATES, updates))),
        ("templates", templates.map(|templates| name_of(&TEMPLATES, templates))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn override_json(raw: &RawOverride<'_>) -> Value {
    let mut fields = named_fields(&raw.rules);
    fields.extend(text("name", raw.name.as_ref()));
    if let Some(namespaces) = &raw.namespaces {
        fields.insert("namespaces".to_owned(), texts(&namespaces.value));
    }
    fields.into()
}

fn exemption_json(raw: &RawExemption<'_>) -> Value {
    let mut fields = Map::new();
    fields.extend(text("name", raw.name.as_ref()));
    fields.extend(text("reason", raw.reason.as_ref()));
    fields.extend(text("owner", raw.owner.as_ref()));
    fields.extend(text("expires", raw.expires.as_ref()));
    let images = raw.images.as_ref().map_or(&[][..], |images| &images.value);
    let lists = [
        ("images", images),
        ("namespaces", &raw.namespaces),
        ("users", &raw.users),
        ("groups", &raw.groups),
        ("serviceAccounts", &raw.service_accounts),
    ];
    let filled = lists.into_iter().filter(|(_, list)| !list.is_empty());
    fields.extend(filled.map(|(name, list)| (name.to_owned(), texts(list))));
    fields.into()
}

fn text(name: &str, raw: Option<&Text<'_>>) -> Option<(String, Value)> {
    raw.map(|raw| (name.to_owned(), raw.value.clone().into()))
}

fn texts(raw: &[Text<'_>]) -> Value {
    raw.iter().map(|item| Value::from(&*item.value)).collect()
}

fn name_of<T: Copy + PartialEq>(choices: &[(&str, T)], value: T) -> Value {
    choices.iter().find(|(_, each)| *each == value).map_or(Value::Null, |(name, _)| (*name).into())
}
