//! The texts that patterns are matched against, as automata: folded hosts, repositories,
//! `host/repository`, tags and names of Kubernetes.
//!
//! Only for telling a pattern that matches nothing from one that matches something. References
//! themselves are parsed by [`crate::image`]; a test holds the two together.

use std::sync::LazyLock;

use crate::policy::pattern::automaton::Language;

/// A registry host as [`fold_registry`](crate::image::fold_registry) leaves it.
pub(super) static HOSTS: LazyLock<Language> = LazyLock::new(|| {
    let step = |state, byte| {
        step_reference(state, byte).filter(|next| !matches!(next, Folded::Repository { .. }))
    };
    Language::new(Folded::Start, step, ends_host)
});

/// A normalised repository, or its first segments.
pub(super) static REPOSITORIES: LazyLock<Language> =
    LazyLock::new(|| Language::new(Path::Start, step_path, |state| state == Path::Word));

/// `host/repository`, what a regex over registries sees.
pub(super) static REFERENCES: LazyLock<Language> = LazyLock::new(|| {
    let complete =
        |state| state == Folded::Repository { official_missing: false, path: Path::Word };
    Language::new(Folded::Start, step_reference, complete)
});

/// A tag.
pub(super) static TAGS: LazyLock<Language> = LazyLock::new(|| {
    let step = |inside: bool, byte: u8| {
        let word = byte.is_ascii_alphanumeric() || byte == b'_';
        (word || inside && matches!(byte, b'.' | b'-')).then_some(true)
    };
    Language::new(false, step, |inside| inside)
});

/// A namespace: a label of RFC 1123.
pub(super) static NAMESPACES: LazyLock<Language> = LazyLock::new(|| {
    let step = |last, byte| step_name(last, byte, false);
    Language::new(Last::Dot, step, |last| last == Last::Alphanumeric)
});

/// A service account: a subdomain of RFC 1123.
pub(super) static SERVICE_ACCOUNTS: LazyLock<Language> = LazyLock::new(|| {
    let step = |last, byte| step_name(last, byte, true);
    Language::new(Last::Dot, step, |last| last == Last::Alphanumeric)
});

/// Words that are treated apart when a host is folded.
const LOCALHOST: &str = "localhost";
const DOCKER_HUB: &str = "docker.io";
const WORDS: [&str; 4] = [LOCALHOST, DOCKER_HUB, "index.docker.io", "registry-1.docker.io"];

/// How far a folded reference has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folded {
    Start,
    /// In the name of a host; `word` is the one of [`WORDS`] that it may become, and how much of
    /// it was read.
    Name {
        last: Last,
        dotted: bool,
        word: Option<(&'static str, usize)>,
    },
    /// In the brackets of an IPv6 address, and behind them.
    Address {
        empty: bool,
        colon: bool,
    },
    AddressEnd {
        colon: bool,
    },
    /// In the port of a host, which may not be 443 where the host is one without a port.
    Port {
        host_by_itself: bool,
        digits: Digits,
    },
    /// In the repository, which has at least two segments on Docker Hub.
    Repository {
        official_missing: bool,
        path: Path,
    },
}

/// The last byte of a host or another name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Alphanumeric,
    Dash,
    Dot,
}

/// The digits of a port so far; there are no leading zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    None,
    Zero,
    /// The first digits of 443: one or two of them.
    Https(u8),
    /// 443.
    HttpsComplete,
    Other,
}

/// How far a repository has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// At the start of a segment.
    Start,
    Word,
    /// Behind a separator: `.`, `_`, `__`, or any number of `-`.
    Dot,
    Underscore,
    Underscores,
    Dashes,
}

fn step_reference(state: Folded, byte: u8) -> Option<Folded> {
    let lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match state {
        Folded::Start if byte == b'[' => Some(Folded::Address { empty: true, colon: false }),
        Folded::Start if lower => {
            let word = WORDS.iter().find(|word| word.bytes().next() == Some(byte));
            let word = word.map(|word| (*word, 1));
            Some(Folded::Name { last: Last::Alphanumeric, dotted: false, word })
        }
        Folded::Name { last, dotted, word } => {
            let word = word
                .filter(|(word, read)| word.as_bytes().get(*read) == Some(&byte))
                .map(|(word, read)| (word, read + 1));
            let go_on = |last, dotted| Some(Folded::Name { last, dotted, word });
            match byte {
                _ if lower => go_on(Last::Alphanumeric, dotted),
                b'-' if last != Last::Dot => go_on(Last::Dash, dotted),
                b'.' if last == Last::Alphanumeric => go_on(Last::Dot, true),
                b':' if last == Last::Alphanumeric => {
                    let host_by_itself = dotted || is_word(state, LOCALHOST);
                    Some(Folded::Port { host_by_itself, digits: Digits::None })
                }
                b'/' => begin_repository(state),
                _ => None,
            }
        }
        Folded::Address { colon, .. } if byte == b':' || (lower && byte.is_ascii_hexdigit()) => {
            Some(Folded::Address { empty: false, colon: colon || byte == b':' })
        }
        Folded::Address { empty: false, colon } if byte == b']' => {
            Some(Folded::AddressEnd { colon })
        }
        Folded::AddressEnd { colon } if byte == b':' => {
            Some(Folded::Port { host_by_itself: colon, digits: Digits::None })
        }
        Folded::Port { host_by_itself, digits } if byte.is_ascii_digit() => {
            let digits = step_digits(digits, byte)?;
            Some(Folded::Port { host_by_itself, digits })
        }
        Folded::AddressEnd { .. } | Folded::Port { .. } if byte == b'/' => begin_repository(state),
        Folded::Repository { path, .. } if byte == b'/' => {
            Some(Folded::Repository { official_missing: false, path: step_path(path, byte)? })
        }
        Folded::Repository { official_missing, path } => {
            Some(Folded::Repository { official_missing, path: step_path(path, byte)? })
        }
        _ => None,
    }
}

