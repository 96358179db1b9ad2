//! The normal form of a policy: what `/policy` shows, what two policies are compared by, and what
//! the hash is taken of.
//!
//! It is the full form with its defaults filled in. Both forms of the same policy have the same normal
//! form (the simple form stands for `denialWarnings: false`, too); lists stay as written, since their
//! text is part of the messages. The lists of the rules are shared with the compiled policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::list::Written;
use crate::policy::judge::opt_out::OptOut;
use crate::policy::judge::policy::Override;
use crate::policy::judge::selector::Selector;
use crate::policy::read::selector::RawSelector;
use crate::policy::read::source::{RawExemption, RawOverride, RawPolicy, RawWorkload, Text, Texts};
use crate::policy::rules::fields::{FIELDS, Rules};
use crate::policy::rules::value::Value;

/// A policy as data. Policies with equal normal forms judge alike; so do some whose forms differ.
///
/// Serialises to the full form, with the fields of each mapping in alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalForm {
    /// Every field of the rules, but `messages` where there are none, and `imagePullPolicy` where it is
    /// `any`.
    pub(in crate::policy) base: Fields,
    /// Of each override, its name, what it is limited to and the fields that it names.
    pub(in crate::policy) overrides: Vec<Fields>,
    pub(in crate::policy) exemptions: Vec<Fields>,
    /// `users` and `groups`.
    pub(in crate::policy) opt_out: Fields,
    /// `refuseEditsThatDeny`; not there where no number was written.
    pub(in crate::policy) refuse_edits_that_deny: Option<Value>,
    /// `workloads`; not there where no kind was named.
    pub(in crate::policy) workloads: Vec<Fields>,
}

/// The fields of a mapping, sorted by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Fields(Box<[(&'static str, Value)]>);

impl NormalForm {
    /// The normal form of a policy without problems, whose compiled parts stand in the order of `raw`.
    pub(in crate::policy) fn of(
        raw: &RawPolicy<'_>,
        base: &Rules,
        overrides: &[Override],
        exemptions: &[Exemption],
        opt_out: &OptOut,
    ) -> Self {
        let OptOut { written_users, written_groups, .. } = opt_out;
        let exemptions = raw.exemptions.iter().zip(exemptions);
        Self {
            base: Fields::of(
                FIELDS
                    .iter()
                    .map(|field| (field.name, (field.value)(base)))
                    .filter(|(_, value)| !value.is_left_out()),
            ),
            overrides: raw.overrides.iter().zip(overrides).map(of_override).collect(),
            exemptions: exemptions.map(of_exemption).collect(),
            opt_out: Fields::of([
                ("users", Value::Items(written_users.clone())),
                ("groups", Value::Items(written_groups.clone())),
            ]),
            refuse_edits_that_deny: raw.refuse_edits_that_deny.map(Value::Count),
            workloads: raw.workloads.iter().map(of_workload).collect(),
        }
    }

    /// The text as JSON.
    pub(in crate::policy) fn to_json(&self) -> String {
        // Texts and flags under texts: there is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The first 12 hexadecimal digits of the SHA-256 of the JSON text.
    pub(in crate::policy) fn hash(&self) -> String {
        let mut hash = String::with_capacity(12);
        for byte in Sha256::digest(self.to_json()).iter().take(6) {
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
}

impl Fields {
    fn of(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut fields: Box<[_]> = fields.into_iter().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        Self(fields)
    }

    /// The value of a field; `None` where it was left out.
    pub(in crate::policy) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(each, _)| *each == name).map(|(_, value)| value)
    }

    /// The fields by their names.
    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// The name of an override or of an exemption.
    pub(in crate::policy) fn name(&self) -> &str {
        match self.get("name") {
            Some(Value::Text(name)) => name,
            _ => "",
        }
    }

    /// The items of a list; none where the field was left out.
    pub(in crate::policy) fn items(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Some(Value::Items(items)) => items.iter().collect(),
            _ => Vec::new(),
        }
    }
}

impl Serialize for NormalForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Part<'a> {
            Field(&'a Value),
            Mapping(&'a Fields),
            Mappings(&'a [Fields]),
        }
        let Self { base, overrides, exemptions, opt_out, refuse_edits_that_deny, workloads } = self;
        let mut parts: BTreeMap<_, _> =
            base.iter().map(|(name, value)| (name, Part::Field(value))).collect();
        parts.insert("overrides", Part::Mappings(overrides));
        parts.insert("exemptions", Part::Mappings(exemptions));
        parts.insert("namespaceOptOut", Part::Mapping(opt_out));
        if let Some(count) = refuse_edits_that_deny {
            parts.insert("refuseEditsThatDeny", Part::Field(count));
        }
        if !workloads.is_empty() {
            parts.insert("workloads", Part::Mappings(workloads));
        }
        parts.serialize(serializer)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn of_override((raw, over): (&RawOverride<'_>, &Override)) -> Fields {
    let rules = &over.rules;
    let named = FIELDS.iter().filter(|field| (field.is_written)(&raw.rules));
    let named = named.map(|field| (field.name, (field.value)(rules)));
    let others = [text("name", raw.name.as_ref()), list("namespaces", raw.namespaces.as_ref())];
    let selector = of_selector(raw.selector.as_deref(), over.selector.as_deref());
    Fields::of(named.chain(others.into_iter().chain(selector).flatten()))
}

fn of_exemption((raw, compiled): (&RawExemption<'_>, &Exemption)) -> Fields {
    let fields = [
        Some(("images", Value::Items(compiled.images.written.clone()))),
        text("name", raw.name.as_ref()),
        text("reason", raw.reason.as_ref()),
        text("owner", raw.owner.as_ref()),
        text("expires", raw.expires.as_ref()),
        list("rules", raw.rules.as_ref()),
        list("namespaces", raw.namespaces.as_ref()),
        list("users", raw.users.as_ref()),
        list("groups", raw.groups.as_ref()),
        list("serviceAccounts", raw.service_accounts.as_ref()),
    ];
    let selector = of_selector(raw.selector.as_deref(), compiled.selector.as_deref());
    Fields::of(fields.into_iter().chain(selector).flatten())
}

fn of_selector(
    raw: Option<&RawSelector<'_>>,
    compiled: Option<&Selector>,
) -> [Option<(&'static str, Value)>; 3] {
    let pods = compiled.and_then(|compiled| compiled.pods.as_ref());
    [
        pods.map(|pods| ("podSelector", Value::PodSelector(Arc::clone(pods)))),
        list("containers", raw.and_then(|raw| raw.containers.as_ref())),
        list("kinds", raw.and_then(|raw| raw.kinds.as_ref())),
    ]
}

fn of_workload(raw: &RawWorkload<'_>) -> Fields {
    let fields = [
        text("group", raw.group.as_ref()),
        text("kind", raw.kind.as_ref()),
        text("podSpec", raw.pod_spec.as_ref()),
    ];
    Fields::of(fields.into_iter().flatten())
}

fn text(name: &'static str, raw: Option<&Text<'_>>) -> Option<(&'static str, Value)> {
    raw.map(|raw| (name, Value::Text((&*raw.value).into())))
}

fn list(name: &'static str, raw: Option<&Texts<'_>>) -> Option<(&'static str, Value)> {
    raw.map(|raw| (name, Value::Items(Written::of(raw.iter()))))
}
