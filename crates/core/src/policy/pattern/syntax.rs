//! Patterns as users write them, parsed and checked: what they have in common, those over tags, and globs
//! over names. [`registry_pattern`](super::registry_pattern) has those over registries.
//!
//! A pattern never sees the raw text of an image: the reference is parsed first, and hosts, paths
//! and tags are matched apart. A pattern that no reference can match is refused, since it is never
//! what was meant: an allowed list of such patterns denies everything, a blocked list nothing.

use std::borrow::Cow;

use regex_syntax::hir::Hir;

use crate::policy::pattern::automaton::Language;
use crate::policy::pattern::languages::{NAMESPACES, SERVICE_ACCOUNTS, TAGS};
use crate::policy::pattern::regex_habit;
use crate::policy::pattern::regexes;
use crate::policy::pattern::version_range::VersionRange;

/// A pattern over tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum TagPattern {
    /// An exact tag or a glob; case counts.
    Text(String),
    /// `/…/`, to be anchored at both ends.
    Regex(Hir),
    /// `semver:…`: the tags that are a version in this range.
    Versions(VersionRange),
}

/// What the patterns over registries and those over tags have in common.
pub(in crate::policy) trait Pattern: Sized {
    /// Parses a pattern as written.
    ///
    /// # Errors
    /// When the text is no such pattern, or a glob that can match nothing. For a regex, which may
    /// cost more, [`check_regex`](Self::check_regex) tells.
    fn parse(written: &str) -> Result<Self, BadPattern>;

    /// The regex, where the pattern is one.
    fn regex(&self) -> Option<&Hir>;

    /// Checks that a regex can match something; to be called once its weight was accepted.
    ///
    /// # Errors
    /// When it can match nothing.
    fn check_regex(regex: &Hir) -> Result<(), BadPattern>;

    /// How to write what was meant, where a text looks like a regex and was refused.
    fn hint(refused: &str) -> Option<String>;

    /// How to write what was meant, where a glob looks like a regex.
    fn hint_if_like_regex(written: &str) -> Option<String>;

    /// Whether the text is a pattern that can match something.
    fn is_pattern(text: &str) -> bool {
        Self::parse(text).is_ok_and(|it| it.regex().is_none_or(|it| Self::check_regex(it).is_ok()))
    }
}

/// What is wrong with a pattern, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct BadPattern {
    pub(in crate::policy) message: String,
    pub(in crate::policy) hint: Option<Cow<'static, str>>,
}

/// A pattern longer than this is a mistake: a reference has at most 255 characters before its tag.
const LONGEST: usize = 512;
/// The longest tag of the grammar of distribution/reference.
const LONGEST_TAG: usize = 128;
/// The longest label, and the longest subdomain, of RFC 1123 as Kubernetes checks names.
const LONGEST_LABEL: usize = 63;
const LONGEST_SUBDOMAIN: usize = 253;

pub(super) const REGEX_HINT: &str = "write `/…/` for a regex";
const TAG_HINT: &str = "a tag has letters, digits, `_`, `.` and `-`; write `/…/` for a regex";
const RANGE_HINT: &str = "write `semver:` before a range of versions, as in `semver:>=1.20 <2`";

