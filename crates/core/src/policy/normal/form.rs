//! The normal form of a policy: what `/policy` shows and what the hash is taken of.
//!
//! It is the full form as JSON. Both forms of the same policy have the same normal form (the simple
//! form stands for `denialWarnings: false`, too); lists stay as written, since their text is part of the messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::policy::judge::list::Written;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::judge::rules::Rules;
use crate::policy::read::full::{MODES, SHORT_NAMES, TEMPLATES, UPDATES};
use crate::policy::read::source::{
    Item, RawExemption, RawOverride, RawPolicy, RawRules, Text, Texts,
};

/// A mapping of the normal form. It keeps its keys sorted, which makes the text canonical.
type Fields<'a> = BTreeMap<&'static str, Field<'a>>;

/// A value of the normal form, borrowed from the policy: it is written once and forgotten.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Flag(bool),
    Mapping(Fields<'a>),
    Mappings(Vec<Fields<'a>>),
    Text(&'a str),
    #[serde(serialize_with = "items")]
    Items(&'a [Item<'a>]),
    #[serde(serialize_with = "all")]
    Written(&'a Written),
}

/// Renders a policy: every field of the base, and of each override the fields that it names.
pub(in crate::policy) fn json(base: &Rules, opt_out: &OptOut, raw: &RawPolicy<'_>) -> String {
    let mut policy = all_fields(base);
    policy.insert("overrides", Field::Mappings(raw.overrides.iter().map(of_override).collect()));
    let exemptions = raw.exemptions.iter().map(of_exemption).collect();
    policy.insert("exemptions", Field::Mappings(exemptions));
    let OptOut { written_users, written_groups, .. } = opt_out;
    let opt_out =
        [("users", Field::Written(written_users)), ("groups", Field::Written(written_groups))];
    policy.insert("namespaceOptOut", Field::Mapping(opt_out.into()));
    // Texts and flags under texts: there is nothing in it that JSON cannot say.
    serde_json::to_string(&policy).unwrap_or_default()
}

/// The first 12 hexadecimal digits of the SHA-256 of a normal form.
pub(in crate::policy) fn hash(json: &str) -> String {
    let mut hash = String::with_capacity(12);
    for byte in Sha256::digest(json.as_bytes()).iter().take(6) {
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn all_fields(rules: &Rules) -> Fields<'_> {
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
        denial_warnings,
        denial_hint,
    } = rules;
    [
        ("mode", name_of(&MODES, *mode)),
        ("allowedRegistries", Field::Written(&allowed_registries.written)),
        ("blockedRegistries", Field::Written(&blocked_registries.written)),
        ("blockedTags", Field::Written(&blocked_tags.written)),
        ("allowedTags", Field::Written(&allowed_tags.written)),
        ("requireTag", Field::Flag(*require_tag)),
        ("requireDigest", Field::Flag(*require_digest)),
        ("shortNames", name_of(&SHORT_NAMES, *short_names)),
        ("updates", name_of(&UPDATES, *updates)),
        ("templates", name_of(&TEMPLATES, *templates)),
        ("denialWarnings", Field::Flag(*denial_warnings)),
        ("denialHint", Field::Text(denial_hint)),
    ]
    .into()
}

fn named_fields<'a>(rules: &'a RawRules<'a>) -> Fields<'a> {
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
        denial_warnings,
        denial_hint,
    } = rules;
    let list = |raw: &'a Option<Texts<'a>>| raw.as_ref().map(|raw| Field::Items(&raw.items));
    let fields = [
        ("mode", mode.map(|mode| name_of(&MODES, mode))),
        ("allowedRegistries", list(allowed_registries)),
        ("blockedRegistries", list(blocked_registries)),
        ("blockedTags", list(blocked_tags)),
        ("allowedTags", list(allowed_tags)),
        ("requireTag", require_tag.as_ref().map(|raw| Field::Flag(raw.value))),
        ("requireDigest", require_digest.map(Field::Flag)),
        ("shortNames", short_names.map(|names| name_of(&SHORT_NAMES, names))),
        ("updates", updates.map(|updates| name_of(&UPDATES, updates))),
        ("templates", templates.map(|templates| name_of(&TEMPLATES, templates))),
        ("denialWarnings", denial_warnings.map(Field::Flag)),
        ("denialHint", denial_hint.as_ref().map(|hint| Field::Text(&hint.value))),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn of_override<'a>(raw: &'a RawOverride<'a>) -> Fields<'a> {
    let mut fields = named_fields(&raw.rules);
    fields.extend(text("name", raw.name.as_ref()));
    if let Some(namespaces) = &raw.namespaces {
        fields.insert("namespaces", Field::Items(&namespaces.items));
    }
    fields
}

fn of_exemption<'a>(raw: &'a RawExemption<'a>) -> Fields<'a> {
    let mut fields = Fields::new();
    fields.extend(text("name", raw.name.as_ref()));
    fields.extend(text("reason", raw.reason.as_ref()));
    fields.extend(text("owner", raw.owner.as_ref()));
    fields.extend(text("expires", raw.expires.as_ref()));
    let lists = [
        ("images", &raw.images),
        ("namespaces", &raw.namespaces),
        ("users", &raw.users),
        ("groups", &raw.groups),
        ("serviceAccounts", &raw.service_accounts),
    ];
    let named = lists.into_iter().filter_map(|(name, list)| Some((name, list.as_ref()?)));
    fields.extend(named.map(|(name, list)| (name, Field::Items(&list.items))));
    fields
}

fn text<'a>(name: &'static str, raw: Option<&'a Text<'_>>) -> Option<(&'static str, Field<'a>)> {
    raw.map(|raw| (name, Field::Text(&raw.value)))
}

fn items<S: Serializer>(items: &[Item<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(|item| &*item.value))
}

fn all<S: Serializer>(written: &Written, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(written.iter())
}

fn name_of<T: Copy + PartialEq>(choices: &[(&'static str, T)], value: T) -> Field<'static> {
    // Every value has its name among the choices.
    let name = choices.iter().find(|(_, each)| *each == value).map_or("", |(name, _)| *name);
    Field::Text(name)
}
