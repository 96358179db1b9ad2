//! Two parsers that others wrote must agree with ours, but for the divergences listed here.

use std::collections::HashSet;
use std::net::Ipv6Addr;

use container_image_dist_ref::ImgRef;
use imagegate_core::image::{Reference, fold_registry};
use oci_spec::distribution::Reference as OciReference;
use proptest::prelude::*;

/// Registry, repository, tag and digest, or nothing for what is refused.
type Outcome = Option<(String, String, Option<String>, Option<String>)>;

struct Oracle {
    name: &'static str,
    read: fn(&str) -> Outcome,
    divergences: &'static [Divergence],
}

/// Where an oracle answers otherwise, and why. Every one is met by a row of the table.
struct Divergence {
    answer: Answer,
    when: fn(&str) -> bool,
    reason: &'static str,
}

/// How an oracle's answer differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepts,
    Refuses,
    ReadsOtherwise,
}

const DIST_REF: Oracle = Oracle {
    name: "container_image_dist_ref",
    read: read_by_dist_ref,
    divergences: &[
        Divergence {
            answer: Answer::Accepts,
            when: is_id,
            reason: "it has no ParseNormalizedNamed, which refuses ids; we refuse digests as well",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| first(text).is_some_and(|host| host.contains('_') && is_host(host)),
            reason: "what is no host falls back to the path; runtimes would take it for a host",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| name(text).len() + "library/".len() > 255 && name(text).len() <= 255,
            reason: "the `library/` that a short name leaves out does not count",
        },
        Divergence {
            answer: Answer::Refuses,
            when: |text| name(text).len() > 255,
            reason: "the host counts towards the 255 characters, as in an older grammar",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| first(text).is_some() && tag(text).is_some_and(|tag| tag.len() == 129),
            reason: "behind a host, its limit for tags is off by one",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| !matches!(algorithm(text), None | Some("sha256" | "sha512")),
            reason: "it checks the digests of the algorithms it knows, and takes others as they are",
        },
        Divergence {
            answer: Answer::Refuses,
            when: |text| address(text).is_some_and(|address| address.parse::<Ipv6Addr>().is_err()),
            reason: "what is in brackets must be an address; the grammar has any run of digits",
        },
    ],
};

const OCI_SPEC: Oracle = Oracle {
    name: "oci-spec",
    read: read_by_oci_spec,
    divergences: &[
        Divergence {
            answer: Answer::Accepts,
            when: is_id,
            reason: "it has no ParseNormalizedNamed, which refuses ids; we refuse digests as well",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| first(text).is_some_and(|host| host.contains('_') && is_host(host)),
            reason: "what is no host falls back to the path, and is then taken for a host",
        },
        Divergence {
            answer: Answer::ReadsOtherwise,
            when: |text| first(text).is_some_and(is_upper_case_word),
            reason: "it splits as distribution did when upper case did not make a host yet",
        },
        Divergence {
            answer: Answer::Refuses,
            when: |text| first(text).is_some_and(is_upper_case_word) && name(text).len() > 255,
            reason: "so the word counts towards the repository's 255 characters",
        },
        Divergence {
            answer: Answer::Refuses,
            when: |text| address(text).is_some(),
            reason: "its grammar is older than IPv6 hosts",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| text.rsplit(':').next().is_some_and(has_upper_hex),
            reason: "its digests may have upper-case digits, which go-digest refuses",
        },
        Divergence {
            answer: Answer::Accepts,
            when: |text| !text.is_ascii(),
            reason: "`\\w` is any letter to its regex engine, and an ASCII one to Go's",
        },
    ],
};

#[test]
fn oracles_agree_on_the_table() {
    let mut wrong = Vec::new();
    for oracle in [DIST_REF, OCI_SPEC] {
        let mut met = HashSet::new();
        for row in crate::reference_rows::rows() {
            match compare(&oracle, &row.written) {
                Ok(reason) => met.extend(reason),
                Err(difference) => wrong.push(format!("line {}: {difference}", row.line)),
            }
        }
        let stale = oracle.divergences.iter().filter(|known| !met.contains(known.reason));
        wrong.extend(stale.map(|known| format!("{}: no row for: {}", oracle.name, known.reason)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn oracles_agree_on_what_is_almost_a_row(text in edited_row()) {
        for oracle in [DIST_REF, OCI_SPEC] {
            if let Err(difference) = compare(&oracle, &text) {
                prop_assert!(false, "{}", difference);
            }
        }
    }

    #[test]
    fn oracles_agree_on_references(
        text in "(([a-zA-Z0-9]{1,3}[.:-]){0,3}[a-zA-Z0-9]{1,3}/)?[a-z0-9._-]{1,5}(/[a-z0-9._-]{1,4})?\
                 (:[a-zA-Z0-9._-]{1,5})?(@sha(256:[0-9a-f]{64}|512:[0-9a-fA]{128}))?",
    ) {
        for oracle in [DIST_REF, OCI_SPEC] {
            if let Err(difference) = compare(&oracle, &text) {
                prop_assert!(false, "{}", difference);
            }
        }
    }
}

/// A row of the table with up to three characters put in, left out or written over.
fn edited_row() -> impl Strategy<Value = String> {
    let texts: Vec<String> =
        crate::reference_rows::rows().into_iter().map(|row| row.written).collect();
    let edit = (any::<prop::sample::Index>(), 0..2_usize, "[a-fA-Fxyz0-9.:/@_\\[\\] é-]?");
    (prop::sample::select(texts), prop::collection::vec(edit, 0..=3)).prop_map(|(text, edits)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, removed, added) in edits {
            let start = index.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, added.chars());
        }
        characters.into_iter().collect()
    })
}

