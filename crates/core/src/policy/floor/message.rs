//! The texts for people, as expressions: those of the gate, for the first image that is refused. What the
//! gate escapes and cuts is not, so that the API server shows its own text in place of one with line breaks.

use std::fmt::Write as _;

use super::cel::quoted;
use super::spelling::Places;
use crate::policy::judge::list::Written;
use crate::policy::judge::pull::PullRule;
use crate::policy::judge::template::{Part, Template};
use crate::policy::printable::printable;

/// Blocked registries that a message tells apart.
const MOST_TOLD_APART: usize = 8;

pub(super) fn invalid() -> String {
    of(" image is not a valid reference! (", ").")
}

pub(super) fn missing_tag() -> String {
    of(" image has no tag! (", "). Only images with tags are allowed.")
}

pub(super) fn missing_digest() -> String {
    of(" image has no digest! (", "). Only images pinned by digest are allowed.")
}

pub(super) fn not_always_pulled(rule: PullRule) -> String {
    let allowed = match rule {
        PullRule::ForMutableTags => "the pull policy Always, or pinned by digest,",
        PullRule::Always | PullRule::Any => "the pull policy Always",
    };
    let behind = format!("). Only images with {allowed} are allowed.");
    of(" image is not always pulled! (", &behind)
}

pub(super) fn tag_blocked(joined: &str) -> String {
    let behind = format!("). These tags \"{joined}\" are prohibited.");
    of(" image has a non-allowed tag! (", &behind)
}

pub(super) fn tag_not_allowed(joined: &str) -> String {
    let behind = format!("). Only the tags \"{joined}\" are allowed.");
    of(" image has a non-allowed tag! (", &behind)
}

pub(super) fn not_allowed(joined: &str) -> String {
    let behind = format!("). Only images from {joined} are allowed.");
    of(" image comes from an untrusted registry! (", &behind)
}

/// The text for a blocked registry, which names the pattern where there are few.
pub(super) fn blocked(written: &Written) -> String {
    let by = |pattern: &str| {
        let behind = format!("). Images from {} are prohibited.", printable(pattern));
        of(" image comes from an untrusted registry! (", &behind)
    };
    let mut text = String::new();
    if written.len() <= MOST_TOLD_APART {
        for (position, pattern) in written.iter().enumerate() {
            if let (Some(test), _) = Places::of(written, |each| each == position).surely("c.named")
            {
                let _ = write!(text, "{} ? {} : ", test.text, by(pattern));
            }
        }
    }
    text + &of(" image comes from an untrusted registry! (", ").")
}

/// The policy's own words; `None` where they name what no expression can say.
pub(super) fn own(template: &Template, hash: &str) -> Option<String> {
    let parts: Option<Vec<_>> = template
        .parts()
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Some(quoted(text)),
            Part::Name("container") => Some("c.name".to_owned()),
            Part::Name("image") => Some("c.image".to_owned()),
            Part::Name("namespace") => Some("request.namespace".to_owned()),
            Part::Name("policy") => Some(quoted(hash)),
            Part::Name(_) => None,
        })
        .collect();
    // The API server wants a text by its type, and what an object holds has none.
    parts.map(|parts| format!("'' + {}", parts.join(" + ")))
}

fn of(between: &str, behind: &str) -> String {
    format!("c.name + {} + c.image + {}", quoted(between), quoted(behind))
}
