//! What a user reads when an image is refused.
//!
//! The first four texts are those of the program that ImageGate replaces, byte for byte: people
//! and scripts know them.

use std::fmt::{Display, Write as _};

use crate::policy::exemption::Exemption;
use crate::policy::rules::{Broken, Rules};

/// Lists in a message are cut at this many bytes: the whole answer is cut at 1 KiB.
const LONGEST_LIST: usize = 400;
/// An image that is not a reference can be anything; this much of it is shown.
const LONGEST_IMAGE: usize = 256;

/// Joins the items of a list by `,`, and says how many are not shown where they are many.
pub(super) fn join(items: &[String]) -> String {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 && joined.len() + item.len() > LONGEST_LIST {
            let _ = write!(joined, " and {} more", items.len() - index);
            break;
        }
        if index > 0 {
            joined.push(',');
        }
        joined.push_str(item);
    }
    joined
}

/// The text for a rule that a well-formed reference breaks.
pub(super) fn broken(rules: &Rules, broken: Broken, container: &str, image: &str) -> String {
    let container = shown(container);
    match broken {
        Broken::MissingTag => {
            format!("{container} image has no tag! ({image}). Only images with tags are allowed.")
        }
        Broken::RegistryNotAllowed => format!(
            "{container} image comes from an untrusted registry! ({image}). \
             Only images from {} are allowed.",
            rules.allowed_registries.joined
        ),
        Broken::RegistryBlocked(position) => format!(
            "{container} image comes from an untrusted registry! ({image}). \
             Images from {} are prohibited.",
            rules.blocked_registries.written.get(position).map_or("", String::as_str)
        ),
        Broken::TagBlocked => format!(
            "{container} image has a non-allowed tag! ({image}). \
             These tags \"{}\" are prohibited.",
            rules.blocked_tags.joined
        ),
        Broken::TagNotAllowed => format!(
            "{container} image has a non-allowed tag! ({image}). \
             Only the tags \"{}\" are allowed.",
            rules.allowed_tags.joined
        ),
        Broken::MissingDigest => format!(
            "{container} image has no digest! ({image}). \
             Only images pinned by digest are allowed."
        ),
    }
}

/// The text for an image that is not a reference, or is not there.
pub(super) fn invalid(container: &str, image: &str, why: &dyn Display) -> String {
    let (container, image) = (shown(container), shown(image));
    format!("{container} image is not a valid reference! ({image}): {why}.")
}

/// What follows the text for an image that was exempt until recently.
pub(super) fn expired(exemption: &Exemption) -> String {
    let when = exemption.expires_as_written().unwrap_or_default();
    format!(" The exemption `{}` expired on {when}.", exemption.name())
}

/// User text with its control characters escaped, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST_IMAGE));
    for character in text.chars() {
        if shown.len() >= LONGEST_IMAGE {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
