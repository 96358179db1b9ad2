//! The raw policy: what was written, with its place, before anything is checked.
//!
//! Both forms, simple and full, are read into these types; `compile` alone turns them into a
//! [`Policy`](crate::policy::Policy).

use std::borrow::Cow;

use crate::policy::problem::{At, Place};
use crate::policy::read::selector::RawSelector;
use crate::policy::rules::fields::RawRules;

/// A value with the place it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Located<T> {
    pub(in crate::policy) value: T,
    pub(in crate::policy) at: At,
}

/// A text as written, borrowed from its document where it stands there letter by letter.
pub(in crate::policy) type Text<'a> = Located<Cow<'a, str>>;

/// A list of texts, with its place. An item has no more than it needs: there may be half a million
/// of them in a document.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Texts<'a> {
    pub(in crate::policy) items: Vec<Item<'a>>,
    pub(in crate::policy) at: At,
}

/// One text of a list.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Item<'a> {
    pub(in crate::policy) value: Cow<'a, str>,
    pub(in crate::policy) place: Place,
}

impl Texts<'_> {
    /// The items, as written.
    pub(in crate::policy) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.items.iter().map(|item| &*item.value)
    }

    /// A list that nobody wrote.
    pub(in crate::policy) fn of_defaults<'a>(items: &[&'a str]) -> Texts<'a> {
        let item = |text: &&'a str| Item { value: (*text).into(), place: (0, 0) };
        Texts { items: items.iter().map(item).collect(), at: At::new("default", "", None) }
    }

    /// The place of the item at `position`.
    pub(in crate::policy) fn at(&self, position: usize, item: &Item<'_>) -> At {
        self.at.item(position, item.place)
    }
}

/// Rules for some namespaces, or for a path that names them.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RawOverride<'a> {
    pub(in crate::policy) at: At,
    pub(in crate::policy) name: Option<Text<'a>>,
    pub(in crate::policy) namespaces: Option<Texts<'a>>,
    /// Of few overrides and exemptions, so that the others have no room for it.
    pub(in crate::policy) selector: Option<Box<RawSelector<'a>>>,
    pub(in crate::policy) rules: RawRules<'a>,
}

/// Images that may break the rules.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RawExemption<'a> {
    pub(in crate::policy) at: At,
    pub(in crate::policy) name: Option<Text<'a>>,
    pub(in crate::policy) images: Option<Texts<'a>>,
    pub(in crate::policy) rules: Option<Texts<'a>>,
    pub(in crate::policy) namespaces: Option<Texts<'a>>,
    /// Of few overrides and exemptions, so that the others have no room for it.
    pub(in crate::policy) selector: Option<Box<RawSelector<'a>>>,
    pub(in crate::policy) users: Option<Texts<'a>>,
    pub(in crate::policy) groups: Option<Texts<'a>>,
    pub(in crate::policy) service_accounts: Option<Texts<'a>>,
    pub(in crate::policy) reason: Option<Text<'a>>,
    pub(in crate::policy) owner: Option<Text<'a>>,
    pub(in crate::policy) expires: Option<Text<'a>>,
}

/// A whole policy.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawPolicy<'a> {
    pub(in crate::policy) rules: RawRules<'a>,
    pub(in crate::policy) overrides: Vec<RawOverride<'a>>,
    pub(in crate::policy) exemptions: Vec<RawExemption<'a>>,
    pub(in crate::policy) namespace_opt_out: Option<RawOptOut<'a>>,
    pub(in crate::policy) refuse_edits_that_deny: Option<u32>,
    pub(in crate::policy) workloads: Vec<RawWorkload<'a>>,
}

/// A kind whose pod spec is judged.
#[derive(Clone, Debug)]
pub(in crate::policy) struct RawWorkload<'a> {
    pub(in crate::policy) at: At,
    pub(in crate::policy) group: Option<Text<'a>>,
    pub(in crate::policy) kind: Option<Text<'a>>,
    pub(in crate::policy) pod_spec: Option<Text<'a>>,
}

/// Who may set the label that takes a namespace out of the webhook's reach.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct RawOptOut<'a> {
    pub(in crate::policy) users: Option<Texts<'a>>,
    pub(in crate::policy) groups: Option<Texts<'a>>,
}
