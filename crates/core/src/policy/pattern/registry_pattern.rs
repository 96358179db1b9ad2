//! Patterns over registries, repositories and images, as users write them, parsed and checked.
//!
//! A registry or a path covers what is below it; with a tag or a digest behind it, it names images, and
//! nothing below. The colon is read as the reference grammar reads it: one behind the last slash begins a
//! tag, one in a text without a slash a port.

use regex_syntax::hir::Hir;

use crate::image::{Reference, fold_registry};
use crate::policy::pattern::languages::{HOSTS, REFERENCES, REPOSITORIES};
use crate::policy::pattern::regex_habit;
use crate::policy::pattern::regexes;
use crate::policy::pattern::syntax::{
    BadPattern, Pattern, REGEX_HINT, TagPattern, bad, check_length, is_longer, regex_text,
};

/// A pattern over registry and repository, and perhaps tag and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum RegistryPattern {
    /// `*`: whatever names its registry.
    Everything,
    /// A host, exact or a glob, and perhaps a path below which everything is meant.
    Place { host: String, path: Option<String> },
    /// A host and a path, and which images of just those repositories are meant.
    Images { host: String, path: String, pin: Pin },
    /// `/…/` over `host/path`, to be anchored at both ends.
    Regex(Hir),
}

/// Which images of a repository a pattern names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Pin {
    /// Those whose tag the pattern matches; never a regex.
    Tag(TagPattern),
    /// Those with this digest.
    Digest(String),
    /// Those with this digest whose tag the glob matches.
    Both { tag: String, digest: String },
}

/// `RepositoryNameTotalLengthMax` of distribution/reference.
const LONGEST_REPOSITORY: usize = 255;
const HOST_HINT: &str = "a host is written as in `gcr.io`, `registry.corp:5000` or `*.pkg.dev`";
const NO_HOST_HINT: &str = "a registry host has a dot or a port, or is `localhost`";
const PATH_HINT: &str =
    "a path has lower-case letters and digits, with `.`, `_` or `-` between them, `*` and `**`";
const PIN_HINT: &str =
    "a tag or a digest stands behind the whole repository, as in `gcr.io/acme/web:1.4`";
/// Single-word hosts with a smaller port are nearly always an image with a tag.
const LEAST_PORT: u16 = 80;

impl RegistryPattern {
    /// How narrow the pattern is: of two that cover the same reference, the one with the greater number
    /// is more specific. The length of the path in segments counts first, then whether the host is
    /// exact, then whether the path is, then a digest, a tag and a pattern over tags in that order, then how
    /// many characters of host and path are no wildcards. A regex is less specific than anything with
    /// a host.
    pub(in crate::policy) fn specificity(&self) -> u32 {
        let literal = |text: &str| text.bytes().filter(|byte| *byte != b'*').count();
        let (host, path, pin) = match self {
            Self::Everything => return 0,
            Self::Regex(_) => return 1,
            Self::Place { host, path } => (host, path.as_deref(), 0),
            Self::Images { host, path, pin } => (host, Some(path.as_str()), pin.specificity()),
        };
        let segments = path.map_or(0, |path| path.split('/').count());
        // A repository has at most 255 characters, a pattern 512.
        let segments = u32::try_from(segments.min(0xff)).unwrap_or_default();
        let literals = literal(host) + path.map_or(0, literal);
        let literals = u32::try_from(literals.min(0x3ff)).unwrap_or_default();
        let is_exact = |text: &str| u32::from(!text.contains('*'));
        let of_path = path.map_or(1, is_exact);
        segments << 20 | is_exact(host) << 15 | of_path << 14 | pin << 11 | 1 << 10 | literals
    }
}

impl Pin {
    /// From 1 to 4, in three bits.
    fn specificity(&self) -> u32 {
        match self {
            Self::Tag(TagPattern::Text(tag)) if !tag.contains('*') => 2,
            Self::Tag(_) => 1,
            Self::Digest(_) => 3,
            Self::Both { .. } => 4,
        }
    }
}

