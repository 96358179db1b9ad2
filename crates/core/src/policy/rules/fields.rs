//! The fields of the rules, each declared here and nowhere else: as written, as checked, its
//! default, how an override replaces it, how it stands in the normal form, and which change of it
//! makes a policy laxer.
//!
//! To add one, write it into [`RawRules`], [`Rules`], [`FIELDS`] and [`Rules::defaults`]. Problems and
//! warnings about one value belong to its `replace`; those about two fields to `compile`.

use std::sync::Arc;

use crate::policy::compile::entries;
use crate::policy::compile::lists::{Lists, Order};
use crate::policy::judge::list::List;
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::registries::AllowedRegistries;
use crate::policy::judge::verdict::{Mode, TemplateMode, UpdateScope};
use crate::policy::pattern::registry_set::RegistrySet;
use crate::policy::pattern::tag_set::TagSet;
use crate::policy::printable::is_printable;
use crate::policy::problem::{At, Report};
use crate::policy::read::entries::{RawRegistries, registries};
use crate::policy::read::source::{Located, Text, Texts};
use crate::policy::read::values::{choice, text, texts};
use crate::policy::read::yaml::Node;
use crate::policy::rules::messages::{self, Messages, RawMessages};
use crate::policy::rules::short_names::{self, RawShortNames, ShortNames};
use crate::policy::rules::value::{Choice, Value};

/// The registries that are allowed where a policy does not say.
const DEFAULT_ALLOWED_REGISTRIES: [&str; 2] = ["docker.io", "gcr.io"];
/// The tags that are blocked where a policy does not say.
const DEFAULT_BLOCKED_TAGS: [&str; 2] = ["staging", "latest"];

/// Characters of a hint: those of a warning, as the API documentation asks.
const LONGEST_HINT: usize = 120;

/// The rules as written in a policy or in an override; `None` where a field was left out.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawRules<'a> {
    pub(in crate::policy) mode: Option<Mode>,
    pub(in crate::policy) allowed_registries: Option<RawRegistries<'a>>,
    pub(in crate::policy) blocked_registries: Option<Texts<'a>>,
    pub(in crate::policy) blocked_tags: Option<Texts<'a>>,
    pub(in crate::policy) allowed_tags: Option<Texts<'a>>,
    pub(in crate::policy) require_tag: Option<Located<bool>>,
    pub(in crate::policy) require_digest: Option<bool>,
    pub(in crate::policy) pull_rule: Option<PullRule>,
    pub(in crate::policy) short_names: Option<RawShortNames<'a>>,
    pub(in crate::policy) updates: Option<UpdateScope>,
    pub(in crate::policy) templates: Option<TemplateMode>,
    pub(in crate::policy) denial_warnings: Option<bool>,
    pub(in crate::policy) denial_hint: Option<Text<'a>>,
    pub(in crate::policy) messages: Option<RawMessages<'a>>,
}

/// The rules in force for some namespaces.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Rules {
    pub(in crate::policy) mode: Mode,
    pub(in crate::policy) allowed_registries: AllowedRegistries,
    pub(in crate::policy) blocked_registries: Arc<List<RegistrySet>>,
    pub(in crate::policy) blocked_tags: Arc<List<TagSet>>,
    pub(in crate::policy) allowed_tags: Arc<List<TagSet>>,
    pub(in crate::policy) require_tag: bool,
    pub(in crate::policy) require_digest: bool,
    pub(in crate::policy) pull_rule: PullRule,
    pub(in crate::policy) short_names: ShortNames,
    pub(in crate::policy) updates: UpdateScope,
    pub(in crate::policy) templates: TemplateMode,
    /// Whether a denial says what to do about it, beside its message.
    pub(in crate::policy) denial_warnings: bool,
    /// A line of the policy's own beside a denial; empty where there is none.
    pub(in crate::policy) denial_hint: Arc<str>,
    /// The policy's own texts for the rules; empty where the usual ones are meant.
    pub(in crate::policy) messages: Arc<Messages>,
}

