//! Patterns as users write them, parsed and checked.
//!
//! A pattern never sees the raw text of an image: the reference is parsed first, and hosts, paths
//! and tags are matched apart.

use regex_syntax::hir::Hir;

use crate::image::fold_registry;
use crate::policy::regexes;

/// A pattern over registry and repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RegistryPattern {
    /// `*`: whatever names its registry.
    Everything,
    /// A host, exact or a glob, and perhaps a path below which everything is meant.
    Place { host: String, path: Option<String> },
    /// `/…/` over `host/path`, to be anchored at both ends.
    Regex(Hir),
}

/// A pattern over tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TagPattern {
    /// An exact tag or a glob; case counts.
    Text(String),
    /// `/…/`, to be anchored at both ends.
    Regex(Hir),
}

/// What is wrong with a pattern, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadPattern {
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

/// A pattern longer than this is a mistake: a reference has at most 255 characters before its tag.
const LONGEST: usize = 512;

impl RegistryPattern {
    /// Parses `host`, `host/path` with `*` and `**`, or `/regex/`.
    pub(super) fn parse(written: &str) -> Result<Self, BadPattern> {
        check_length(written)?;
        if let Some(pattern) = regex_text(written) {
            return Ok(Self::Regex(regexes::parse(pattern)?));
        }
        if written == "*" || written == "**" {
            return Ok(Self::Everything);
        }
        if written.contains("://") {
            return Err(bad("is a URL", "leave out the scheme, as in `gcr.io/acme`"));
        }
        // A slash at the end is how many write "this and what is below", which is meant anyway.
        let trimmed = written.strip_suffix('/').unwrap_or(written);
        let (host, path) = match trimmed.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (trimmed, None),
        };
        let host = parse_host(host)?;
        path.map(check_path).transpose()?;
        Ok(Self::Place { host, path: path.map(str::to_owned) })
    }
}

