//! What a user can do about a denial: one line beside the message, for a warning of the answer.
//!
//! The message is a known text and says what is wrong; this says what decided, and what would be
//! accepted. It never names another repository than that of the image: the same path in an allowed
//! registry may be anybody's, and whoever follows such advice runs what they push there.

use crate::image::Reference;
use crate::policy::judge::message;
use crate::policy::judge::rules::ShortNames;
use crate::policy::judge::rules::{Broken, Rules};

/// Characters of a line, as the API documentation asks of a warning.
const LONGEST: usize = 120;
/// Characters of an image in the line: the message has all of it.
const LONGEST_IMAGE: usize = 50;
/// Characters of a pattern, a registry or a tag in the line.
const LONGEST_PATTERN: usize = 24;

/// Why `rules` refuse a reference, and what would be accepted in its place, where there is room.
pub(in crate::policy) fn on(rules: &Rules, broken: Broken, reference: &Reference<'_>) -> String {
    let reason = reason(rules, broken, reference);
    let is_short = reference.is_short_name() && rules.short_names == ShortNames::Deny;
    let is_allowed =
        is_short || !matches!(broken, Broken::RegistryNotAllowed | Broken::RegistryBlocked(_));
    let accepted = if is_allowed { same_repository(rules, reference) } else { None };
    let Some(accepted) = accepted else { return reason };
    let offer = match broken {
        _ if is_short => format!("did you mean `{accepted}`?"),
        Broken::TagBlocked if reference.tag().is_some() => {
            format!("`{accepted}` with another tag is accepted")
        }
        _ => format!("`{accepted}` is accepted"),
    };
    let line = format!("{reason}; {offer}");
    // Half a reference would be another one.
    if line.chars().count() <= LONGEST { line } else { reason }
}

fn reason(rules: &Rules, broken: Broken, reference: &Reference<'_>) -> String {
    let image = cut(reference.written(), LONGEST_IMAGE);
    let is_short = reference.is_short_name() && rules.short_names == ShortNames::Deny;
    let tag = reference.tag().map(|tag| cut(tag, LONGEST_PATTERN));
    match (broken, tag) {
        (Broken::MissingTag, _) if is_short => {
            format!("`{image}` names neither a registry nor a tag")
        }
        (Broken::MissingTag, _) => format!("`{image}` names neither a tag nor a digest"),
        (Broken::RegistryNotAllowed, _) if is_short => format!("`{image}` names no registry"),
        (Broken::RegistryNotAllowed, _) => {
            let registry = reference.registry();
            let shown = cut(registry, LONGEST_PATTERN);
            if rules.allowed_registries.set.has_paths_of(registry) {
                format!("`{image}`: only some repositories of `{shown}` are allowed")
            } else {
                format!("`{image}`: the registry `{shown}` is not allowed")
            }
        }
        (Broken::RegistryBlocked(position), _) => {
            let pattern = rules.blocked_registries.written.get(position);
            let pattern = cut(pattern, LONGEST_PATTERN);
            format!("`blockedRegistries` names `{pattern}`, and wins over `allowedRegistries`")
        }
        (Broken::TagBlocked, None) => {
            format!("`{image}` would be pulled as `latest`, which is prohibited")
        }
        (Broken::TagBlocked, Some(tag)) => {
            let position = reference.tag().and_then(|tag| rules.blocked_tags.set.first(tag));
            let pattern = position.map(|position| rules.blocked_tags.written.get(position));
            match pattern.map(|pattern| cut(pattern, LONGEST_PATTERN)) {
                Some(pattern) if pattern != tag => {
                    format!("the tag `{tag}` is prohibited by `{pattern}`")
                }
                _ => format!("the tag `{tag}` is prohibited"),
            }
        }
        (Broken::TagNotAllowed, Some(tag)) => format!("the tag `{tag}` is not an allowed one"),
        (Broken::TagNotAllowed, None) => {
            format!("`{image}` would be pulled as `latest`, which is not an allowed tag")
        }
        (Broken::MissingDigest, _) => format!("`{image}` is not pinned by digest"),
    }
}

/// The same repository with the least change to tag and digest that the rules accept; `<tag>` and
/// `<digest>` are to be filled in.
pub(in crate::policy) fn same_repository(
    rules: &Rules,
    reference: &Reference<'_>,
) -> Option<String> {
    let name = format!("{}/{}", reference.registry(), reference.repository());
    accepted(rules, reference, &name, &name)
}

/// As [`same_repository`], of the repository `name`, as text with `shown` in its place.
pub(in crate::policy) fn accepted(
    rules: &Rules,
    reference: &Reference<'_>,
    name: &str,
    shown: &str,
) -> Option<String> {
    let digest = format!("@sha256:{}", "0".repeat(64));
    let accepts = |suffix: &str| {
        let probe = format!("{name}{suffix}");
        Reference::parse(&probe).is_ok_and(|probe| rules.broken_by(&probe).is_none())
    };
    let tag = reference.tag().map(|tag| format!(":{tag}"));
    let tags = tag.as_deref().map(|tag| (tag, tag)).into_iter().chain([(":<tag>", ":1.0.0")]);
    for (shown_digest, digest) in [("", ""), ("@sha256:<digest>", digest.as_str())] {
        for (shown_tag, tag) in tags.clone() {
            if accepts(&format!("{tag}{digest}")) {
                return Some(format!("{shown}{shown_tag}{shown_digest}"));
            }
        }
    }
    None
}

/// At most so many characters of a text, without control characters.
fn cut(text: &str, longest: usize) -> String {
    let text = message::shown(text);
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
