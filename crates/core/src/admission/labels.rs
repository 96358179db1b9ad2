//! The labels of the Pods of a request: of a Pod its own, of a workload those of its template.
//!
//! Few policies go by labels, and most of what metadata holds is of no use here. So a body is read once
//! more for them, where a policy wants to know, and everything else costs what it did.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::bad_review::BadReview;
use super::envelope::Envelope;
use super::strict::{Object, Text};
use super::workload::WorkloadKind;
use crate::policy::Labels;

/// Labels of one object that are read. A Pod has ten or twenty.
pub(super) const MOST_LABELS: usize = 1_000;

/// The labels of an object; what is left out is empty.
#[derive(Debug, Default)]
pub(super) struct LabelMap<'a> {
    pub(super) labels: Labels<'a>,
    /// Whether there are more than are read, so that nobody may go by these.
    pub(super) is_cut: bool,
}

/// Any object, with every place where one of the kinds has the labels of its Pods.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Labelled<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Metadata<'a>>>,
    spec: Option<Object<Spec<'a>>>,
    template: Option<Object<Template<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    labels: Option<LabelMap<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    template: Option<Object<Template<'a>>>,
    job_template: Option<Object<JobTemplate<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow)]
    spec: Option<Object<JobSpec<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
struct JobSpec<'a> {
    #[serde(borrow)]
    template: Option<Object<Template<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
struct Template<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Metadata<'a>>>,
}

/// The labels of the object of a request, and of the old object of an update; `None` where the kind has
/// none.
///
/// # Errors
/// When they are not what an API server writes.
pub(super) fn of_request(
    body: &[u8],
    kind: WorkloadKind,
) -> Result<Option<(LabelMap<'_>, Option<LabelMap<'_>>)>, BadReview> {
    if kind == WorkloadKind::EphemeralContainers {
        return Ok(None);
    }
    let request = Envelope::<Labelled<'_>>::parse(body)?.request;
    let of = |Object(object): Object<_>| kind.labels(object);
    Ok(Some((request.object.map(of).unwrap_or_default(), request.old_object.map(of))))
}

impl WorkloadKind {
    /// The labels of the Pods of an object of this kind.
    pub(super) fn labels(self, object: Labelled<'_>) -> LabelMap<'_> {
        fn of_template(template: Option<Object<Template<'_>>>) -> Option<Object<Metadata<'_>>> {
            template.and_then(|Object(template)| template.metadata)
        }
        let Labelled { metadata, spec, template } = object;
        let spec = spec.map(|Object(spec)| spec).unwrap_or_default();
        let metadata = match self {
            Self::CronJob => {
                let job = spec.job_template.and_then(|Object(job)| job.spec);
                of_template(job.and_then(|Object(job)| job.template))
            }
            Self::EphemeralContainers | Self::Pod => metadata,
            Self::PodTemplate => of_template(template),
            Self::Templated => of_template(spec.template),
        };
        metadata.and_then(|Object(metadata)| metadata.labels).unwrap_or_default()
    }
}

impl<'a> Metadata<'a> {
    /// The labels of the metadata of a template in a custom resource.
    ///
    /// # Errors
    /// When they are not what a Pod can have.
    pub(super) fn labels_of(json: &'a str) -> Result<LabelMap<'a>, serde_json::Error> {
        let metadata: Option<Object<Self>> = serde_json::from_str(json)?;
        Ok(metadata.and_then(|Object(metadata)| metadata.labels).unwrap_or_default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for LabelMap<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = LabelMap<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut listed = Vec::new();
                while let Some(key) = map.next_key_seed(Key)? {
                    if listed.len() == MOST_LABELS {
                        map.next_value::<IgnoredAny>()?;
                        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(LabelMap { labels: Labels::default(), is_cut: true });
                    }
                    // `null` is the empty text, as it is for the API server.
                    let value = map.next_value::<Option<Text<'de>>>()?.unwrap_or_default();
                    listed.push((key, value.0));
                }
                let labels = Labels::new(listed);
                if labels.has_twice() {
                    return Err(serde::de::Error::custom("a label is there twice"));
                }
                Ok(LabelMap { labels, is_cut: false })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// A key, borrowed unless it has an escape.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            /// The fast reader hands on keys that it has checked to be UTF-8.
            fn visit_borrowed_bytes<E: serde::de::Error>(
                self,
                text: &'de [u8],
            ) -> Result<Self::Value, E> {
                str::from_utf8(text).map(Cow::Borrowed).map_err(E::custom)
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Written)
    }
}