impl TagPattern {
    /// Parses an exact tag, a glob with `*`, or `/regex/`.
    pub(super) fn parse(written: &str) -> Result<Self, BadPattern> {
        check_length(written)?;
        if let Some(pattern) = regex_text(written) {
            return Ok(Self::Regex(regexes::parse(pattern)?));
        }
        let text = written.strip_prefix(':').unwrap_or(written);
        if text != written {
            return Err(bad("begins with `:`", "write the tag alone, as in `latest`"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-*".contains(&byte);
        if text.is_empty() || !text.bytes().all(allowed) {
            let hint = "a tag has letters, digits, `_`, `.` and `-`; write `/…/` for a regex";
            return Err(bad("is not a tag or a glob over tags", hint));
        }
        if text.starts_with(['.', '-']) {
            return Err(bad("can match no tag", "a tag begins with a letter, a digit or `_`"));
        }
        if !text.contains('*') && text.len() > 128 {
            return Err(bad("can match no tag", "a tag has at most 128 characters"));
        }
        Ok(Self::Text(text.to_owned()))
    }
}

/// Checks a glob over names that are not references: namespaces, users, groups.
pub(super) fn check_name_glob(written: &str) -> Result<(), BadPattern> {
    check_length(written)?;
    if written.is_empty() || written.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("is not a name or a glob over names", "`*` stands for any run"));
    }
    Ok(())
}

fn check_length(written: &str) -> Result<(), BadPattern> {
    if written.len() > LONGEST {
        return Err(bad("is longer than 512 bytes", "split it into several patterns"));
    }
    Ok(())
}

/// What stands between the slashes of a regex.
pub(super) fn regex_text(written: &str) -> Option<&str> {
    written.strip_prefix('/')?.strip_suffix('/')
}

fn parse_host(host: &str) -> Result<String, BadPattern> {
    const HINT: &str = "a host is written as in `gcr.io`, `registry.corp:5000` or `*.pkg.dev`";
    if host.contains('@') {
        return Err(bad("names a user", "leave out what stands before `@`"));
    }
    if !host.contains('*') {
        let folded = fold_registry(host).map_err(|_| bad("does not begin with a host", HINT))?;
        return Ok(folded.into_owned());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:*[]".contains(&byte);
    if !host.bytes().all(allowed) {
        return Err(bad("does not begin with a host or a glob over hosts", HINT));
    }
    // References lose `:443`. Without it the glob would end in another place than was written.
    let is_https = |port: &str| port.trim_start_matches('0') == "443";
    if host.rsplit_once(':').is_some_and(|(_, port)| is_https(port)) {
        return Err(bad("ends in the port of HTTPS", "leave out `:443`, it goes without saying"));
    }
    Ok(host.to_ascii_lowercase())
}

fn check_path(path: &str) -> Result<(), BadPattern> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(bad("can match no repository", "the path behind the host is lower case"));
    }
    if path.contains([':', '@']) {
        return Err(bad("holds a tag or a digest", "a registry pattern is `host` or `host/path`"));
    }
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/*".contains(&byte);
    if path.is_empty() || path.split('/').any(str::is_empty) || !path.bytes().all(allowed) {
        let hint = "a path has lower-case letters, digits, `.`, `_`, `-`, `/`, `*` and `**`";
        return Err(bad("has a path that no repository can have", hint));
    }
    Ok(())
}

fn bad(message: &str, hint: &'static str) -> BadPattern {
    BadPattern { message: message.to_owned(), hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::{RegistryPattern, TagPattern, check_name_glob};

    /// What is wrong with a pattern, without its hint; `ok` where nothing is.
    fn said<T>(parsed: Result<T, super::BadPattern>) -> String {
        parsed.map_or_else(|bad| bad.message, |_| "ok".to_owned())
    }

    #[test]
    fn registry_rows() {
        let (longest, longer) = ("a".repeat(512), "a".repeat(513));
        let rows = [
            ("*", "ok"),
            ("**", "ok"),
            ("gcr.io", "ok"),
            ("gcr.io/acme-1.x_y/**", "ok"),
            ("[::1]:5000/a", "ok"),
            ("*.pkg.dev:5000", "ok"),
            (&longest, "ok"),
            (&longer, "is longer than 512 bytes"),
            ("", "does not begin with a host"),
            ("a b", "does not begin with a host"),
            ("a b*", "does not begin with a host or a glob over hosts"),
            ("gcr.io//acme", "has a path that no repository can have"),
            ("gcr.io/acme//", "has a path that no repository can have"),
            ("gcr.io/a b", "has a path that no repository can have"),
            ("gcr.io/acme/Base", "can match no repository"),
            ("gcr.io/acme:1", "holds a tag or a digest"),
            ("gcr.io/acme@sha256", "holds a tag or a digest"),
            ("*.io:443", "ends in the port of HTTPS"),
            ("*.io:0443", "ends in the port of HTTPS"),
            ("*.io:8443", "ok"),
            ("user@gcr.io", "names a user"),
            ("//", "is an empty regex"),
            ("/a)|(b/", "is not a valid regex: unopened group"),
            ("/a{1000}{1000}/", "is too large a regex"),
        ];
        for (written, expected) in rows {
            assert_eq!(said(RegistryPattern::parse(written)), expected, "{written}");
        }
    }

    #[test]
    fn tag_rows() {
        let (longest, longer) = ("a".repeat(128), "a".repeat(129));
        let (glob, longest_glob) = (format!("{longer}*"), format!("{}*", "a".repeat(511)));
        let longer_glob = format!("{longest_glob}*");
        let rows = [
            ("latest", "ok"),
            ("_a.b-C*", "ok"),
            (&longest, "ok"),
            (&longer, "can match no tag"),
            (&glob, "ok"),
            (&longest_glob, "ok"),
            (&longer_glob, "is longer than 512 bytes"),
            ("", "is not a tag or a glob over tags"),
            ("a/b", "is not a tag or a glob over tags"),
            (":latest", "begins with `:`"),
            (".a", "can match no tag"),
            ("-a", "can match no tag"),
            ("//", "is an empty regex"),
            ("/a/", "ok"),
        ];
        for (written, expected) in rows {
            assert_eq!(said(TagPattern::parse(written)), expected, "{written}");
        }
    }

    #[test]
    fn name_rows() {
        let (longest, longer) = ("a".repeat(512), "a".repeat(513));
        let nothing = "is not a name or a glob over names";
        let rows = [
            ("system:serviceaccount:ci:*", "ok"),
            (&longest, "ok"),
            (&longer, "is longer than 512 bytes"),
            ("", nothing),
            ("a b", nothing),
            ("a\u{7f}", nothing),
        ];
        for (written, expected) in rows {
            assert_eq!(said(check_name_glob(written)), expected, "{written}");
        }
    }
}
