//! Who will overwrite an edit of the policy's ConfigMap: what its annotations say of those who keep it.
//!
//! An edit is in force until then, so this is for its author to know and no reason to refuse.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What `kubectl apply` wrote; a text that is something else says nothing.
#[derive(Deserialize)]
struct Applied {
    data: Option<BTreeMap<String, String>>,
}

/// What to tell the author of an edit that leaves `keys` in a ConfigMap: `owner` is who owns the
/// policy, as the Helm chart says; `applied` what `kubectl apply` wrote last.
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