fn begin_repository(host: Folded) -> Option<Folded> {
    let official_missing = is_word(host, DOCKER_HUB);
    ends_host(host).then_some(Folded::Repository { official_missing, path: Path::Start })
}

/// Whether what was read is a host, folded.
fn ends_host(state: Folded) -> bool {
    match state {
        Folded::Name { last: Last::Alphanumeric, dotted, .. } => {
            let is_alias = WORDS.iter().skip(2).any(|alias| is_word(state, alias));
            (dotted && !is_alias) || is_word(state, LOCALHOST)
        }
        Folded::AddressEnd { colon } => colon,
        Folded::Port { host_by_itself, digits } => match digits {
            Digits::None => false,
            Digits::HttpsComplete => !host_by_itself,
            Digits::Zero | Digits::Https(_) | Digits::Other => true,
        },
        _ => false,
    }
}

fn is_word(state: Folded, expected: &str) -> bool {
    matches!(state, Folded::Name { word: Some((word, read)), .. }
        if word == expected && read == word.len())
}

fn step_digits(digits: Digits, digit: u8) -> Option<Digits> {
    match (digits, digit) {
        (Digits::Zero, _) => None,
        (Digits::None, b'0') => Some(Digits::Zero),
        (Digits::None, b'4') => Some(Digits::Https(1)),
        (Digits::Https(1), b'4') => Some(Digits::Https(2)),
        (Digits::Https(2), b'3') => Some(Digits::HttpsComplete),
        _ => Some(Digits::Other),
    }
}

fn step_path(path: Path, byte: u8) -> Option<Path> {
    match (path, byte) {
        (_, b'a'..=b'z' | b'0'..=b'9') => Some(Path::Word),
        (Path::Word, b'/') => Some(Path::Start),
        (Path::Word, b'.') => Some(Path::Dot),
        (Path::Word, b'_') => Some(Path::Underscore),
        (Path::Underscore, b'_') => Some(Path::Underscores),
        (Path::Word | Path::Dashes, b'-') => Some(Path::Dashes),
        _ => None,
    }
}

