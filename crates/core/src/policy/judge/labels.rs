//! The labels of a Pod, or those that a template gives its Pods.
//!
//! Whoever creates a Pod chooses its labels.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Labels, as far as they are known to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// What is known of the labels of a Pod when it is judged. By default nothing, nor can it be.
#[derive(Clone, Copy, Debug, Default)]
pub enum PodLabels<'a> {
    /// Nothing: no selector of labels applies, whatever it asks for.
    #[default]
    None,
    /// All of them.
    All(&'a Labels<'a>),
    /// Some of them; a selector for which that is not enough applies or not, as is said.
    Some(&'a KnownLabels<'a>, bool),
}

/// What is remembered of the labels of a Pod: of each key that was looked at its value, or that there was
/// no such label. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnownLabels<'a>(Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>);

impl<'a> From<Option<&'a Labels<'a>>> for PodLabels<'a> {
    fn from(labels: Option<&'a Labels<'a>>) -> Self {
        labels.map_or(Self::None, Self::All)
    }
}

impl<'a> KnownLabels<'a> {
    /// Of none is anything known.
    #[must_use]
    pub fn nothing() -> &'static Self {
        static NOTHING: KnownLabels<'_> = KnownLabels(Vec::new());
        &NOTHING
    }

    /// These, of which each key is there once.
    #[must_use]
    pub fn new(mut labels: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>) -> Self {
        labels.sort_unstable();
        Self(labels)
    }

    /// What `labels` say of these keys; nothing where there are no labels to be read.
    #[must_use]
    pub fn of(labels: Option<&Labels<'_>>, keys: &BTreeSet<&str>) -> Self {
        let Some(labels) = labels else { return Self::default() };
        let said = |key: &str| labels.get(key).map(|value| Cow::Owned(value.to_owned()));
        Self::new(keys.iter().map(|key| (Cow::Owned((*key).to_owned()), said(key))).collect())
    }

    /// The same, which borrows from nothing.
    #[must_use]
    pub fn to_owned(&self) -> KnownLabels<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        let all = self.0.iter().map(|(key, value)| (owned(key), value.as_ref().map(owned)));
        KnownLabels(all.collect())
    }

    /// The value of a label, or that there was none; nothing where that is not known.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Option<&str>> {
        let found = self.0.binary_search_by(|(each, _)| each.as_ref().cmp(key)).ok()?;
        self.0.get(found).map(|(_, value)| value.as_deref())
    }

    /// Each key with its value, sorted by key.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_deref()))
    }

    /// Of how many keys something is known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Labels<'a> {
    /// These labels, of which each key is there once.
    #[must_use]
    pub fn new(mut labels: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        labels.sort_unstable();
        Self(labels)
    }

    /// The same labels, which borrow from nothing.
    #[must_use]
    pub fn into_owned(self) -> Labels<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Labels(self.0.into_iter().map(|(key, value)| (owned(key), owned(value))).collect())
    }

    /// The value of a label; `None` where there is no such label.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.binary_search_by(|(each, _)| each.as_ref().cmp(key)).ok()?;
        self.0.get(found).map(|(_, value)| value.as_ref())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key is there twice, which no object has.
    pub(crate) fn has_twice(&self) -> bool {
        self.0.windows(2).any(|pair| matches!(pair, [(first, _), (second, _)] if first == second))
    }
}
