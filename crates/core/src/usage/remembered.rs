//! What replicas remember, as their `/images` says it: JSON, or one JSON object a line.
//!
//! The bytes are foreign: fields that are not known are skipped, those that are known have to be
//! what they are said to be, and there are at most [`MOST_ENTRIES`] of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::distinct::{Owner, Usage};
use crate::policy::{ContainerKind, KnownLabels, ObjectKind, PullPolicy, Workload, printable};

/// The most uses that one answer may hold: four times what a replica remembers by default.
pub const MOST_ENTRIES: usize = 1 << 18;

/// What one replica remembers.
#[derive(Debug)]
pub struct Remembered<'a> {
    /// The replica's host name; empty where it does not say.
    pub replica: Cow<'a, str>,
    /// Since when it remembers, in Unix seconds.
    pub since: Option<i64>,
    /// How many uses it has forgotten for want of room.
    pub evicted: u64,
    /// How many it never learned of, since they came too fast.
    pub lost: u64,
    entries: Vec<Entry<'a>>,
}

/// Why bytes are no such answer.
#[derive(Debug, thiserror::Error)]
pub enum NotRemembered {
    /// Not JSON, or JSON of another shape.
    #[error("{0}")]
    Json(serde_json::Error),
    /// A JSON object that says nothing of images.
    #[error("there is no list of images in it")]
    NoImages,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    replica: Cow<'a, str>,
    #[serde(default, deserialize_with = "moment")]
    since: Option<i64>,
    #[serde(default)]
    evicted: u64,
    #[serde(default)]
    lost: u64,
    /// How many there are; the first of many lines has this, and no images.
    entries: Option<u64>,
    #[serde(borrow)]
    images: Option<Entries<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    image: Cow<'a, str>,
    #[serde(borrow, default)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    groups: Vec<Cow<'a, str>>,
    count: u64,
    #[serde(default, deserialize_with = "moment")]
    first_seen: Option<i64>,
    #[serde(default, deserialize_with = "moment")]
    last_seen: Option<i64>,
    decision: Decision,
    #[serde(borrow)]
    workload: Option<Named<'a>>,
    #[serde(default)]
    template: bool,
    #[serde(borrow, rename = "override")]
    pinned: Option<Cow<'a, str>>,
    /// An older gate does not say which kinds of containers it saw, as all that follows.
    #[serde(default, deserialize_with = "container")]
    container: Option<ContainerKind>,
    #[serde(borrow)]
    pull_policy: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "labels")]
    labels: KnownLabels<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Audit,
    Deny,
    Exempt,
    Warn,
}

#[derive(Debug, Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

struct Entries<'a>(Vec<Entry<'a>>);

