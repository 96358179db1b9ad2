//! A ConfigMap, read no further than an API server stores one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::label::{LabelName, Metadata};
use super::strict::{Object, Text};

/// The label of the ConfigMap that holds the policy.
pub const POLICY_LABEL: &str = "imagegate/policy";

/// Bytes of all values, which the API server allows.
///
/// Source: `MaxSecretSize` in `ValidateConfigMap`, `pkg/apis/core/validation/validation.go`.
const LARGEST: usize = 1 << 20;
/// Keys of `data` and of `binaryData` each; a mounted volume may have no more in all.
const MOST_KEYS: usize = 1_000;

/// The fields of a ConfigMap that are looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigMap<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Metadata<'a, PolicyLabel>>>,
    data: Option<Keys<'a>>,
    binary_data: Option<Keys<'a>>,
}

/// A ConfigMap has more keys or bytes than an API server stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Keys with their values.
#[derive(Debug, Default)]
struct Keys<'a> {
    kept: BTreeMap<String, Cow<'a, str>>,
    bytes: usize,
    /// Whether something was read past, since there was too much.
    too_many: bool,
}

#[derive(Debug)]
struct PolicyLabel;

impl LabelName for PolicyLabel {
    const NAME: &'static str = POLICY_LABEL;
}

impl ConfigMap<'_> {
    /// Whether the label says that this is the policy.
    pub(super) fn is_policy(&self) -> bool {
        Metadata::label(self.metadata.as_ref()).is_some_and(|value| value == "true")
    }

    /// The keys as a volume shows them.
    pub(super) fn into_keys(self) -> Result<BTreeMap<String, Vec<u8>>, TooLarge> {
        let (data, binary) = (self.data.unwrap_or_default(), self.binary_data.unwrap_or_default());
        if data.too_many || binary.too_many || data.bytes + binary.bytes > LARGEST {
            return Err(TooLarge);
        }
        let text = |(key, value): (_, Cow<'_, str>)| (key, value.into_owned().into_bytes());
        let mut keys: BTreeMap<_, _> = data.kept.into_iter().map(text).collect();
        // Mounted too, as bytes that no policy is written in.
        keys.extend(binary.kept.into_keys().map(|key| (key, vec![0xff])));
        Ok(keys)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Keys<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of keys")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut keys = Keys::default();
        while let Some(key) = map.next_key::<String>()? {
            if keys.kept.len() == MOST_KEYS || keys.bytes > LARGEST {
                keys.too_many = true;
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Text(value) = map.next_value()?;
            keys.bytes += value.len();
            if keys.kept.insert(key, value).is_some() {
                return Err(M::Error::custom("a key is given twice"));
            }
        }
        Ok(keys)
    }
}