/// The reason for which the oracle may answer otherwise, or what it answers without one.
fn compare(oracle: &Oracle, text: &str) -> Result<Option<&'static str>, String> {
    let (ours, theirs) = (read_by_us(text), (oracle.read)(text));
    if ours == theirs {
        return Ok(None);
    }
    let answer = match (&ours, &theirs) {
        (None, _) => Answer::Accepts,
        (_, None) => Answer::Refuses,
        _ => Answer::ReadsOtherwise,
    };
    let known = |known: &&Divergence| known.answer == answer && (known.when)(text);
    match oracle.divergences.iter().find(known) {
        Some(known) => Ok(Some(known.reason)),
        None => Err(format!("{text:?} is {ours:?} to us, and {theirs:?} to {}", oracle.name)),
    }
}

fn read_by_us(text: &str) -> Outcome {
    let read = Reference::parse(text).ok()?;
    Some((
        read.registry().to_owned(),
        read.repository().into_owned(),
        read.tag().map(str::to_owned),
        read.digest().map(str::to_owned),
    ))
}

/// It only splits: a first part that is no host by `splitDockerDomain` goes back to the path.
fn read_by_dist_ref(text: &str) -> Outcome {
    let read = ImgRef::new(text).ok()?;
    let domain = read.domain().map(|domain| domain.to_str().to_owned());
    let path = read.path().to_str().to_owned();
    let digest = read.digest().map(|digest| digest.to_str().to_owned());
    let tag = read.tag().map(str::to_owned);
    let (registry, repository) = match domain {
        Some(host) if is_host(&host) || is_upper_case_word(&host) => (host, path),
        Some(first) => ("docker.io".to_owned(), format!("{first}/{path}")),
        None => ("docker.io".to_owned(), path),
    };
    Some(normalised(&registry, repository, tag, digest))
}

/// It implies `latest`, which nobody wrote.
fn read_by_oci_spec(text: &str) -> Outcome {
    let read: OciReference = text.parse().ok()?;
    let implied = read.digest().is_none() && !text.ends_with(":latest");
    let tag = read.tag().filter(|tag| *tag != "latest" || !implied).map(str::to_owned);
    let digest = read.digest().map(str::to_owned);
    Some(normalised(read.registry(), read.repository().to_owned(), tag, digest))
}

/// Neither oracle folds hosts, or knows Docker Hub by all its names.
fn normalised(
    registry: &str,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
) -> (String, String, Option<String>, Option<String>) {
    let registry = fold_registry(registry).map_or(registry.to_owned(), Into::into);
    let official = registry == "docker.io" && !repository.contains('/');
    let repository = if official { format!("library/{repository}") } else { repository };
    (registry, repository, tag, digest)
}

fn is_id(text: &str) -> bool {
    let (algorithm, hex) = text.split_once(':').unwrap_or(("sha256", text));
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == digits && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn is_upper_case_word(first: &str) -> bool {
    !is_host(first) && first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn has_upper_hex(text: &str) -> bool {
    text.len() >= 64 && text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn first(text: &str) -> Option<&str> {
    text.split_once('/').map(|(first, _)| first)
}

/// What stands in brackets at the start.
fn address(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.split_once(']').map(|(address, _)| address)
}

/// What stands before tag and digest.
fn name(text: &str) -> &str {
    let name = text.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

fn tag(text: &str) -> Option<&str> {
    let tagged = text.split('@').next().unwrap_or_default();
    tagged.strip_prefix(name(text))?.strip_prefix(':')
}

fn algorithm(text: &str) -> Option<&str> {
    text.split_once('@')?.1.split_once(':').map(|(algorithm, _)| algorithm)
}
