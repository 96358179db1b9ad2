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