impl Pattern for TagPattern {
    /// Parses an exact tag, a glob with `*`, `/regex/` or `semver:` with a range.
    fn parse(written: &str) -> Result<Self, BadPattern> {
        check_length(written)?;
        if let Some(pattern) = regex_text(written) {
            return Ok(Self::Regex(regexes::parse(pattern)?));
        }
        if let Some(range) = VersionRange::parse(written) {
            return range.map(Self::Versions);
        }
        if written.starts_with(':') {
            return Err(bad("begins with `:`", "write the tag alone, as in `latest`"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-*".contains(&byte);
        if written.is_empty() || !written.bytes().all(allowed) {
            let is_range = written.starts_with(['<', '>', '=', '~']);
            let hint = if is_range { RANGE_HINT } else { TAG_HINT };
            return Err(bad("is not a tag or a glob over tags", hint));
        }
        if written.starts_with(['.', '-']) {
            return Err(bad("can match no tag", "a tag begins with a letter, a digit or `_`"));
        }
        if is_longer(written, LONGEST_TAG) {
            return Err(bad("can match no tag", "a tag has at most 128 characters"));
        }
        if !TAGS.meets_glob(written) {
            return Err(bad("can match no tag", TAG_HINT));
        }
        Ok(Self::Text(written.to_owned()))
    }

    fn regex(&self) -> Option<&Hir> {
        match self {
            Self::Regex(regex) => Some(regex),
            Self::Text(_) | Self::Versions(_) => None,
        }
    }

    fn check_regex(regex: &Hir) -> Result<(), BadPattern> {
        let shortest = regex.properties().minimum_len();
        if shortest.is_some_and(|shortest| shortest <= LONGEST_TAG) && TAGS.meets_regex(regex) {
            return Ok(());
        }
        let hint = "a regex is matched against the whole tag, which has letters, digits, `_`, `.` \
                    and `-`, and no `:`";
        Err(bad("can match no tag", hint))
    }

    fn hint(refused: &str) -> Option<String> {
        // A range has signs of a regex in it, and hints of its own.
        let is_range = VersionRange::parse(refused).is_some();
        (!is_range).then(|| regex_habit::hint_for_tag(refused, Self::is_pattern)).flatten()
    }

    fn hint_if_like_regex(written: &str) -> Option<String> {
        let is_range = VersionRange::parse(written).is_some();
        (!is_range && regex_habit::looks_like_regex(written)).then(|| {
            let meant = Self::hint(written).unwrap_or_else(|| REGEX_HINT.to_owned());
            let glob = written.replace('.', "[.]").replace('*', ".*");
            format!("{meant}; if the glob is meant, `/{glob}/` says the same")
        })
    }
}

/// Checks a glob over names without a grammar, such as those of groups.
///
/// # Errors
/// When the text has characters that no name has.
pub(in crate::policy) fn check_name_glob(written: &str) -> Result<(), BadPattern> {
    check_length(written)?;
    if written.is_empty() || written.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("is not a name or a glob over names", "`*` stands for any run"));
    }
    Ok(())
}

/// How to write what was meant, where a glob over users or groups looks like a regex.
pub(in crate::policy) fn name_hint_if_like_regex(written: &str) -> Option<String> {
    regex_habit::looks_like_regex(written)
        .then(|| regex_habit::hint_for_name(written, |text| check_name_glob(text).is_ok()))
        .flatten()
}

/// Checks a glob over users. They have no grammar but for service accounts, as in
/// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.
///
/// # Errors
/// When no user can have such a name.
pub(in crate::policy) fn check_user_glob(written: &str) -> Result<(), BadPattern> {
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
pub(in crate::policy) fn check_namespace_glob(written: &str) -> Result<(), BadPattern> {
    check_name_glob(written)?;
    let hint = "a namespace has at most 63 lower-case letters, digits and `-`; `*` stands for any \
                run of them";
    check_name(written, &NAMESPACES, LONGEST_LABEL, "can match no namespace", hint)
}

/// Checks a glob over the names of service accounts, without their namespace.
///
/// # Errors
/// When no service account can have such a name.
pub(in crate::policy) fn check_service_account_glob(written: &str) -> Result<(), BadPattern> {
    check_name_glob(written)?;
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
    let fits = |glob: &str| !is_longer(glob, longest) && names.meets_glob(glob);
    if fits(written) {
        return Ok(());
    }
    Err(bad(message, hint).with_hint(regex_habit::hint_for_name(written, fits)))
}

pub(super) fn check_length(written: &str) -> Result<(), BadPattern> {
    if written.len() > LONGEST {
        return Err(bad("is longer than 512 bytes", "split it into several patterns"));
    }
    Ok(())
}

/// What stands between the slashes of a regex.
pub(in crate::policy) fn regex_text(written: &str) -> Option<&str> {
    written.strip_prefix('/')?.strip_suffix('/')
}

/// Whether what the glob matches is longer than so many characters, whatever its wildcards stand for.
pub(super) fn is_longer(glob: &str, most: usize) -> bool {
    glob.len() > most && glob.bytes().filter(|byte| *byte != b'*').count() > most
}

impl BadPattern {
    /// The same with a better hint, where there is one.
    pub(in crate::policy) fn with_hint(self, better: Option<String>) -> Self {
        Self { hint: better.map(Cow::Owned).or(self.hint), ..self }
    }
}

/// A pattern that is refused, with how to write what was meant.
pub(in crate::policy) fn bad(message: &str, hint: &'static str) -> BadPattern {
    BadPattern { message: message.to_owned(), hint: Some(hint.into()) }
}

#[cfg(test)]
mod tests {
    use super::{
        Pattern as _, TagPattern, check_name_glob, check_namespace_glob, check_service_account_glob,
    };

    /// What is wrong with a pattern, without its hint; `ok` where nothing is.
    fn said<T>(parsed: Result<T, super::BadPattern>) -> String {
        parsed.map_or_else(|bad| bad.message, |_| "ok".to_owned())
    }

    #[test]
    fn tag_rows() {
        let (longest, longer) = ("a".repeat(128), "a".repeat(129));
        let (glob, longest_glob) = (format!("{longer}*"), longest.clone() + &"*".repeat(384));
        let longer_glob = format!("{longest_glob}*");
        let rows = [
            ("latest", "ok"),
            ("_a.b-C*", "ok"),
            (&longest, "ok"),
            (&longer, "can match no tag"),
            (&glob, "can match no tag"),
            (&longest_glob, "ok"),
            (&longer_glob, "is longer than 512 bytes"),
            ("", "is not a tag or a glob over tags"),
            ("a/b", "is not a tag or a glob over tags"),
            (":latest", "begins with `:`"),
            ("semver:>=1.20 <2", "ok"),
            ("semver:<1 >2", "can match no version"),
            (">=1.20", "is not a tag or a glob over tags"),
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
    fn kubernetes_name_rows() {
        let of = |length: usize| format!("*{}", "a".repeat(length));
        let cut = "is longer than 512 bytes";
        let rows = [
            (of(63), "ok", "ok"),
            (of(64), "can match no namespace", "ok"),
            (of(253), "can match no namespace", "ok"),
            (of(254), "can match no namespace", "can match no service account"),
            ("*".repeat(513), cut, cut),
            ("a.b".into(), "can match no namespace", "ok"),
            ("-*".into(), "can match no namespace", "can match no service account"),
        ];
        for (written, namespace, account) in rows {
            assert_eq!(said(check_namespace_glob(&written)), namespace, "{written}");
            assert_eq!(said(check_service_account_glob(&written)), account, "{written}");
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
