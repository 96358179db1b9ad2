//! Patterns as users write them, parsed and checked.
//!
//! A pattern never sees the raw text of an image: the reference is parsed first, and hosts, paths
//! and tags are matched apart. A pattern that no reference can match is refused, since it is never
//! what was meant: an allowed list of such patterns denies everything, a blocked list nothing.

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::image::fold_registry;
use crate::policy::automaton::Language;
use crate::policy::languages::{
    HOSTS, NAMESPACES, REFERENCES, REPOSITORIES, SERVICE_ACCOUNTS, TAGS,
};
use crate::policy::regex_habit;

/// A pattern over registry and repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RegistryPattern {
    /// `*`: whatever names its registry.
    Everything,
    /// A host, exact or a glob, and perhaps a path below which everything is meant.
    Place { host: String, path: Option<String> },
    /// `/…/` over `host/path`, to be anchored at both ends.
    Regex(String),
}

/// A pattern over tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TagPattern {
    /// An exact tag or a glob; case counts.
    Text(String),
    /// `/…/`, to be anchored at both ends.
    Regex(String),
}

/// What is wrong with a pattern, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadPattern {
    pub(super) message: String,
    pub(super) hint: Option<Cow<'static, str>>,
}

/// A pattern longer than this is a mistake: a reference has at most 255 characters before its tag.
const LONGEST: usize = 512;
/// `RepositoryNameTotalLengthMax` of distribution/reference.
const LONGEST_REPOSITORY: usize = 255;
/// The longest tag of the grammar of distribution/reference.
const LONGEST_TAG: usize = 128;
/// The longest label, and the longest subdomain, of RFC 1123 as Kubernetes checks names.
const LONGEST_LABEL: usize = 63;
const LONGEST_SUBDOMAIN: usize = 253;
/// Bytes that one compiled regex may take.
pub(super) const REGEX_SIZE_LIMIT: usize = 1 << 20;
const NEST_LIMIT: u32 = 32;

const HOST_HINT: &str = "a host is written as in `gcr.io`, `registry.corp:5000` or `*.pkg.dev`";
const REGEX_HINT: &str = "write `/…/` for a regex";
const NO_HOST_HINT: &str = "a registry host has a dot or a port, or is `localhost`";
const PATH_HINT: &str =
    "a path has lower-case letters and digits, with `.`, `_` or `-` between them, `*` and `**`";
const TAG_HINT: &str = "a tag has letters, digits, `_`, `.` and `-`; write `/…/` for a regex";

impl RegistryPattern {
    /// Parses `host`, `host/path` with `*` and `**`, or `/regex/`.
    ///
    /// # Errors
    /// When the text is no such pattern, or when no reference can match it.
    pub(super) fn parse(written: &str) -> Result<Self, BadPattern> {
        Self::read(written).map_err(|bad| bad.with_hint(Self::regex_hint(written)))
    }

    /// How to write what was meant, where a glob looks like a regex.
    pub(super) fn hint_if_like_regex(written: &str) -> Option<String> {
        regex_habit::registry_looks_like_regex(written)
            .then(|| Self::regex_hint(written).unwrap_or_else(|| REGEX_HINT.to_owned()))
    }

    fn regex_hint(written: &str) -> Option<String> {
        regex_habit::hint_for_registry(written, |text| Self::read(text).is_ok())
    }

    fn read(written: &str) -> Result<Self, BadPattern> {
        check_length(written)?;
        if let Some(pattern) = regex_text(written) {
            let regex = check_regex(pattern)?;
            if !REFERENCES.meets_regex(&regex) {
                let hint = "a regex is matched against all of `host/repository`, as in \
                            `/gcr[.]io/acme/.*/`; hosts are folded, and Docker Hub's official \
                            images are `docker.io/library/…`";
                return Err(bad("can match no image", hint));
            }
            return Ok(Self::Regex(pattern.to_owned()));
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
        let host = parse_host(host, written)?;
        path.map(check_path).transpose()?;
        Ok(Self::Place { host, path: path.map(str::to_owned) })
    }
}

impl TagPattern {
    /// Parses an exact tag, a glob with `*`, or `/regex/`.
    ///
    /// # Errors
    /// When the text is no such pattern, or when no tag can match it.
    pub(super) fn parse(written: &str) -> Result<Self, BadPattern> {
        Self::read(written).map_err(|bad| bad.with_hint(Self::regex_hint(written)))
    }