impl Pattern for RegistryPattern {
    /// Parses `host`, `host/path` with `*` and `**`, perhaps with `:tag` and `@digest` behind the path, or
    /// `/regex/`.
    fn parse(written: &str) -> Result<Self, BadPattern> {
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
        if let Some((place, pin)) = split_pin(written) {
            return images(written, place, pin);
        }
        // A slash at the end is how many write "this and what is below", which is meant anyway.
        let trimmed = written.strip_suffix('/').unwrap_or(written);
        let (host, path) = match trimmed.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (trimmed, None),
        };
        if path.is_none() {
            check_port(host)?;
        }
        let host = parse_host(host, written)?;
        path.map(check_path).transpose()?;
        Ok(Self::Place { host, path: path.map(str::to_owned) })
    }

    fn regex(&self) -> Option<&Hir> {
        match self {
            Self::Regex(regex) => Some(regex),
            Self::Everything | Self::Place { .. } | Self::Images { .. } => None,
        }
    }

    fn check_regex(regex: &Hir) -> Result<(), BadPattern> {
        if REFERENCES.meets_regex(regex) {
            return Ok(());
        }
        let hint = "a regex is matched against all of `host/repository`, as in \
                    `/gcr[.]io/acme/.*/`; hosts are folded, and Docker Hub's official images are \
                    `docker.io/library/…`";
        Err(bad("can match no image", hint))
    }

    fn hint(refused: &str) -> Option<String> {
        regex_habit::hint_for_registry(refused, Self::is_pattern)
    }

    fn hint_if_like_regex(written: &str) -> Option<String> {
        let place = split_pin(written).map_or(written, |(place, _)| place);
        regex_habit::registry_looks_like_regex(place)
            .then(|| Self::hint(written).unwrap_or_else(|| REGEX_HINT.to_owned()))
    }
}

/// Whether this stands in a policy as it is, as a pattern for one repository and what is below it.
pub(crate) fn names_repository(text: &str) -> bool {
    matches!(RegistryPattern::parse(text), Ok(pattern) if pattern.regex().is_none())
}

/// The place in front of a tag or a digest, and what stands behind it, with its `:` or `@`. `None` where
/// there is neither: a colon in front of the last slash belongs to a port.
pub(in crate::policy) fn split_pin(written: &str) -> Option<(&str, &str)> {
    let segment = written.rfind('/')? + 1;
    let last = written.get(segment..)?;
    // A range of versions may have an `@` nowhere, and a digest has its own colon behind it.
    let begin = segment + last.find([':', '@'])?;
    written.split_at_checked(begin)
}

/// A pattern over the images of a repository.
fn images(written: &str, place: &str, pin: &str) -> Result<RegistryPattern, BadPattern> {
    let Some((host, path)) = place.split_once('/') else {
        return Err(bad("names no repository", PIN_HINT));
    };
    if host.contains('@') {
        return Err(bad("names a user", "leave out everything up to the `@`"));
    }
    let host = parse_host(host, written)?;
    check_path(path)?;
    // Docker Hub's official images are normalised into `library`, so one segment is no repository.
    if host == "docker.io" && !path.contains('/') && !path.contains("**") {
        let hint = format!("write `docker.io/library/{path}{pin}`");
        return Err(bad("can match no image", PIN_HINT).with_hint(Some(hint)));
    }
    Ok(RegistryPattern::Images { host, path: path.to_owned(), pin: parse_pin(pin)? })
}

/// What stands behind the path: `:tag`, `@digest`, or both.
fn parse_pin(pin: &str) -> Result<Pin, BadPattern> {
    let (tag, digest) = match pin.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (pin, None),
    };
    let tag = match tag.strip_prefix(':') {
        Some(tag) => Some(parse_tag(tag)?),
        None => None,
    };
    let Some(digest) = digest else {
        return tag.map(Pin::Tag).ok_or_else(|| bad("names no image", PIN_HINT));
    };
    if digest.contains('*') {
        let hint = "for any digest, give the registry an entry with `requireDigest: true`";
        return Err(bad("has a glob for a digest", hint));
    }
    if Reference::parse(&format!("a.a/a@{digest}")).is_err() {
        let hint = "a digest is written whole: `@sha256:` and 64 digits";
        return Err(bad("has a digest that is not valid", hint));
    }
    let digest = digest.to_owned();
    match tag {
        None => Ok(Pin::Digest(digest)),
        Some(TagPattern::Text(tag)) => Ok(Pin::Both { tag, digest }),
        Some(TagPattern::Regex(_) | TagPattern::Versions(_)) => {
            let hint = "the digest says which version: leave the range out";
            Err(bad("has a range of versions beside a digest", hint))
        }
    }
}