/// One field of the rules, and what the policy language does with it.
pub(in crate::policy) struct RuleField {
    /// Its name in the full form.
    pub(in crate::policy) name: &'static str,
    /// Reads the value, which stands at the given place.
    pub(in crate::policy) read: for<'a> fn(&mut RawRules<'a>, Node<'a>, &At, &mut Report),
    /// Whether it was written.
    pub(in crate::policy) is_written: fn(&RawRules<'_>) -> bool,
    /// Checks and compiles what was written, in place of what the rules had; what was left out
    /// stays.
    pub(in crate::policy) replace: fn(&mut Rules, &RawRules<'_>, &mut Lists, &mut Report),
    /// The value in the normal form.
    pub(in crate::policy) value: fn(&Rules) -> Value,
    /// Which change of it makes a policy laxer.
    pub(in crate::policy) loosens: Loosens,
}

/// Which change of a field lets something through that was refused before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Loosens {
    /// To a laxer choice, or a requirement that is dropped.
    LaxerValue,
    /// An item that is added.
    AddedItem,
    /// An item that is removed.
    RemovedItem,
    /// An item that is added, or the last one removed: an empty list allows everything.
    AddedItemOrNone,
    /// None: the field only words a denial.
    Never,
}

/// Every field, in the order in which they are documented.
pub(in crate::policy) const FIELDS: [RuleField; 14] = [
    RuleField {
        name: "mode",
        read: |raw, node, at, report| raw.mode = choice(node, at, report),
        is_written: |raw| raw.mode.is_some(),
        replace: |rules, raw, _, _| rules.mode = raw.mode.unwrap_or(rules.mode),
        value: |rules| Value::choice(rules.mode),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "allowedRegistries",
        read: |raw, node, at, report| raw.allowed_registries = registries(node, at, report),
        is_written: |raw| raw.allowed_registries.is_some(),
        replace: |rules, raw, lists, report| {
            let Some(raw) = &raw.allowed_registries else { return };
            if raw.patterns.items.is_empty() {
                let hint = "write `*` to allow every registry";
                let at = &raw.patterns.at;
                report.problem(at, "the list of allowed registries is empty", Some(hint));
            }
            rules.allowed_registries = entries::compile(raw, lists, report);
        },
        value: |rules| Value::Registries(rules.allowed_registries.clone()),
        loosens: Loosens::AddedItem,
    },
    RuleField {
        name: "blockedRegistries",
        read: |raw, node, at, report| raw.blocked_registries = texts(node, at, report),
        is_written: |raw| raw.blocked_registries.is_some(),
        replace: |rules, raw, lists, report| {
            let Some(raw) = &raw.blocked_registries else { return };
            rules.blocked_registries = lists.registries(raw, Order::Listed, report);
        },
        value: |rules| Value::Items(rules.blocked_registries.written.clone()),
        loosens: Loosens::RemovedItem,
    },
    RuleField {
        name: "blockedTags",
        read: |raw, node, at, report| raw.blocked_tags = texts(node, at, report),
        is_written: |raw| raw.blocked_tags.is_some(),
        replace: |rules, raw, lists, report| {
            let Some(raw) = &raw.blocked_tags else { return };
            rules.blocked_tags = lists.tags(raw, report);
        },
        value: |rules| Value::Items(rules.blocked_tags.written.clone()),
        loosens: Loosens::RemovedItem,
    },
    RuleField {
        name: "allowedTags",
        read: |raw, node, at, report| raw.allowed_tags = texts(node, at, report),
        is_written: |raw| raw.allowed_tags.is_some(),
        replace: |rules, raw, lists, report| {
            let Some(raw) = &raw.allowed_tags else { return };
            rules.allowed_tags = lists.tags(raw, report);
        },
        value: |rules| Value::Items(rules.allowed_tags.written.clone()),
        loosens: Loosens::AddedItemOrNone,
    },
    RuleField {
        name: "requireTag",
        read: |raw, node, at, report| {
            let value = choice(node, at, report);
            raw.require_tag = value.map(|value| Located { value, at: at.clone() });
        },
        is_written: |raw| raw.require_tag.is_some(),
        replace: |rules, raw, _, _| {
            let Some(raw) = &raw.require_tag else { return };
            rules.require_tag = raw.value;
        },
        value: |rules| Value::Flag(rules.require_tag),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "requireDigest",
        read: |raw, node, at, report| raw.require_digest = choice(node, at, report),
        is_written: |raw| raw.require_digest.is_some(),
        replace: |rules, raw, _, _| {
            rules.require_digest = raw.require_digest.unwrap_or(rules.require_digest);
        },
        value: |rules| Value::Flag(rules.require_digest),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "imagePullPolicy",
        read: |raw, node, at, report| raw.pull_rule = choice(node, at, report),
        is_written: |raw| raw.pull_rule.is_some(),
        replace: |rules, raw, _, _| rules.pull_rule = raw.pull_rule.unwrap_or(rules.pull_rule),
        value: |rules| Value::choice(rules.pull_rule),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "shortNames",
        read: |raw, node, at, report| raw.short_names = short_names::read(node, at, report),
        is_written: |raw| raw.short_names.is_some(),
        replace: |rules, raw, _, report| {
            let Some(raw) = &raw.short_names else { return };
            if let Some(short_names) = short_names::compile(raw, report) {
                rules.short_names = short_names;
            }
        },
        value: |rules| rules.short_names.value(),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "updates",
        read: |raw, node, at, report| raw.updates = choice(node, at, report),
        is_written: |raw| raw.updates.is_some(),
        replace: |rules, raw, _, _| rules.updates = raw.updates.unwrap_or(rules.updates),
        value: |rules| Value::choice(rules.updates),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "templates",
        read: |raw, node, at, report| raw.templates = choice(node, at, report),
        is_written: |raw| raw.templates.is_some(),
        replace: |rules, raw, _, _| rules.templates = raw.templates.unwrap_or(rules.templates),
        value: |rules| Value::choice(rules.templates),
        loosens: Loosens::LaxerValue,
    },
    RuleField {
        name: "denialWarnings",
        read: |raw, node, at, report| raw.denial_warnings = choice(node, at, report),
        is_written: |raw| raw.denial_warnings.is_some(),
        replace: |rules, raw, _, _| {
            rules.denial_warnings = raw.denial_warnings.unwrap_or(rules.denial_warnings);
        },
        value: |rules| Value::Flag(rules.denial_warnings),
        loosens: Loosens::Never,
    },
    RuleField {
        name: "denialHint",
        read: |raw, node, at, report| raw.denial_hint = text(node, at, report),
        is_written: |raw| raw.denial_hint.is_some(),
        replace: |rules, raw, _, report| {
            let Some(raw) = &raw.denial_hint else { return };
            check_hint(raw, report);
            rules.denial_hint = raw.value.as_ref().into();
        },
        value: |rules| Value::Text((&*rules.denial_hint).into()),
        loosens: Loosens::Never,
    },
    RuleField {
        name: "messages",
        read: |raw, node, at, report| raw.messages = messages::read(node, at, report),
        is_written: |raw| raw.messages.is_some(),
        replace: |rules, raw, _, report| {
            let Some(raw) = &raw.messages else { return };
            rules.messages = Arc::new(messages::compile(raw, report));
        },
        value: |rules| Value::Messages(Arc::clone(&rules.messages)),
        loosens: Loosens::Never,
    },
];

impl RuleField {
    /// The names of all fields.
    pub(in crate::policy) fn names() -> impl Iterator<Item = &'static str> + Clone {
        FIELDS.iter().map(|field| field.name)
    }