    /// How to write what was meant, where a glob looks like a regex.
    pub(super) fn hint_if_like_regex(written: &str) -> Option<String> {
        regex_habit::looks_like_regex(written).then(|| {
            let meant = Self::regex_hint(written).unwrap_or_else(|| REGEX_HINT.to_owned());
            let glob = written.replace('.', "[.]").replace('*', ".*");
            format!("{meant}; if the glob is meant, `/{glob}/` says the same")
        })
    }

    fn regex_hint(written: &str) -> Option<String> {
        regex_habit::hint_for_tag(written, |text| Self::read(text).is_ok())
    }

    fn read(written: &str) -> Result<Self, BadPattern> {
        check_length(written)?;
        if let Some(pattern) = regex_text(written) {
            let regex = check_regex(pattern)?;
            let shortest = regex.properties().minimum_len();
            if shortest.is_none_or(|shortest| shortest > LONGEST_TAG) || !TAGS.meets_regex(&regex) {
                let hint = "a regex is matched against the whole tag, which has letters, digits, \
                            `_`, `.` and `-`, and no `:`";
                return Err(bad("can match no tag", hint));
            }
            return Ok(Self::Regex(pattern.to_owned()));
        }
        if written.starts_with(':') {
            return Err(bad("begins with `:`", "write the tag alone, as in `latest`"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-*".contains(&byte);
        if written.is_empty() || !written.bytes().all(allowed) {
            return Err(bad("is not a tag or a glob over tags", TAG_HINT));
        }
        if written.starts_with(['.', '-']) {
            return Err(bad("can match no tag", "a tag begins with a letter, a digit or `_`"));
        }
        if literal_length(written) > LONGEST_TAG {
            return Err(bad("can match no tag", "a tag has at most 128 characters"));
        }
        if !TAGS.meets_glob(written) {
            return Err(bad("can match no tag", TAG_HINT));
        }
        Ok(Self::Text(written.to_owned()))
    }
}

/// Checks a glob over names without a grammar, such as those of groups.
///
/// # Errors
/// When the text has characters that no name has.
pub(super) fn check_name_glob(written: &str) -> Result<(), BadPattern> {
    check_length(written)?;
    if written.is_empty() || written.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("is not a name or a glob over names", "`*` stands for any run"));
    }
    Ok(())
}

/// How to write what was meant, where a glob over users or groups looks like a regex.
pub(super) fn name_hint_if_like_regex(written: &str) -> Option<String> {
    regex_habit::looks_like_regex(written)
        .then(|| regex_habit::hint_for_name(written, |text| check_name_glob(text).is_ok()))
        .flatten()
}

/// Checks a glob over users. They have no grammar but for service accounts, as in
/// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.
///
/// # Errors
/// When no user can have such a name.
pub(super) fn check_user_glob(written: &str) -> Result<(), BadPattern> {
    check_name_glob(written)?;
    let Some(account) = written.strip_prefix("system:serviceaccount:") else { return Ok(()) };
    match account.split_once(':') {
        Some((namespace, name)) => {
            check_namespace_glob(namespace)?;
            check_service_account_glob(name)
        }
        // A wildcard may stand for the colon too.
        None if account.contains('*') => Ok(()),
        None => {
            let hint = "a service account is `system:serviceaccount:namespace:name`";
            Err(bad("can match no user", hint))
        }
    }
}

/// Checks a glob over namespaces.
///
/// # Errors
/// When no namespace can have such a name.
pub(super) fn check_namespace_glob(written: &str) -> Result<(), BadPattern> {
    check_name_glob(written)?;
    let hint = "a namespace has at most 63 lower-case letters, digits and `-`; `*` stands for any \
                run of them";
    check_name(written, &NAMESPACES, LONGEST_LABEL, "can match no namespace", hint)
}

/// Checks a glob over the names of service accounts, without their namespace.
///
/// # Errors
/// When no service account can have such a name.
pub(super) fn check_service_account_glob(written: &str) -> Result<(), BadPattern> {
    let hint = "a service account has lower-case letters, digits, `-` and `.`; `*` stands for any \
                run of them";
    let message = "can match no service account";
    check_name(written, &SERVICE_ACCOUNTS, LONGEST_SUBDOMAIN, message, hint)
}

fn check_name(
    written: &str,
    names: &Language,
    longest: usize,
    message: &str,
    hint: &'static str,
) -> Result<(), BadPattern> {
    let fits = |glob: &str| literal_length(glob) <= longest && names.meets_glob(glob);
    if fits(written) {
        return Ok(());
    }
    Err(bad(message, hint).with_hint(regex_habit::hint_for_name(written, fits)))
}

/// The anchored form in which a user's regex is matched.
pub(super) fn anchored(pattern: &str) -> String {
    format!(r"\A(?:{pattern})\z")
}

fn check_length(written: &str) -> Result<(), BadPattern> {
    if written.len() > LONGEST {
        return Err(bad("is longer than 512 bytes", "split it into several patterns"));
    }
    Ok(())
}

fn regex_text(written: &str) -> Option<&str> {
    written.strip_prefix('/')?.strip_suffix('/')
}

/// The characters of a glob that are no wildcard: whatever it matches is at least as long.
fn literal_length(glob: &str) -> usize {
    glob.bytes().filter(|byte| *byte != b'*').count()
}

/// The user's text must be a regex by itself: `a)|(b` is not, but would be inside a group.
fn check_regex(pattern: &str) -> Result<Hir, BadPattern> {
    if pattern.is_empty() {
        return Err(bad("is an empty regex", "write the pattern between the slashes"));
    }
    for text in [pattern, &anchored(pattern)] {
        compile_regex(text).map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason).trim_end_matches('.');
            BadPattern { message: format!("is not a valid regex: {reason}"), hint: None }
        })?;
    }
    ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(NEST_LIMIT)
        .build()
        .parse(pattern)
        .map_err(|_| BadPattern { message: "is not a valid regex".to_owned(), hint: None })
}