impl<'a> Remembered<'a> {
    /// Reads an answer of `/images`, in either form.
    ///
    /// # Errors
    /// When the bytes are something else, or hold more than [`MOST_ENTRIES`] uses.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotRemembered> {
        let mut heads = serde_json::Deserializer::from_slice(bytes).into_iter::<Head<'a>>();
        let head = heads.next().ok_or(NotRemembered::NoImages)?.map_err(NotRemembered::Json)?;
        let rest = bytes.get(heads.byte_offset()..).unwrap_or_default();
        let Head { replica, since, evicted, lost, entries, images } = head;
        let entries = match (images, entries) {
            (None, None) => return Err(NotRemembered::NoImages),
            (Some(Entries(images)), _) if rest.trim_ascii().is_empty() => images,
            (Some(_), _) => {
                let error = de::Error::custom("there is more behind the answer");
                return Err(NotRemembered::Json(error));
            }
            (None, Some(_)) => lines(rest)?,
        };
        Ok(Self { replica, since, evicted, lost, entries })
    }

    /// Whose memory it is, since when, and what is missing in it: `imagegate-7d9f remembers 214 uses
    /// since 2026-11-24 08:00 UTC`. `from` names the replica where it does not say its name.
    #[must_use]
    pub fn in_words(&self, from: &str) -> String {
        let Self { replica, since, evicted, lost, .. } = self;
        let replica = if replica.is_empty() { from } else { replica };
        let uses = match self.usages().count() {
            1 => "1 use".to_owned(),
            count => format!("{count} uses"),
        };
        let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
        let since = since.and_then(|since| OffsetDateTime::from_unix_timestamp(since).ok());
        let since = since.and_then(|since| since.format(format).ok());
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        let missing = match evicted.saturating_add(*lost) {
            0 => String::new(),
            missing => format!("; {missing} more were forgotten or missed"),
        };
        let is_older = self.entries.iter().any(|entry| entry.container.is_none());
        let older = if is_older {
            "; it is older, and its images count as regular containers that always pull"
        } else {
            ""
        };
        format!("{} remembers {uses}{since}{missing}{older}", printable(replica))
    }

    /// The uses that were asked for in earnest, each with whether it was refused the last time.
    ///
    /// What was only tried out by dry runs is not among them.
    pub fn usages(&self) -> impl Iterator<Item = (Usage<'_>, bool)> {
        self.entries.iter().filter(|entry| entry.count > 0).map(|entry| {
            let usage = Usage {
                namespace: &entry.namespace,
                image: &entry.image,
                user: &entry.user,
                groups: &entry.groups,
                owner: entry.workload.as_ref().and_then(Named::owner),
                workload: if entry.template { Workload::Template } else { Workload::Pod },
                kind: entry.object_kind(),
                labels: &entry.labels,
                container: entry.container.unwrap_or_default(),
                pull_policy: entry
                    .pull_policy
                    .as_deref()
                    .map_or(PullPolicy::Always, PullPolicy::of),
                pinned: entry.pinned.as_deref(),
                count: entry.count,
                first_seen: entry.first_seen,
                last_seen: entry.last_seen,
            };
            (usage, entry.decision == Decision::Deny)
        })
    }
}

impl Entry<'_> {
    /// Nothing where the kind of a template is not said.
    fn object_kind(&self) -> ObjectKind<'_> {
        match (self.kind.as_deref(), self.template) {
            (Some(kind), true) => ObjectKind::of(kind),
            (None, true) => ObjectKind { group: "", kind: "" },
            (_, false) => ObjectKind::default(),
        }
    }
}

/// One use a line, behind the head.
fn lines(rest: &[u8]) -> Result<Vec<Entry<'_>>, NotRemembered> {
    let mut entries = Vec::new();
    for entry in serde_json::Deserializer::from_slice(rest).into_iter::<Entry<'_>>() {
        if entries.len() == MOST_ENTRIES {
            return Err(NotRemembered::Json(too_many()));
        }
        entries.push(entry.map_err(NotRemembered::Json)?);
    }
    Ok(entries)
}

fn too_many<E: de::Error>() -> E {
    E::custom(format_args!("there are more than {MOST_ENTRIES} images"))
}

fn container<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ContainerKind>, D::Error> {
    let Some(text) = Option::<Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
    let expected = || de::Error::invalid_value(de::Unexpected::Str(&text), &"a kind of container");
    ContainerKind::named(&text).map(Some).ok_or_else(expected)
}

/// Texts by their keys; `null` for a label that was not there.
fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KnownLabels<'de>, D::Error> {
    let labels = BTreeMap::<Cow<'de, str>, Option<Cow<'de, str>>>::deserialize(deserializer)?;
    Ok(KnownLabels::new(labels.into_iter().collect()))
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = Option::<Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
    let moment = OffsetDateTime::parse(&text, &Rfc3339);
    let expected = |_| de::Error::invalid_value(de::Unexpected::Str(&text), &"a time of RFC 3339");
    Ok(Some(moment.map_err(expected)?.unix_timestamp()))
}

impl Named<'_> {
    /// What is named; nothing where its kind is not known.
    fn owner(&self) -> Option<Owner<'_>> {
        (!self.kind.is_empty()).then_some(Owner { kind: &self.kind, name: &self.name })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<Entry<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of images")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = items.next_element()? {
                    if entries.len() == MOST_ENTRIES {
                        return Err(too_many());
                    }
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(Each).map(Self)
    }
}
