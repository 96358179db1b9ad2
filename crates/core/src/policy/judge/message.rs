//! What a user reads when an image is refused.
//!
//! The first four texts are those of the program that ImageGate replaces, byte for byte: people
//! and scripts know them.

use std::fmt::{Display, Write as _};

use crate::image::Reference;
use crate::policy::judge::checks::{Breach, Broken};
use crate::policy::judge::exemption::Exemption;
use crate::policy::judge::pull::{PullPolicy, PullRule};
use crate::policy::judge::registries::Entry;
use crate::policy::judge::subject::{Unread, WhyUnread};
use crate::policy::judge::template::Values;
use crate::policy::printable::{printable, printable_within};
use crate::policy::rules::short_names::ShortNames;

/// An image that is not a reference can be anything; this much of it is shown.
const LONGEST_IMAGE: usize = 256;
/// Characters of an image in a reason: the message beside it has all of it.
const SHORT_IMAGE: usize = 50;
/// Characters of a pattern, a registry or a tag in a reason.
const SHORT_PATTERN: usize = 24;

/// The text for a rule that a well-formed reference breaks: the policy's own where it has one.
pub(in crate::policy) fn broken(breach: Breach<'_>, values: Values<'_>) -> String {
    let Breach { broken, terms } = breach;
    if let Some(own) = terms.message(broken.rule()) {
        return own.fill(values);
    }
    let rules = terms.rules();
    let (container, image) = (shown(values.container), values.image);
    match broken {
        Broken::MissingTag => {
            format!("{container} image has no tag! ({image}). Only images with tags are allowed.")
        }
        Broken::RegistryNotAllowed => format!(
            "{container} image comes from an untrusted registry! ({image}). \
             Only images from {} are allowed.",
            rules.allowed_registries.joined()
        ),
        Broken::RegistryBlocked(position) => format!(
            "{container} image comes from an untrusted registry! ({image}). \
             Images from {} are prohibited.",
            printable(rules.blocked_registries.written.get(position))
        ),
        Broken::TagBlocked => format!(
            "{container} image has a non-allowed tag! ({image}). \
             These tags \"{}\" are prohibited.",
            terms.blocked_tags().joined
        ),
        Broken::TagNotAllowed => format!(
            "{container} image has a non-allowed tag! ({image}). \
             Only the tags \"{}\" are allowed.",
            terms.allowed_tags().joined
        ),
        Broken::MissingDigest => format!(
            "{container} image has no digest! ({image}). \
             Only images pinned by digest are allowed."
        ),
        Broken::PullPolicy => {
            let allowed = match terms.pull_rule() {
                PullRule::ForMutableTags => "the pull policy Always, or pinned by digest,",
                PullRule::Always | PullRule::Any => "the pull policy Always",
            };
            format!(
                "{container} image is not always pulled! ({image}). \
                 Only images with {allowed} are allowed."
            )
        }
    }
}

