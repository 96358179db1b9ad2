//! Globs over names of namespaces and over tags, in which `*` is any run of characters.
//!
//! Only what their texts tell is said: of two globs with several `*` each, what both cover is not.

/// What two globs both cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Common {
    /// The globs that cover it together; none where nothing is covered by both.
    Globs(Vec<String>),
    /// Perhaps something, that no list of globs says here.
    Unknown,
}

/// Whether a glob covers a text, or all that another glob covers.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let Some((start, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(last)
}

/// Whether one text may match both, as far as the ends of globs tell.
pub(crate) fn meet(one: &str, other: &str) -> bool {
    if !one.contains('*') || !other.contains('*') {
        return matches(one, other) || matches(other, one);
    }
    let (a, b, c, d) = (start(one), start(other), end(one), end(other));
    (a.starts_with(b) || b.starts_with(a)) && (c.ends_with(d) || d.ends_with(c))
}

/// What both globs cover.
pub(crate) fn common(one: &str, other: &str) -> Common {
    if matches(one, other) {
        return Common::Globs(vec![other.to_owned()]);
    }
    if matches(other, one) {
        return Common::Globs(vec![one.to_owned()]);
    }
    if !meet(one, other) {
        return Common::Globs(Vec::new());
    }
    let has_one = |glob: &str| glob.matches('*').count() == 1;
    if !has_one(one) || !has_one(other) {
        return Common::Unknown;
    }
    let longer =
        |one: &str, other: &str| if one.len() < other.len() { other } else { one }.to_owned();
    let start = longer(start(one), start(other));
    let end = longer(end(one), end(other));
    let mut globs = vec![format!("{start}*{end}")];
    // `prod-*` and `*-eu` meet in `prod-eu` too, where the one `-` is of both.
    for (index, _) in end.char_indices().skip(1).chain([(end.len(), ' ')]) {
        let (shared, rest) = end.split_at_checked(index).unwrap_or_default();
        let text = format!("{start}{rest}");
        if start.ends_with(shared) && matches(one, &text) && matches(other, &text) {
            globs.push(text);
        }
    }
    Common::Globs(globs)
}

fn start(glob: &str) -> &str {
    glob.split('*').next().unwrap_or_default()
}

fn end(glob: &str) -> &str {
    glob.rsplit('*').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Common, common};

    #[test]
    fn what_both_cover() {
        let rows: &[(&str, &str, Option<&[&str]>)] = &[
            ("prod", "prod", Some(&["prod"])),
            ("prod-*", "prod-eu", Some(&["prod-eu"])),
            ("*", "prod-*", Some(&["prod-*"])),
            ("prod-*", "*-eu", Some(&["prod-*-eu", "prod-eu"])),
            ("aa*", "*aa", Some(&["aa*aa", "aaa", "aa"])),
            ("a*c", "a*bc", Some(&["a*bc"])),
            ("ab*", "a*c", Some(&["ab*c"])),
            ("prod", "dev", Some(&[])),
            ("prod-*", "dev-*", Some(&[])),
            ("a*b*", "*c*d", None),
        ];
        for (one, other, expected) in rows {
            let expected = match expected {
                Some(globs) => Common::Globs(globs.iter().map(ToString::to_string).collect()),
                None => Common::Unknown,
            };
            assert_eq!(common(one, other), expected, "{one} {other}");
        }
    }
}
