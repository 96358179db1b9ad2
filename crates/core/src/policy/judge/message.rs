//! What a user reads when an image is refused.
//!
//! The first four texts are those of the program that ImageGate replaces, byte for byte: people
//! and scripts know them.

use std::fmt::Display;

use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::rules::{Broken, Rules};
use crate::policy::judge::subject::Field;
use crate::policy::printable::{is_printable, printable};

/// An image that is not a reference can be anything; this much of it is shown.
const LONGEST_IMAGE: usize = 256;

/// The text for a rule that a well-formed reference breaks.
pub(in crate::policy) fn broken(
    rules: &Rules,
    broken: Broken,
    container: &str,
    image: &str,
) -> String {
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
            printable(rules.blocked_registries.written.get(position))
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
pub(in crate::policy) fn invalid(container: &str, image: &str, why: &dyn Display) -> String {
    let (container, image) = (shown(container), shown(image));
    format!("{container} image is not a valid reference! ({image}): {why}.")
}

/// The text for the entries of a list from `first` on, which are not read.
pub(in crate::policy) fn excess(first: Field) -> String {
    format!("{} is too long! Only its first {} entries are read.", first.list(), first.index)
}

/// What follows the text for an image that was exempt until recently.
pub(in crate::policy) fn expired(exemption: &Exemption) -> String {
    let when = exemption.expires_as_written().unwrap_or_default();
    format!(" The exemption `{}` expired on {when}.", exemption.name())
}

/// User text as [`printable`] shows it, cut where it is long.
pub(in crate::policy) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST_IMAGE));
    for character in text.chars() {
        if shown.len() >= LONGEST_IMAGE {
            shown.push('…');
            break;
        }
        if is_printable(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_IMAGE, shown};

    #[test]
    fn text_of_a_user_is_cut_and_escaped() {
        let long = "x".repeat(LONGEST_IMAGE);
        assert_eq!(shown(&long), long);
        assert_eq!(shown(&format!("{long}y")), format!("{long}…"));
        assert_eq!(shown("a\nb\u{1b}[31mé"), r"a\nb\u{1b}[31mé");
    }
}
