//! Globs written as if they were regexes, and how to write what was meant.
//!
//! Other tools, and the program that ImageGate replaces, take regexes. Here a pattern is a glob
//! unless it stands between slashes, so `v1.*` covers `v1.2` and not `v12`. Nothing is accepted or
//! refused in this module; it only words hints. A hint never suggests a pattern that covers hosts
//! of other owners: for `^gcr.io` it suggests `gcr.io`, not `gcr.io*`.

/// Whether a glob was probably meant as a regex: hardly anything else has `.*` in it.
pub(super) fn looks_like_regex(written: &str) -> bool {
    written.contains('*') && !is_regex(written) && written.contains(".*")
}

/// As [`looks_like_regex`], for hosts and paths. There `.*.` is one label of a host, as in
/// `registry.*.example.com`, and `10.0.*` is a network.
pub(super) fn registry_looks_like_regex(written: &str) -> bool {
    let is_network = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b".*".contains(&b));
    let is_part = |part: &str| part.ends_with(".*") && !is_network(part);
    written.contains('*') && !is_regex(written) && written.split('/').any(is_part)
}

/// How to write a tag pattern that looks like a regex, as a hint. `None` where it does not, or where
/// nothing that is made of it is a pattern.
pub(super) fn hint_for_tag(written: &str, is_pattern: impl Fn(&str) -> bool) -> Option<String> {
    let body = body(written)?;
    if let Some(hint) = alternatives(body, &is_pattern) {
        return Some(hint);
    }
    let (start, end) = open_ends(written, body);
    let body = format!("{start}{body}{end}");
    let glob = glob_of(&body).filter(|glob| glob != written && is_pattern(glob));
    let regex = Some(with_literal_dots(&body)).filter(|regex| is_pattern(regex));
    match (glob, regex) {
        (Some(glob), Some(regex)) => Some(format!("write `{glob}`, or `{regex}` for a regex")),
        (Some(only), None) | (None, Some(only)) => Some(format!("write `{only}`")),
        (None, None) => None,
    }
}

/// As [`hint_for_tag`], for registry patterns.
pub(super) fn hint_for_registry(
    written: &str,
    is_pattern: impl Fn(&str) -> bool,
) -> Option<String> {
    let body = body(written)?;
    if matches!(body, ".*" | ".+" | ".*/" | ".*/.*" | ".+/.+") {
        return Some("write `*` to cover every registry".to_owned());
    }
    if let Some(hint) = alternatives(body, &is_pattern) {
        return Some(hint);
    }
    let Some(glob) = glob_of(body) else {
        let regex = with_literal_dots(body);
        return is_pattern(&regex).then(|| format!("write `{regex}` for a regex"));
    };
    // What is below a path is covered anyway.
    let glob = glob.trim_end_matches("/*").trim_end_matches('/');
    let glob = if glob.starts_with('.') { format!("*{glob}") } else { glob.to_owned() };
    let plain = glob.trim_matches('*').to_owned();
    [glob.clone(), format!("{glob}*"), plain]
        .into_iter()
        .find(|glob| glob != written && has_whole_labels(glob) && is_pattern(glob))
        .map(|glob| format!("write `{glob}`"))
}

/// As [`hint_for_tag`], for names, which have no regexes.
pub(super) fn hint_for_name(written: &str, is_glob: impl Fn(&str) -> bool) -> Option<String> {
    let body = body(written)?;
    let (start, end) = open_ends(written, body);
    let glob = glob_of(&format!("{start}{body}{end}"))?;
    (glob != written && is_glob(&glob))
        .then(|| format!("names are matched by globs, not by regexes: write `{glob}`"))
}

fn is_regex(written: &str) -> bool {
    written.len() > 1 && written.starts_with('/') && written.ends_with('/')
}

/// The text without its anchors, if it has something that occurs in regexes alone. A hint repeats
/// it, so nothing that a terminal or a log could misread passes.
fn body(written: &str) -> Option<&str> {
    const SIGNS: [&str; 11] = ["^", "$", "\\", "|", "(", "{", ".*", ".+", "]+", "]*", "[0"];
    if is_regex(written) || !SIGNS.iter().any(|sign| written.contains(sign)) {
        return None;
    }
    let body = written.strip_prefix('^').unwrap_or(written);
    let body = body.strip_suffix('$').unwrap_or(body);
    (!body.is_empty() && body.bytes().all(|byte| byte.is_ascii_graphic())).then_some(body)
}

/// An anchor at one end alone leaves the other end open.
fn open_ends(written: &str, body: &str) -> (&'static str, &'static str) {
    match (written.starts_with('^'), written.ends_with('$')) {
        (true, false) if !body.ends_with(".*") => ("", ".*"),
        (false, true) if !body.starts_with(".*") => (".*", ""),
        _ => ("", ""),
    }
}

