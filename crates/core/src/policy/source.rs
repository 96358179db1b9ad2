//! The raw policy: what was written, with its place, before anything is checked.
//!
//! Both forms, simple and full, are read into these types; `compile` alone turns them into a
//! [`Policy`](crate::policy::Policy).

use std::borrow::Cow;

use crate::policy::problem::At;
use crate::policy::verdict::{Mode, TemplateMode, UpdateScope};
use crate::policy::yaml::Place;

/// A value with the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: At,
}

/// A text as written, borrowed from its document where it stands there letter by letter.
pub(super) type Text<'a> = Located<Cow<'a, str>>;

/// A list of texts, with its place. An item has no more than it needs: there may be half a million
/// of them in a document.
#[derive(Clone, Debug)]
pub(super) struct Texts<'a> {
    pub(super) items: Vec<Item<'a>>,
    pub(super) at: At,
}

/// One text of a list.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) value: Cow<'a, str>,
    pub(super) place: Place,
}

impl Texts<'_> {
    /// A list that nobody wrote.
    pub(super) fn of_defaults<'a>(items: &[&'a str]) -> Texts<'a> {
        let item = |text: &&'a str| Item { value: (*text).into(), place: (0, 0) };
        Texts { items: items.iter().map(item).collect(), at: At::new("default", "", None) }
    }

    /// The place of the item at `position`.
    pub(super) fn at(&self, position: usize, item: &Item<'_>) -> At {
        self.at.item(position, item.place)
    }
}

/// What short names such as `nginx:1.27` are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ShortNames {
    /// Refused: the node decides where a short name is pulled from.
    Deny,
    /// Names of Docker Hub, as most runtimes read them.
    DockerHub,
}

/// The rules of a policy or of an override; `None` where a field was left out.
#[derive(Clone, Debug, Default)]
pub(super) struct RawRules<'a> {
    pub(super) mode: Option<Mode>,
    pub(super) allowed_registries: Option<Texts<'a>>,
    pub(super) blocked_registries: Option<Texts<'a>>,
    pub(super) allowed_tags: Option<Texts<'a>>,
    pub(super) blocked_tags: Option<Texts<'a>>,
    pub(super) require_tag: Option<Located<bool>>,
    pub(super) require_digest: Option<bool>,
    pub(super) short_names: Option<ShortNames>,
    pub(super) updates: Option<UpdateScope>,
    pub(super) templates: Option<TemplateMode>,
    pub(super) denial_warnings: Option<bool>,
    pub(super) denial_hint: Option<Text<'a>>,
}

/// Rules for some namespaces, or for a path that names them.
#[derive(Clone, Debug)]
pub(super) struct RawOverride<'a> {
    pub(super) at: At,
    pub(super) name: Option<Text<'a>>,
    pub(super) namespaces: Option<Texts<'a>>,
    pub(super) rules: RawRules<'a>,
}

/// Images that may break the rules.
#[derive(Clone, Debug)]
pub(super) struct RawExemption<'a> {
    pub(super) at: At,
    pub(super) name: Option<Text<'a>>,
    pub(super) images: Option<Texts<'a>>,
    pub(super) namespaces: Option<Texts<'a>>,
    pub(super) users: Option<Texts<'a>>,
    pub(super) groups: Option<Texts<'a>>,
    pub(super) service_accounts: Option<Texts<'a>>,
    pub(super) reason: Option<Text<'a>>,
    pub(super) owner: Option<Text<'a>>,
    pub(super) expires: Option<Text<'a>>,
}

/// A whole policy.
#[derive(Clone, Debug, Default)]
pub(super) struct RawPolicy<'a> {
    pub(super) rules: RawRules<'a>,
    pub(super) overrides: Vec<RawOverride<'a>>,
    pub(super) exemptions: Vec<RawExemption<'a>>,
    pub(super) namespace_opt_out: Option<RawOptOut<'a>>,
}

/// Who may set the label that takes a namespace out of the webhook's reach.
#[derive(Clone, Debug, Default)]
pub(super) struct RawOptOut<'a> {
    pub(super) users: Option<Texts<'a>>,
    pub(super) groups: Option<Texts<'a>>,
}
