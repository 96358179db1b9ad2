//! The values that fields have: the choices among names, and a value as data.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::policy::judge::list::Written;
use crate::policy::judge::registries::AllowedRegistries;
use crate::policy::judge::selector::PodSelector;
use crate::policy::rules::messages::Messages;

/// A type whose values are written by name.
pub(in crate::policy) trait Choice: Copy + PartialEq + 'static {
    /// The names with their values, from the strictest to the laxest.
    const CHOICES: &'static [(&'static str, Self)];
    /// The value, the laxest, that the normal form of a whole policy leaves out, so that a policy that
    /// was written before there was the field keeps its hash.
    const LEFT_OUT: Option<Self> = None;
}

impl Choice for bool {
    const CHOICES: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// The value of a field as data: what the normal form is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Value {
    /// One of several names; `laxity` is its position among them, from the strictest on.
    Choice {
        name: &'static str,
        laxity: usize,
        is_left_out: bool,
    },
    Flag(bool),
    Count(u32),
    /// A mapping of one field.
    Field(&'static str, Box<str>),
    Items(Written),
    Registries(AllowedRegistries),
    Messages(Arc<Messages>),
    PodSelector(Arc<PodSelector>),
    Text(Box<str>),
}

impl Value {
    pub(in crate::policy) fn choice<T: Choice>(value: T) -> Self {
        let names = T::CHOICES.iter().enumerate();
        let found = names.into_iter().find(|(_, (_, each))| *each == value);
        // Every value has its name among the choices.
        let (laxity, name) = found.map_or((0, ""), |(laxity, (name, _))| (laxity, *name));
        Self::Choice { name, laxity, is_left_out: T::LEFT_OUT == Some(value) }
    }

    /// Whether it is left out of the normal form of a whole policy, so that a policy that has none of it
    /// keeps its hash.
    pub(in crate::policy) fn is_left_out(&self) -> bool {
        match self {
            Self::Choice { is_left_out, .. } => *is_left_out,
            Self::Messages(messages) => messages.is_empty(),
            _ => false,
        }
    }

    /// The items of a list, as written.
    pub(in crate::policy) fn items(&self) -> Option<&Written> {
        match self {
            Self::Items(items) => Some(items),
            Self::Registries(registries) => Some(registries.written()),
            _ => None,
        }
    }

    /// How much this value lets through, beside another value of the same field; `None` where that
    /// cannot be told from one value.
    pub(in crate::policy) fn laxity(&self) -> Option<usize> {
        match self {
            Self::Choice { laxity, .. } => Some(*laxity),
            // Flags are requirements.
            Self::Flag(required) => Some(usize::from(!required)),
            Self::Count(_)
            | Self::Field(..)
            | Self::Items(_)
            | Self::Messages(_)
            | Self::PodSelector(_)
            | Self::Registries(_)
            | Self::Text(_) => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Choice { name, .. } => name.serialize(serializer),
            Self::Flag(flag) => flag.serialize(serializer),
            Self::Count(count) => count.serialize(serializer),
            Self::Field(name, text) => serializer.collect_map([(name, text)]),
            Self::Items(items) => items.serialize(serializer),
            Self::Registries(registries) => registries.serialize(serializer),
            Self::Messages(messages) => {
                serializer.collect_map(messages.iter().map(|(rule, text)| (rule, text.written())))
            }
            Self::PodSelector(selector) => selector.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}