/// `a|b`, `(a|b)` as two items of a list.
fn alternatives(body: &str, is_pattern: impl Fn(&str) -> bool) -> Option<String> {
    let inner = body.strip_prefix('(').and_then(|body| body.strip_suffix(')')).unwrap_or(body);
    let items: Vec<&str> = inner.split('|').collect();
    (items.len() > 1 && items.iter().all(|item| is_pattern(item)))
        .then(|| format!("write each as an item of its own: `{}`", items.join("`, `")))
}

/// The glob for a regex of literals, dots and `.*`.
fn glob_of(regex: &str) -> Option<String> {
    let glob = regex.replace("[.]", "\\.").replace("\\.", "\n").replace(".*", "*");
    let glob = glob.replace('\n', ".").replace("\\-", "-").replace("\\/", "/");
    let is_glob = !glob.contains(['\\', '^', '$', '|', '(', ')', '{', '}', '[', ']', '+', '?']);
    (is_glob && !glob.is_empty()).then_some(glob)
}

/// The regex between slashes. A dot that is not repeated was meant as a dot.
fn with_literal_dots(body: &str) -> String {
    let mut regex = String::from("/");
    let mut bytes = body.chars().peekable();
    let mut before = ' ';
    while let Some(character) = bytes.next() {
        let is_repeated = matches!(bytes.peek(), Some('*' | '+' | '?' | '{'));
        if character == '.' && !is_repeated && !matches!(before, '\\' | '[') {
            regex.push_str("[.]");
        } else {
            regex.push(character);
        }
        before = character;
    }
    regex.push('/');
    regex
}

/// Whether no wildcard of the host is beside a letter: `*.pkg.dev`, but not `*gcr.io`.
fn has_whole_labels(glob: &str) -> bool {
    let host = glob.split('/').next().unwrap_or_default();
    let is_label = |(index, part): (usize, &str)| part == "*" && index == 0 || !part.contains('*');
    host.split('.').enumerate().all(is_label)
}

#[cfg(test)]
mod tests {
    use super::{hint_for_name, hint_for_registry, hint_for_tag};
    use crate::policy::pattern::registry_pattern::RegistryPattern;
    use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

    #[test]
    fn tags_that_look_like_a_regex_are_rewritten() {
        for (written, expected) in [
            ("^v1", Some("write `v1*`, or `/v1.*/` for a regex")),
            ("v1$", Some("write `*v1`, or `/.*v1/` for a regex")),
            ("v1.*", Some("write `v1*`, or `/v1.*/` for a regex")),
            ("^v1.*", Some("write `v1*`, or `/v1.*/` for a regex")),
            (".*v1$", Some("write `*v1`, or `/.*v1/` for a regex")),
            ("v/1.*", None),
            ("^v1[.]2$", Some("write `v1.2`, or `/v1[.]2/` for a regex")),
            (".*", Some("write `*`, or `/.*/` for a regex")),
            ("v1.2-.+", Some("write `/v1[.]2-.+/`")),
            ("v\\d+", Some("write `/v\\d+/`")),
            ("[0-9]+", Some("write `/[0-9]+/`")),
            ("a|b", Some("write each as an item of its own: `a`, `b`")),
            ("(a|b)-x", Some("write `/(a|b)-x/`")),
            ("1.0+build", None),
            ("v1.2", None),
            ("/v1.*/", None),
            ("^[\n]", None),
            ("^", None),
        ] {
            let hint = hint_for_tag(written, TagPattern::is_pattern);
            assert_eq!(hint.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn no_registry_hint_covers_hosts_of_other_owners() {
        for (written, expected) in [
            (".*", Some("write `*` to cover every registry")),
            ("docker.io/.*", Some("write `docker.io`")),
            ("^docker.io", Some("write `docker.io`")),
            ("gcr.io$", Some("write `gcr.io`")),
            ("^gcr\\.io/acme/", Some("write `gcr.io/acme`")),
            ("^gcr.io/team-", Some("write `gcr.io/team-*`")),
            (".*\\.pkg\\.dev", Some("write `*.pkg.dev`")),
            ("\\.pkg\\.dev$", Some("write `*.pkg.dev`")),
            ("docker.io.*", Some("write `docker.io`")),
            (".*docker.io", Some("write `docker.io`")),
            ("gcr.io/acme.*", Some("write `gcr.io/acme*`")),
            ("gcr.io/a.+/b", Some("write `/gcr[.]io/a.+/b/` for a regex")),
            ("docker.io|gcr.io", Some("write each as an item of its own: `docker.io`, `gcr.io`")),
            ("docker.io", None),
        ] {
            let hint = hint_for_registry(written, RegistryPattern::is_pattern);
            assert_eq!(hint.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn names_that_look_like_a_regex_are_rewritten() {
        for (written, glob) in [("^prod", "`prod*`"), ("prod-.*", "`prod-*`"), ("^a$", "`a`")] {
            let hint = hint_for_name(written, |_| true).unwrap();
            assert!(hint.ends_with(glob), "{written}: {hint}");
            assert_eq!(hint_for_name(written, |_| false), None, "no name is like it");
        }
    }
}
