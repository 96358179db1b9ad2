//! One label of an object; all others are skipped, however many there are.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::strict::{Object, Text};

/// Names the label that is read.
pub(super) trait LabelName {
    const NAME: &'static str;
}

/// An object's metadata, of which one label is read.
#[derive(Debug, Deserialize)]
#[serde(bound = "'de: 'a, N: LabelName")]
pub(super) struct Metadata<'a, N> {
    #[serde(borrow)]
    labels: Option<Label<'a, N>>,
}

/// The value of the label `N`, if it is set.
#[derive(Debug)]
pub(super) struct Label<'a, N>(Option<Cow<'a, str>>, PhantomData<N>);

impl<'a, N> Metadata<'a, N> {
    /// The value of the label in the metadata of an object, which may have none.
    pub(super) fn label(metadata: Option<&Object<Self>>) -> Option<&Cow<'a, str>> {
        metadata?.labels.as_ref()?.value()
    }
}

impl<'a, N> Label<'a, N> {
    /// The value, if the label is set.
    pub(super) fn value(&self) -> Option<&Cow<'a, str>> {
        self.0.as_ref()
    }
}

impl<'de: 'a, 'a, N: LabelName> Deserialize<'de> for Label<'a, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Labels(PhantomData))
    }
}

struct Labels<'a, N>(PhantomData<(&'a (), N)>);

impl<'de: 'a, 'a, N: LabelName> Visitor<'de> for Labels<'a, N> {
    type Value = Label<'a, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut labels: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(name) = labels.next_key::<Cow<'_, str>>()? {
            if name != N::NAME {
                labels.next_value::<IgnoredAny>()?;
            } else if found.is_none() {
                let Text(value) = labels.next_value()?;
                found = Some(value);
            } else {
                return Err(M::Error::duplicate_field(N::NAME));
            }
        }
        Ok(Label(found, PhantomData))
    }
}
