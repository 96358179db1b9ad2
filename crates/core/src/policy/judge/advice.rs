//! What a user can do about a denial: one line beside the message, for a warning of the answer.
//!
//! The message is a known text and says what is wrong; this says what decided, and what would be
//! accepted. It never names another repository than that of the image: the same path in an allowed
//! registry may be anybody's, and whoever follows such advice runs what they push there.

use crate::image::Reference;
use crate::policy::judge::checks::{Breach, Broken};
use crate::policy::judge::message;
use crate::policy::judge::pull::PullPolicy;
use crate::policy::rules::fields::Rules;
use crate::policy::rules::short_names::ShortNames;

/// Characters of a line, as the API documentation asks of a warning.
const LONGEST: usize = 120;

/// Why a reference is refused, and what would be accepted in its place, where there is room.
pub(in crate::policy) fn on(
    breach: Breach<'_>,
    reference: &Reference<'_>,
    pull_policy: PullPolicy,
) -> String {
    let Breach { broken, terms } = breach;
    let rules = terms.rules();
    let reason = message::reason(breach, reference);
    let is_short = reference.is_short_name() && rules.short_names == ShortNames::Deny;
    let is_allowed =
        is_short || !matches!(broken, Broken::RegistryNotAllowed | Broken::RegistryBlocked(_));
    let accepted = if is_allowed { same_repository(rules, reference, pull_policy) } else { None };
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

/// The same repository with the least change to tag and digest that the rules accept; `<tag>` and
/// `<digest>` are to be filled in.
pub(in crate::policy) fn same_repository(
    rules: &Rules,
    reference: &Reference<'_>,
    pull_policy: PullPolicy,
) -> Option<String> {
    let name = format!("{}/{}", reference.registry(), reference.repository());
    accepted(rules, (reference, pull_policy), &name, &name)
}

/// As [`same_repository`], of the repository `name`, as text with `shown` in its place.
pub(in crate::policy) fn accepted(
    rules: &Rules,
    (reference, pull_policy): (&Reference<'_>, PullPolicy),
    name: &str,
    shown: &str,
) -> Option<String> {
    let digest = format!("@sha256:{}", "0".repeat(64));
    let accepts = |suffix: &str| {
        let probe = format!("{name}{suffix}");
        Reference::parse(&probe).is_ok_and(|probe| rules.broken_by(&probe, pull_policy).is_none())
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
