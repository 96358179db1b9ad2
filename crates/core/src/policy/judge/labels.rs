//! The labels of a Pod, or those that a template gives its Pods.
//!
//! Whoever creates a Pod chooses its labels.

use std::borrow::Cow;

/// Labels, as far as they are known to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

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