/// A name begins as it goes on behind a dot: with a letter or a digit.
fn step_name(last: Last, byte: u8, dots: bool) -> Option<Last> {
    match (last, byte) {
        (_, b'a'..=b'z' | b'0'..=b'9') => Some(Last::Alphanumeric),
        (Last::Alphanumeric | Last::Dash, b'-') => Some(Last::Dash),
        (Last::Alphanumeric, b'.') if dots => Some(Last::Dot),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use regex_syntax::hir::Hir;

    use super::{HOSTS, NAMESPACES, REFERENCES, REPOSITORIES, SERVICE_ACCOUNTS, TAGS};
    use crate::image::Reference;
    use crate::policy::pattern::glob;
    use crate::policy::pattern::regexes::Regexes;

    /// All texts of an alphabet up to a length, shortest first.
    fn texts(alphabet: &str, longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut begin = 0;
        for _ in 0..longest {
            let end = all.len();
            for index in begin..end {
                for character in alphabet.chars() {
                    all.push(format!("{}{character}", all[index]));
                }
            }
            begin = end;
        }
        all
    }

    fn hir(regex: &str) -> Hir {
        let mut parser = regex_syntax::ParserBuilder::new();
        parser.unicode(false).utf8(false).build().parse(regex).unwrap()
    }

    static SOME_HOSTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let hosts = texts("a.-:4[]", 6);
        let hosts = hosts.iter().map(|host| format!("{host}/a"));
        hosts.filter_map(|text| Some(Reference::parse(&text).ok()?.registry().to_owned())).collect()
    });

    static SOME_REPOSITORIES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let paths = texts("a._-/", 6);
        let valid = |path: &String| Reference::parse(&format!("a.a/{path}")).is_ok();
        paths.into_iter().filter(valid).collect()
    });

    static SOME_REFERENCES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let is_folded = |text: &String| {
            Reference::parse(text).is_ok_and(|reference| {
                *text == format!("{}/{}", reference.registry(), reference.repository())
            })
        };
        texts("a.:4/", 7).into_iter().filter(is_folded).collect()
    });

    #[test]
    fn a_glob_meets_the_hosts_exactly_if_it_matches_one() {
        for glob in texts("a.:4[]*-", 4) {
            let expected = SOME_HOSTS.iter().any(|host| glob::matches(&glob, host));
            assert_eq!(HOSTS.meets_glob(&glob), expected, "{glob}");
        }
    }

    #[test]
    fn a_glob_meets_the_repositories_exactly_if_it_matches_one() {
        for glob in texts("a._/*-", 5) {
            let expected = SOME_REPOSITORIES.iter().any(|path| glob::matches(&glob, path));
            assert_eq!(REPOSITORIES.meets_glob(&glob), expected, "{glob}");
        }
    }

    #[test]
    fn a_regex_meets_the_references_exactly_if_it_matches_one() {
        let parts = ["a", "4", "[.]", ":", "/", ".", ".*", "[^/]*", "(a|/)+", "a?", "/a", "a{1,2}"];
        // Each character stands for a part.
        for chosen in texts("abcdefghijkl", 3) {
            let part = |letter: u8| parts[usize::from(letter - b'a')];
            let regex: String = chosen.bytes().map(part).collect();
            let compiled = Regexes::new(vec![(0, hir(&regex))], 1).unwrap();
            let expected = SOME_REFERENCES.iter().any(|text| compiled.first(text).is_some());
            assert_eq!(REFERENCES.meets_regex(&hir(&regex)), expected, "{regex}");
        }
    }

    #[test]
    fn words_and_ports_that_are_folded_away_meet_nothing() {
        for (host, expected) in [
            ("localhost", true),
            ("localhos", false),
            ("localhostx", false),
            ("localhost:5000", true),
            ("localhost:443", false),
            ("docker.io", true),
            ("index.docker.io", false),
            ("registry-1.docker.io", false),
            ("registry-1.docker.io:5000", true),
            ("registry-2.docker.io", true),
            ("index.docker.io*", true),
            ("acme", false),
            ("acme:443", true),
            ("gcr.io:443", false),
            ("gcr.io:4430", true),
            ("gcr.io:044", false),
            ("gcr.io:0", true),
            ("[2001:db8::1]", true),
            ("[2001:db8::1]:443", false),
            ("[abc]", false),
            ("[g::1]", false),
            ("[A::1]", false),
            ("[abc]:443", true),
            ("GCR.io", false),
        ] {
            assert_eq!(HOSTS.meets_glob(host), expected, "{host}");
        }
    }

    #[test]
    fn regexes_over_references_are_told_apart() {
        for (regex, expected) in [
            (".*", true),
            ("docker.io", false),
            ("docker[.]io/nginx", false),
            ("docker[.]io/library/nginx", true),
            ("docker[.]io/[^/]+", false),
            ("docker[.]io/[^/]+/[^/]+", true),
            ("index[.]docker[.]io/.*", false),
            ("gcr[.]io:443/.*", false),
            ("(?i)GCR[.]io/.*", true),
            ("GCR[.]io/.*", false),
            ("gcr[.]io/Acme/.*", false),
            ("library/.*", false),
            ("gcr[.]io/.*:v1", false),
            ("^gcr[.]io/(a|b)$", true),
            ("gcr[.]io/a{300}", true),
            ("gcr[.]io/(a_){2,}", false),
            ("gcr[.]io/(_){1,2}a", false),
            ("gcr[.]io/a(_){3}a", false),
            ("gcr[.]io/a(_){2}a", true),
            ("", false),
        ] {
            assert_eq!(REFERENCES.meets_regex(&hir(regex)), expected, "{regex}");
        }
        assert!(TAGS.meets_glob("*") && !TAGS.meets_glob("-*") && !TAGS.meets_glob(""));
    }

    #[test]
    fn a_regex_that_takes_too_many_steps_is_taken_to_match() {
        let choices = |count: usize| {
            let choices: Vec<_> = (0..count).map(|number| format!("a{number}")).collect();
            hir(&format!("(?:(?:{})+:)*:", choices.join("|")))
        };
        assert!(!TAGS.meets_regex(&choices(100)));
        assert!(TAGS.meets_regex(&choices(3_000)));
        let nested = "(?:".repeat(30) + "[a-z]" + &"*[a-z]?-?)*".repeat(30);
        assert!(REFERENCES.meets_regex(&hir(&format!("{nested}@"))), "not in 4,096 steps");
        assert!(!REFERENCES.meets_regex(&hir("(?:(?:[a-z]*-?)*)*@")));
    }

    #[test]
    fn no_language_has_more_states_than_a_set_can_hold() {
        for language in [&HOSTS, &REPOSITORIES, &REFERENCES, &TAGS, &NAMESPACES, &SERVICE_ACCOUNTS]
        {
            assert!(language.states() <= 128, "{}", language.states());
        }
    }
}
