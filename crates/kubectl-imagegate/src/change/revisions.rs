//! The policies before the present one, kept beside it so that a change can be undone.
//!
//! They are an annotation of the ConfigMap: whoever may write the policy may write them, and both are
//! written by one request, so they never disagree. It is bounded, since all annotations of an object
//! together may have 256 KiB.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::gate::ConfigMap;

/// The annotation.
pub(crate) const HISTORY: &str = "imagegate/history";
/// Policies that are kept.
const MOST: usize = 10;
/// Bytes of the annotation.
const LARGEST: usize = 128 << 10;

/// A policy that was in force once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revision {
    /// When another took its place, as RFC 3339 has it.
    pub(crate) until: String,
    /// The keys of the ConfigMap.
    pub(crate) data: BTreeMap<String, String>,
    /// The [`fingerprint`] of the keys that took their place. They are not the present ones where something
    /// else has changed the policy since. Empty where it is not known what came next.
    #[serde(default)]
    replaced_by: String,
}

/// The policies before, the last one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revisions(pub(crate) Vec<Revision>);

impl Revision {
    /// Whether these keys took its place.
    pub(crate) fn was_replaced_by(&self, data: &BTreeMap<String, String>) -> bool {
        self.replaced_by == fingerprint(data)
    }

    /// Whether it is not known what took its place.
    pub(crate) fn is_before_a_hole(&self) -> bool {
        self.replaced_by.is_empty()
    }
}

impl Revisions {
    /// Those of a ConfigMap. An annotation that cannot be read holds none.
    pub(crate) fn of(config_map: &ConfigMap) -> Self {
        let written = config_map.metadata.annotations.get(HISTORY);
        Self(written.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The text of the annotation once `new` keys take the place of the present ones, and whether those are
    /// in it. What is in force next is kept no second time, and the oldest go where there are too many. Keys
    /// that are too large by themselves leave a hole, and the older ones stay.
    pub(crate) fn before(
        config_map: &ConfigMap,
        new: &BTreeMap<String, String>,
        until: String,
    ) -> (String, bool) {
        let mut all = Self::of(config_map).0;
        let present =
            Revision { until, data: config_map.data.clone(), replaced_by: fingerprint(new) };
        all.retain(|each| each.data != present.data && each.data != *new);
        let is_kept = text(std::slice::from_ref(&present)).len() <= LARGEST;
        if is_kept {
            all.insert(0, present);
        } else if let Some(newest) = all.first_mut() {
            newest.replaced_by.clear();
        }
        all.truncate(MOST);
        while text(&all).len() > LARGEST {
            all.pop();
        }
        (text(&all), is_kept)
    }
}

fn text(revisions: &[Revision]) -> String {
    serde_json::to_string(revisions).unwrap_or_default()
}

/// The SHA-256 of keys, as their JSON has them, in hexadecimal digits.
fn fingerprint(data: &BTreeMap<String, String>) -> String {
    let text = serde_json::to_string(data).unwrap_or_default();
    Sha256::digest(text).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{HISTORY, LARGEST, MOST, Revisions};
    use crate::gate::ConfigMap;

    fn data(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("policy.yaml".to_owned(), text.to_owned())])
    }

    fn config_map(text: &str, history: &str) -> ConfigMap {
        let json = serde_json::json!({
            "metadata": { "name": "a", "annotations": { HISTORY: history } },
            "data": { "policy.yaml": text },
        });
        serde_json::from_value(json).unwrap()
    }

    /// Changes to each of these in turn; the texts that are kept in the end.
    fn changed(texts: &[&str]) -> Vec<String> {
        let mut history = String::new();
        for pair in texts.windows(2) {
            let before = config_map(pair[0], &history);
            (history, _) = Revisions::before(&before, &data(pair[1]), "now".to_owned());
            assert!(history.len() <= LARGEST);
        }
        let kept = Revisions::of(&config_map("", &history)).0;
        kept.into_iter().map(|each| each.data["policy.yaml"].clone()).collect()
    }

    #[test]
    fn each_policy_before_is_kept_once_and_the_last_comes_first() {
        assert_eq!(changed(&["a", "b"]), ["a"]);
        assert_eq!(changed(&["a", "b", "c"]), ["b", "a"]);
        assert_eq!(changed(&["a", "b", "a"]), ["b"]);
        assert_eq!(changed(&["a", "b", "a", "c"]), ["a", "b"]);
    }

    #[test]
    fn a_change_by_something_else_is_noticed() {
        let (history, _) = Revisions::before(&config_map("a", ""), &data("b"), "now".to_owned());
        let newest = |history: &str| Revisions::of(&config_map("", history)).0.remove(0);
        assert!(newest(&history).was_replaced_by(&data("b")));
        assert!(!newest(&history).was_replaced_by(&data("c")));
        // The next change by the plugin keeps what the other tool wrote, and knows where it is again.
        let (next, _) = Revisions::before(&config_map("c", &history), &data("d"), "now".to_owned());
        assert_eq!(newest(&next).data, data("c"));
        assert!(newest(&next).was_replaced_by(&data("d")));
        // An older plugin has not written what came after.
        let older = r#"[{"until":"now","data":{"policy.yaml":"a"}}]"#;
        assert!(!newest(older).was_replaced_by(&data("b")));
    }

    #[test]
    fn they_are_bounded_in_number_and_in_size() {
        let many: Vec<String> = (0..MOST + 3).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(changed(&many).len(), MOST);
        let large = "x".repeat(LARGEST / 3);
        let large: Vec<String> = (0..4).map(|number| format!("{number}{large}")).collect();
        let large: Vec<&str> = large.iter().map(String::as_str).collect();
        assert_eq!(changed(&large).len(), 2);
    }

    #[test]
    fn what_is_too_large_leaves_a_hole_and_the_older_ones() {
        let largest = "x".repeat(LARGEST);
        assert_eq!(changed(&[&largest, "a"]), [""; 0]);
        assert_eq!(changed(&["a", "b", &largest, "c"]), ["b", "a"]);
        // A way back by default would end at `b`, which is not what was there before.
        for next in ["c", "b"] {
            let older = Revisions::before(&config_map("a", ""), &data("b"), "now".to_owned()).0;
            let large = config_map(&largest, &older);
            let (history, is_kept) = Revisions::before(&large, &data(next), "now".to_owned());
            let newest = Revisions::of(&config_map(next, &history)).0.remove(0);
            assert_eq!((is_kept, newest.data.clone()), (false, data("a")));
            assert!(newest.is_before_a_hole() && !newest.was_replaced_by(&data(next)));
        }
    }

    #[test]
    fn what_somebody_else_wrote_there_holds_none() {
        assert_eq!(Revisions::of(&config_map("a", "{")), Revisions::default());
    }
}