    /// The field of this name.
    pub(in crate::policy) fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }
}

impl<'a> RawRules<'a> {
    /// The lists of patterns that were written, each with which of its patterns decides: their
    /// regexes are counted before any is compiled.
    pub(in crate::policy) fn patterns(&self) -> impl Iterator<Item = (&Texts<'a>, Order)> {
        let Self {
            mode: _,
            allowed_registries,
            blocked_registries,
            blocked_tags,
            allowed_tags,
            require_tag: _,
            require_digest: _,
            pull_rule: _,
            short_names: _,
            updates: _,
            templates: _,
            denial_warnings: _,
            denial_hint: _,
            messages: _,
        } = self;
        let entries = allowed_registries.iter();
        let registries = entries.clone().map(|raw| {
            let order = if raw.own.is_empty() { Order::Listed } else { Order::Specific };
            (&raw.patterns, order)
        });
        let others = [blocked_registries, blocked_tags, allowed_tags].into_iter().flatten();
        let others = others.chain(entries.flat_map(RawRegistries::tags));
        registries.chain(others.map(|list| (list, Order::Listed)))
    }
}

impl Rules {
    /// The line beside a denial, where there is one.
    pub(in crate::policy) fn hint(&self) -> Option<&str> {
        Some(&*self.denial_hint).filter(|hint| self.denial_warnings && !hint.is_empty())
    }

    /// The rules of a policy that says nothing.
    pub(in crate::policy) fn defaults(lists: &mut Lists, report: &mut Report) -> Self {
        let mut registries =
            |items: &[_]| lists.registries(&Texts::of_defaults(items), Order::Listed, report);
        Self {
            mode: Mode::Enforce,
            allowed_registries: AllowedRegistries::plain(registries(&DEFAULT_ALLOWED_REGISTRIES)),
            blocked_registries: registries(&[]),
            blocked_tags: lists.tags(&Texts::of_defaults(&DEFAULT_BLOCKED_TAGS), report),
            allowed_tags: lists.tags(&Texts::of_defaults(&[]), report),
            require_tag: true,
            require_digest: false,
            pull_rule: PullRule::Any,
            short_names: ShortNames::Deny,
            updates: UpdateScope::Changed,
            templates: TemplateMode::Warn,
            denial_warnings: true,
            denial_hint: "".into(),
            messages: Arc::default(),
        }
    }
}

impl Choice for Mode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("enforce", Self::Enforce), ("warn", Self::Warn), ("audit", Self::Audit)];
}

impl Choice for PullRule {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("always", Self::Always),
        ("alwaysForMutableTags", Self::ForMutableTags),
        ("any", Self::Any),
    ];
    const LEFT_OUT: Option<Self> = Some(Self::Any);
}

impl Choice for UpdateScope {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("all", Self::All), ("changed", Self::Changed)];
}

impl Choice for TemplateMode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("enforce", Self::Enforce), ("warn", Self::Warn), ("ignore", Self::Ignore)];
}

/// A warning is one line, and nothing in it may change how a terminal shows the lines around it.
fn check_hint(raw: &Text<'_>, report: &mut Report) {
    if raw.value.chars().count() > LONGEST_HINT {
        let message = format!("the hint has more than {LONGEST_HINT} characters");
        report.problem(&raw.at, message, Some("kubectl shows it as one line; write a short link"));
    } else if !raw.value.chars().all(is_printable) {
        let message = "the hint has a line break, or another character that cannot be shown";
        report.problem(&raw.at, message, Some("write one line of plain text"));
    }
}