fn compile_regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(REGEX_SIZE_LIMIT)
        .dfa_size_limit(REGEX_SIZE_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build()
}

fn parse_host(host: &str, written: &str) -> Result<String, BadPattern> {
    if host.contains('@') {
        return Err(bad("names a user", "leave out everything up to the `@`"));
    }
    if !host.contains('*') {
        let folded = fold_registry(host)
            .map_err(|_| bad("does not begin with a registry host", HOST_HINT))?;
        if !HOSTS.meets_glob(&folded) {
            let bad = bad("can match no image", NO_HOST_HINT);
            let on_docker_hub = format!("docker.io/{written}");
            let is_pattern = RegistryPattern::read(&on_docker_hub).is_ok();
            let hint = is_pattern.then(|| {
                format!("{NO_HOST_HINT}; for a repository of Docker Hub write `{on_docker_hub}`")
            });
            return Err(bad.with_hint(hint));
        }
        return Ok(folded.into_owned());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-:*[]".contains(&byte);
    if !host.bytes().all(allowed) {
        return Err(bad("does not begin with a registry host or a glob", HOST_HINT));
    }
    // References lose `:443`. Without it the glob would end in another place than was written.
    let is_https = |port: &str| port.trim_start_matches('0') == "443";
    if host.rsplit_once(':').is_some_and(|(_, port)| is_https(port)) {
        return Err(bad("ends in the port of HTTPS", "leave out `:443`, which is implied"));
    }
    let host = host.to_ascii_lowercase();
    if !HOSTS.meets_glob(&host) {
        return Err(bad("can match no registry host", HOST_HINT));
    }
    Ok(host)
}

fn check_path(path: &str) -> Result<(), BadPattern> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(bad("can match no repository", "the path behind the host is lower case"));
    }
    if path.contains([':', '@']) {
        return Err(bad("holds a tag or a digest", "a registry pattern is `host` or `host/path`"));
    }
    if literal_length(path) > LONGEST_REPOSITORY {
        return Err(bad("can match no repository", "a repository has at most 255 characters"));
    }
    if !REPOSITORIES.meets_glob(path) {
        return Err(bad("can match no repository", PATH_HINT));
    }
    Ok(())
}

impl BadPattern {
    /// The same with a better hint, where there is one.
    fn with_hint(self, better: Option<String>) -> Self {
        Self { hint: better.map(Cow::Owned).or(self.hint), ..self }
    }
}

fn bad(message: &str, hint: &'static str) -> BadPattern {
    BadPattern { message: message.to_owned(), hint: Some(hint.into()) }
}
