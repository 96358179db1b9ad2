//! Globs over references: `*` is any run without `/`, `**` any run at all.
//!
//! There is no escape and no `?`: neither occurs in a reference. Matching backtracks to the last
//! wildcard only, which is enough since an earlier `*` could reach no further than a later one.

/// The literal text in front of the first wildcard. Necessary for a match.
pub(super) fn prefix(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}

/// The literal text behind the last wildcard. Necessary for a match.
pub(super) fn suffix(pattern: &str) -> &str {
    pattern.rsplit('*').next().unwrap_or_default()
}

/// Whether the whole of `text` matches; every pattern is a glob.
pub(in crate::policy) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut token, mut at) = (0, 0);
    // Where to go on after a mismatch: behind the wildcard, with one more byte in its run.
    let mut run: Option<(usize, usize)> = None;
    let mut run_across: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(token), text.get(at)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                let rest = pattern.get(token..).unwrap_or_default();
                let stars = rest.iter().take_while(|byte| **byte == b'*').count();
                token += stars;
                if stars == 1 {
                    run = Some((token, at));
                } else {
                    run_across = Some((token, at));
                    run = None;
                }
                continue;
            }
            (Some(expected), Some(found)) if expected == found => {
                token += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        if let Some((after, end)) = run
            && text.get(end).is_some_and(|byte| *byte != b'/')
        {
            run = Some((after, end + 1));
            (token, at) = (after, end + 1);
        } else if let Some((after, end)) = run_across
            && end < text.len()
        {
            run = None;
            run_across = Some((after, end + 1));
            (token, at) = (after, end + 1);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn rows() {
        let rows = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("*", "a/c", false),
            ("**", "a/c", true),
            ("***", "a/b/c", true),
            ("a*", "a", true),
            ("a*c", "abbbc", true),
            ("a*c", "ab/c", false),
            ("a**c", "ab/c", true),
            ("*-rc*", "1.0-rc1", true),
            ("*-rc*", "1.0", false),
            ("*.pkg.dev", "eu.pkg.dev", true),
            ("*.pkg.dev", "pkg.dev", false),
            ("*.pkg.dev", "a.b.pkg.dev", true),
            ("*.pkg.dev", "x.pkg.dev.evil.com", false),
            ("**/base", "a/b/base", true),
            ("**/base", "base", false),
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/b/c", false),
            ("**a*b", "xa/ab", true),
            ("**a*b/c", "a/xab/c", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    /// The regex that a glob stands for: the slow path that the fast one must agree with.
    fn as_regex(pattern: &str) -> regex::Regex {
        let mut text = String::from("^");
        let mut rest = pattern;
        while let Some(character) = rest.chars().next() {
            if rest.starts_with("**") {
                text.push_str(".*");
                rest = rest.trim_start_matches('*');
            } else {
                text.push_str(&if character == '*' {
                    "[^/]*".to_owned()
                } else {
                    regex::escape(&character.to_string())
                });
                rest = rest.split_at(character.len_utf8()).1;
            }
        }
        regex::Regex::new(&format!("{text}$")).unwrap()
    }

    proptest! {
        #[test]
        fn agrees_with_its_regex(pattern in "[ab/*]{0,12}", text in "[ab/]{0,16}") {
            let expected = as_regex(&pattern).is_match(&text);
            prop_assert_eq!(matches(&pattern, &text), expected);
        }
    }
}
