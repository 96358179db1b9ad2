//! A ConfigMap, read up to the size that an API server stores.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::label::{Label, LabelName};
use super::strict::{Object, Text};

/// The label of the ConfigMap that holds the policy.
pub const POLICY_LABEL: &str = "imagegate/policy";

/// The annotation of that ConfigMap which lets an edit through that refuses images in use: the hash
/// of the new policy.
pub const CONFIRM_ANNOTATION: &str = "imagegate/confirm";

/// The limit of the API server on the size of all values, in bytes.
///
/// Source: `MaxSecretSize` in `ValidateConfigMap`, `pkg/apis/core/validation/validation.go`.
const LARGEST: usize = 1 << 20;
/// The most keys of `data` and of `binaryData` each. A mounted volume may not have more in all.
const MOST_KEYS: usize = 1_000;

/// The limit of the API server on the size of all annotations, in bytes.
///
/// Source: `TotalAnnotationSizeLimitB` of `k8s.io/apimachinery/pkg/api/validation`.
const LARGEST_ANNOTATION: usize = 256 << 10;

/// The fields of a ConfigMap that are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigMap<'a> {
    #[serde(borrow)]
    metadata: Option<Object<Metadata<'a>>>,
    data: Option<Keys<'a>>,
    binary_data: Option<Keys<'a>>,
}

#[derive(Debug, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    labels: Option<Label<'a, PolicyLabel>>,
    annotations: Option<Object<Annotations<'a>>>,
}

/// The annotations that matter for an edit; the others are skipped.
#[derive(Debug, Deserialize)]
struct Annotations<'a> {
    /// The owner of the policy, as set by the Helm chart.
    #[serde(rename = "imagegate/policy-owner", borrow)]
    policy_owner: Option<Text<'a>>,
    /// [`MATCH_CONDITIONS`](crate::policy::MATCH_CONDITIONS)
    #[serde(rename = "imagegate/match-conditions")]
    match_conditions: Option<Text<'a>>,
    /// The hash of the policy that is meant, whatever it refuses.
    #[serde(rename = "imagegate/confirm")]
    confirm: Option<Text<'a>>,
    /// What `kubectl apply` recorded.
    ///
    /// Source: <https://kubernetes.io/docs/reference/labels-annotations-taints/>.
    #[serde(rename = "kubectl.kubernetes.io/last-applied-configuration")]
    last_applied: Option<Text<'a>>,
}

/// The ConfigMap has more keys or bytes than an API server stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Keys with their values.
#[derive(Debug, Default)]
struct Keys<'a> {
    kept: BTreeMap<String, Cow<'a, str>>,
    bytes: usize,
    /// Whether anything was skipped because there was too much.
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
        let labels = self.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        labels.and_then(Label::value).is_some_and(|value| value == "true")
    }

    /// The owner of the policy, as set by the Helm chart.
    pub(super) fn policy_owner(&self) -> Option<&str> {
        self.annotation(|annotations| annotations.policy_owner.as_deref())
    }

    /// Which match conditions the webhook configuration has.
    pub(super) fn match_conditions(&self) -> Option<&str> {
        self.annotation(|annotations| annotations.match_conditions.as_deref())
    }

    /// The hash of the policy that the author means, whatever it refuses.
    pub(super) fn confirmed(&self) -> Option<&str> {
        self.annotation(|annotations| annotations.confirm.as_deref())
    }

    /// What `kubectl apply` recorded last, as JSON.
    pub(super) fn last_applied(&self) -> Option<&str> {
        self.annotation(|annotations| annotations.last_applied.as_deref())
    }

    /// The keys as a mounted volume has them.
    pub(super) fn to_keys(&self) -> Result<BTreeMap<String, Vec<u8>>, TooLarge> {
        let none = Keys::default();
        let data = self.data.as_ref().unwrap_or(&none);
        let binary = self.binary_data.as_ref().unwrap_or(&none);
        if data.too_many || binary.too_many || data.bytes + binary.bytes > LARGEST {
            return Err(TooLarge);
        }
        let text =
            |(key, value): (&String, &Cow<'_, str>)| (key.clone(), value.as_bytes().to_vec());
        let mut keys: BTreeMap<_, _> = data.kept.iter().map(text).collect();
        // Mounted too; as a policy such bytes will be refused.
        keys.extend(binary.kept.keys().map(|key| (key.clone(), vec![0xff])));
        Ok(keys)
    }

    fn annotation<'s>(
        &'s self,
        read: impl Fn(&'s Annotations<'s>) -> Option<&'s str>,
    ) -> Option<&'s str> {
        let annotations = self.metadata.as_ref()?.annotations.as_ref()?;
        read(annotations).filter(|text| text.len() <= LARGEST_ANNOTATION)
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