/// The reason for a denial in few words, for the line of [`advice`](super::advice): it names the
/// pattern or the part of the reference that decided.
pub(in crate::policy) fn reason(breach: Breach<'_>, reference: &Reference<'_>) -> String {
    let Breach { broken, terms } = breach;
    let rules = terms.rules();
    let image = printable_within(reference.written(), SHORT_IMAGE);
    let is_short = reference.is_short_name() && rules.short_names == ShortNames::Deny;
    let tag = reference.tag().map(|tag| printable_within(tag, SHORT_PATTERN));
    match (broken, tag) {
        (Broken::MissingTag, _) if is_short => {
            format!("`{image}` names neither a registry nor a tag")
        }
        (Broken::MissingTag, _) => format!("`{image}` names neither a tag nor a digest"),
        (Broken::RegistryNotAllowed, _) if is_short => format!("`{image}` names no registry"),
        (Broken::RegistryNotAllowed, _) => {
            let registry = reference.registry();
            let shown = printable_within(registry, SHORT_PATTERN);
            if rules.allowed_registries.name_some_of(reference) {
                format!("`{image}`: only some tags or digests of the repository are allowed")
            } else if rules.allowed_registries.have_paths_of(registry) {
                format!("`{image}`: only some repositories of `{shown}` are allowed")
            } else {
                format!("`{image}`: the registry `{shown}` is not allowed")
            }
        }
        (Broken::RegistryBlocked(position), _) => {
            let pattern = rules.blocked_registries.written.get(position);
            let pattern = printable_within(pattern, SHORT_PATTERN);
            format!("`blockedRegistries` names `{pattern}`, and wins over `allowedRegistries`")
        }
        (Broken::TagBlocked, None) => {
            format!("`{image}` would be pulled as `latest`, which is prohibited")
        }
        (Broken::TagBlocked, Some(tag)) => {
            let blocked = terms.blocked_tags();
            let position = reference.tag().and_then(|tag| blocked.set.first(tag));
            let pattern = position.map(|position| blocked.written.get(position));
            match pattern.map(|pattern| printable_within(pattern, SHORT_PATTERN)) {
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
        (Broken::PullPolicy, _) => {
            format!("`{image}` may come from the node's cache: set its pull policy to `Always`")
        }
    }
}

/// The text for an image that is not a reference, or is not there.
pub(in crate::policy) fn invalid(container: &str, image: &str, why: &dyn Display) -> String {
    let (container, image) = (shown(container), shown(image));
    format!("{container} image is not a valid reference! ({image}): {why}.")
}

/// The text for what nobody reads.
pub(in crate::policy) fn unread(Unread { first, why, .. }: &Unread) -> String {
    match why {
        WhyUnread::LongList => {
            format!(
                "{} is too long! Only its first {} entries are read.",
                first.list(),
                first.index
            )
        }
        WhyUnread::NoPodSpec(_) => {
            format!("{} is not a pod spec! Its images cannot be read.", first.pod_spec)
        }
        WhyUnread::ManyLabels => {
            format!("{} has too many labels! They are not read.", first.entry())
        }
        WhyUnread::ManyImages => {
            format!(
                "{} is not read, nor is what follows! The object has too many images.",
                first.entry()
            )
        }
    }
}

/// What follows the text for an image that was exempt until recently.
pub(in crate::policy) fn expired(exemption: &Exemption) -> String {
    let when = exemption.expires_as_written().unwrap_or_default();
    format!(" The exemption `{}` expired on {when}.", exemption.name())
}

/// When an image is pulled, and whether that is asked for, for an explanation.
pub(in crate::policy) fn pulled(
    rule: PullRule,
    reference: &Reference<'_>,
    pull_policy: PullPolicy,
) -> String {
    let filled_in = pull_policy.filled_in(reference);
    match rule {
        PullRule::Any => "no pull policy is required".to_owned(),
        PullRule::ForMutableTags if reference.digest().is_some() => {
            "it is pinned by digest, whatever its pull policy".to_owned()
        }
        PullRule::Always | PullRule::ForMutableTags if pull_policy == PullPolicy::Unset => {
            format!("without a pull policy, it has `{}`", filled_in.as_str())
        }
        PullRule::Always | PullRule::ForMutableTags => {
            format!("its pull policy is `{}`", filled_in.as_str())
        }
    }
}

/// What follows the pattern of an entry that has rules of its own: which they are, and why.
pub(in crate::policy) fn own_rules(entry: &Entry) -> String {
    let fields = entry.fields().into_iter().map(|(name, _)| name);
    let names: Vec<_> = fields.filter(|name| !matches!(*name, "message" | "reason")).collect();
    let mut own = String::new();
    if !names.is_empty() {
        let _ = write!(own, " and sets {}", names.join(", "));
    }
    if let Some(reason) = &entry.reason {
        let _ = write!(own, ": {}", shown(reason));
    }
    own
}

/// User text as a message shows it, cut where it is long.
pub(in crate::policy) fn shown(text: &str) -> String {
    printable_within(text, LONGEST_IMAGE)
}