/// The pattern behind the colon. Between slashes it would be a regex, but a slash ends a segment.
fn parse_tag(tag: &str) -> Result<TagPattern, BadPattern> {
    let parsed = TagPattern::parse(tag).map_err(|refused| {
        let BadPattern { message, hint } = refused;
        BadPattern { message: format!("has a tag that {message}"), hint }
    })?;
    Ok(match parsed {
        // No run of a tag has a slash, so that `**` is `*` here.
        TagPattern::Text(mut text) => {
            while text.contains("**") {
                text = text.replace("**", "*");
            }
            TagPattern::Text(text)
        }
        other => other,
    })
}

/// Refuses what can be read as a registry with a port and as an image with a tag. A text without a slash
/// is a registry, so what follows its colon is a port, as in `registry:5000`.
fn check_port(written: &str) -> Result<(), BadPattern> {
    if written.contains('@') && !written.ends_with('@') {
        let before = written.split('@').next().unwrap_or_default();
        if written.contains("@sha") {
            let digest = written.get(before.len()..).unwrap_or_default();
            let hint = format!("write `docker.io/library/{before}{digest}`");
            return Err(bad("names an image, and no registry", PIN_HINT).with_hint(Some(hint)));
        }
        return Ok(());
    }
    let Some((host, port)) = written.rsplit_once(':').filter(|_| !written.ends_with(']')) else {
        return Ok(());
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = !host.contains(['.', ':', '*', '[']) && host != "localhost";
    let small = port.parse::<u16>().is_ok_and(|port| port < LEAST_PORT);
    if is_number && !(is_word && small) || port.contains(['[', ']', ':']) {
        return Ok(());
    }
    // A glob for a port, as in `registry.corp:*` or `registry.corp:50*`.
    if !is_word && port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*') {
        return Ok(());
    }
    if TagPattern::parse(port).is_err() {
        return Ok(());
    }
    let meant = if is_word {
        format!("docker.io/library/{host}:{port}")
    } else {
        format!("{host}/**:{port}")
    };
    let what = if is_number {
        "is a registry with a port, or an image with a tag"
    } else {
        "has a tag and no repository"
    };
    let hint = RegistryPattern::is_pattern(&meant)
        .then(|| format!("for the tag write `{meant}`; a port is a number from {LEAST_PORT} on"));
    Err(bad(what, PIN_HINT).with_hint(hint))
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
            let is_pattern = RegistryPattern::parse(&on_docker_hub).is_ok();
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
        return Err(bad("has a tag or a digest in front of a slash", PIN_HINT));
    }
    if is_longer(path, LONGEST_REPOSITORY) {
        return Err(bad("can match no repository", "a repository has at most 255 characters"));
    }
    if !REPOSITORIES.meets_glob(path) {
        return Err(bad("can match no repository", PATH_HINT));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Pin, RegistryPattern};
    use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

    /// What is wrong with a pattern, without its hint; `ok` where nothing is.
    fn said(written: &str) -> String {
        RegistryPattern::parse(written).map_or_else(|bad| bad.message, |_| "ok".to_owned())
    }

    #[test]
    fn registry_rows() {
        let host = |length: usize| format!("{}.a", "a".repeat(length - 2));
        let (longest, longer) = (host(512), host(513));
        let path = |length: usize| format!("gcr.io/*{}", "a".repeat(length));
        let (longest_path, longer_path) = (path(255), path(256));
        let rows = [
            ("*", "ok"),
            ("**", "ok"),
            ("gcr.io", "ok"),
            ("gcr.io/acme-1.x_y/**", "ok"),
            ("[::1]:5000/a", "ok"),
            ("*.pkg.dev:5000", "ok"),
            (&longest, "ok"),
            (&longer, "is longer than 512 bytes"),
            (&longest_path, "ok"),
            (&longer_path, "can match no repository"),
            ("", "does not begin with a registry host"),
            ("a b", "does not begin with a registry host"),
            ("a b*", "does not begin with a registry host or a glob"),
            ("acme", "can match no image"),
            ("*..io", "can match no registry host"),
            ("gcr.io//acme", "can match no repository"),
            ("gcr.io/acme//", "can match no repository"),
            ("gcr.io/a b", "can match no repository"),
            ("gcr.io/acme/Base", "can match no repository"),
            ("gcr.io/acme:1", "ok"),
            ("gcr.io/acme:1/web", "has a tag or a digest in front of a slash"),
            ("gcr.io/acme@sha256", "has a digest that is not valid"),
            ("*.io:443", "ends in the port of HTTPS"),
            ("*.io:0443", "ends in the port of HTTPS"),
            ("*.io:8443", "ok"),
            ("user@gcr.io", "names a user"),
            ("//", "is an empty regex"),
            ("/a)|(b/", "is not a valid regex: unopened group"),
            ("/a{1000}{1000}/", "is too large a regex"),
        ];
        for (written, expected) in rows {
            assert_eq!(said(written), expected, "{written}");
        }
    }

    #[test]
    fn pinned_rows() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let rows = [
            ("gcr.io/acme/web:1.4".to_owned(), "ok"),
            ("gcr.io/**:1.*".to_owned(), "ok"),
            ("*.pkg.dev/acme/*:*".to_owned(), "ok"),
            ("registry.corp:5000/web:1".to_owned(), "ok"),
            ("gcr.io/web:semver:>=1.20 <2".to_owned(), "ok"),
            (format!("gcr.io/web@{digest}"), "ok"),
            (format!("gcr.io/web:v3@{digest}"), "ok"),
            ("docker.io/library/ubuntu:20.14".to_owned(), "ok"),
            ("docker.io/**:1".to_owned(), "ok"),
            ("docker.io/ubuntu:20.14".to_owned(), "can match no image"),
            ("docker.io/*:1".to_owned(), "can match no image"),
            ("gcr.io/web:".to_owned(), "has a tag that is not a tag or a glob over tags"),
            ("gcr.io/web:a:b".to_owned(), "has a tag that is not a tag or a glob over tags"),
            ("gcr.io/web:-a".to_owned(), "has a tag that can match no tag"),
            ("gcr.io/web@sha256:*".to_owned(), "has a glob for a digest"),
            ("gcr.io/web@sha256:12".to_owned(), "has a digest that is not valid"),
            (format!("gcr.io/web:semver:^1@{digest}"), "has a range of versions beside a digest"),
            // Without a slash, what follows the colon is a port.
            ("registry:5000".to_owned(), "ok"),
            ("registry:443".to_owned(), "ok"),
            ("registry.corp:5000".to_owned(), "ok"),
            ("registry.corp:7".to_owned(), "ok"),
            ("localhost:7".to_owned(), "ok"),
            ("[::1]:5000".to_owned(), "ok"),
            ("*.corp:50*".to_owned(), "ok"),
            ("redis:7".to_owned(), "is a registry with a port, or an image with a tag"),
            ("ubuntu:20.14".to_owned(), "has a tag and no repository"),
            ("ubuntu:latest".to_owned(), "has a tag and no repository"),
            ("gcr.io:latest".to_owned(), "has a tag and no repository"),
            ("*:1.*".to_owned(), "has a tag and no repository"),
            (format!("ubuntu@{digest}"), "names an image, and no registry"),
            ("acme/*:1.*".to_owned(), "can match no image"),
        ];
        for (written, expected) in rows {
            assert_eq!(said(&written), expected, "{written}");
        }
    }

    #[test]
    fn a_hint_says_how_to_write_what_was_meant() {
        for (written, expected) in [
            ("ubuntu:20.14", "for the tag write `docker.io/library/ubuntu:20.14`"),
            ("redis:7", "for the tag write `docker.io/library/redis:7`"),
            ("gcr.io:1.*", "for the tag write `gcr.io/**:1.*`"),
            ("*:1.*", "for the tag write `*/**:1.*`"),
            ("acme/*:1.*", "for a repository of Docker Hub write `docker.io/acme/*:1.*`"),
            ("docker.io/ubuntu:20.14", "write `docker.io/library/ubuntu:20.14`"),
            ("gcr.io/web@sha256:*", "give the registry an entry with `requireDigest: true`"),
        ] {
            let hint = RegistryPattern::parse(written).unwrap_err().hint.unwrap_or_default();
            assert!(hint.contains(expected), "{written}: {hint}");
        }
    }

    #[test]
    fn a_run_of_stars_in_a_tag_is_one_star() {
        let parsed = RegistryPattern::parse("gcr.io/web:1.***");
        let pin = Pin::Tag(TagPattern::Text("1.*".to_owned()));
        let (host, path) = ("gcr.io".to_owned(), "web".to_owned());
        assert_eq!(parsed, Ok(RegistryPattern::Images { host, path, pin }));
    }
}
