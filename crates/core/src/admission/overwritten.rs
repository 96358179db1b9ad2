//! Who will overwrite an edit of the policy's ConfigMap, judging by its annotations.
//!
//! The edit is in force until then, so this is a warning for its author and no reason to refuse.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What `kubectl apply` recorded; text of any other form is ignored.
#[derive(Deserialize)]
struct Applied {
    data: Option<BTreeMap<String, String>>,
}

/// The warnings for the author of an edit after which the ConfigMap has `keys`. `owner` is the
/// owner of the policy as set by the Helm chart, `applied` what `kubectl apply` recorded last.
pub(super) fn warnings(
    owner: Option<&str>,
    applied: Option<&str>,
    keys: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let owner = owner.map(|owner| {
        format!("{owner} own this policy: the next upgrade or rollback puts them back")
    });
    let applied = applied.and_then(|text| serde_json::from_str(text).ok());
    let put_back = applied.and_then(|Applied { data }| {
        let written = data.unwrap_or_default().into_iter();
        let differ = |key: &str, text: &str| keys.get(key).is_none_or(|now| now != text.as_bytes());
        let changed: Vec<_> =
            written.filter(|(key, text)| differ(key, text)).map(|(key, _)| key).collect();
        let names = changed.join(", ");
        (!changed.is_empty())
            .then(|| format!("the next `kubectl apply` of the file puts back: {names}"))
    });
    owner.into_iter().chain(put_back).collect()
}
