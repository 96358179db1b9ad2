//! The text that is edited, and the keys of the ConfigMap that it becomes.

use std::collections::BTreeMap;

use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY, SIMPLE_KEYS};

/// What is edited: the text of a key, or the simple keys as a mapping.
pub(crate) fn text_of(data: &BTreeMap<String, String>, key: &str) -> String {
    match data.get(key) {
        Some(text) => text.clone(),
        None if key == POLICY_KEY => {
            let simple = SIMPLE_KEYS.iter().filter_map(|key| Some((key, data.get(*key)?)));
            let lines: Vec<_> =
                simple.map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
            lines.join("\n")
        }
        None => String::new(),
    }
}

/// The keys after an edit of `key`. A policy that was in simple form stays in it as long as its text is
/// one of simple keys.
pub(crate) fn data_of(
    before: &BTreeMap<String, String>,
    key: &str,
    text: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut data = before.clone();
    if key == CANDIDATE_KEY && text.trim().is_empty() {
        data.remove(CANDIDATE_KEY);
        return Ok(data);
    }
    if key == POLICY_KEY {
        data.retain(|key, _| key != POLICY_KEY && !SIMPLE_KEYS.contains(&key.as_str()));
        let is_simple =
            |line: &str| SIMPLE_KEYS.iter().any(|key| line.starts_with(&format!("{key}:")));
        if text.lines().any(is_simple) {
            let simple: BTreeMap<String, String> = serde_saphyr::from_str(text)
                .map_err(|error| error.without_snippet().to_string())?;
            data.extend(simple);
            return Ok(data);
        }
    }
    data.insert(key.to_owned(), text.to_owned());
    Ok(data)
}

/// The keys once the candidate is the policy; `None` where there is no candidate.
pub(crate) fn promoted(before: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let mut data = before.clone();
    let text = data.remove(CANDIDATE_KEY)?;
    data.retain(|key, _| !SIMPLE_KEYS.contains(&key.as_str()));
    data.insert(POLICY_KEY.to_owned(), text);
    Some(data)
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use imagegate_core::policy::{CANDIDATE_KEY, POLICY_KEY};

    use super::{data_of, text_of};

    fn data(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_simple_form_is_edited_as_a_mapping() {
        let before = data(&[("ALLOWED_REGISTRIES", "docker.io"), ("DISABLE_EMPTY_TAG", "true")]);
        let text = text_of(&before, POLICY_KEY);
        assert_eq!(text, "ALLOWED_REGISTRIES: \"docker.io\"\nDISABLE_EMPTY_TAG: \"true\"");
        assert_eq!(data_of(&before, POLICY_KEY, &text).unwrap(), before);
        let full = data_of(&before, POLICY_KEY, "mode: warn\n").unwrap();
        assert_eq!(full, data(&[(POLICY_KEY, "mode: warn\n")]));
        assert!(data_of(&before, POLICY_KEY, "ALLOWED_REGISTRIES: [\n").is_err());
    }

    #[test]
    fn an_empty_candidate_is_none() {
        let before = data(&[(POLICY_KEY, "{}"), (CANDIDATE_KEY, "mode: warn")]);
        assert_eq!(text_of(&before, CANDIDATE_KEY), "mode: warn");
        assert_eq!(data_of(&before, CANDIDATE_KEY, "\n").unwrap(), data(&[(POLICY_KEY, "{}")]));
        let changed = data_of(&before, CANDIDATE_KEY, "mode: audit").unwrap();
        assert_eq!(changed, data(&[(POLICY_KEY, "{}"), (CANDIDATE_KEY, "mode: audit")]));
    }
}
