//! Whether updates that change no image reach the gate at all, and a policy that wants to judge them: all,
//! or those that change labels by which it selects.
//!
//! The gate cannot see the webhook configuration. Whoever writes the ConfigMap and the webhook
//! configuration together, as the Helm chart does, says in an annotation what match conditions there
//! are; otherwise it is not known.

use crate::policy::judge::policy::Policy;
use crate::policy::judge::verdict::UpdateScope;

/// The annotation of the ConfigMap that says it: `images-changed`, or anything else for none.
pub const MATCH_CONDITIONS: &str = "imagegate/match-conditions";
/// The match condition that skips such updates.
const IMAGES_CHANGED: &str = "images-changed";

/// Whether the API server asks about updates that change no image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnchangedUpdates {
    /// A match condition keeps them from the gate.
    Skipped,
    /// They reach the gate.
    Judged,
    /// Nobody has said so.
    #[default]
    Unknown,
}

impl UnchangedUpdates {
    /// From the annotation [`MATCH_CONDITIONS`].
    #[must_use]
    pub fn of(annotation: Option<&str>) -> Self {
        match annotation {
            Some(IMAGES_CHANGED) => Self::Skipped,
            Some(_) => Self::Judged,
            None => Self::Unknown,
        }
    }

    /// What to tell the author of `policy`: nothing can be done about updates that never arrive.
    #[must_use]
    pub fn warning(self, policy: &Policy) -> Option<&'static str> {
        let (skipped, unknown) = if policy.judges_unchanged_updates() {
            (
                "`updates: all` has no effect: the match condition `images-changed` keeps such updates away",
                "`updates: all` has no effect where a match condition `images-changed` keeps such updates away",
            )
        } else if policy.reading().labels {
            (
                "a Pod whose labels are changed is not judged again by `podSelector`: the match condition \
                 `images-changed` keeps such updates away",
                "a Pod whose labels are changed is not judged again by `podSelector` where a match \
                 condition `images-changed` keeps such updates away",
            )
        } else {
            return None;
        };
        match self {
            Self::Judged => None,
            Self::Skipped => Some(skipped),
            Self::Unknown => Some(unknown),
        }
    }
}

impl Policy {
    /// Whether the policy, or one of its overrides, says `updates: all`.
    fn judges_unchanged_updates(&self) -> bool {
        let overrides = self.overrides.iter().map(|each| &each.rules);
        overrides.chain([&self.base]).any(|rules| rules.updates == UpdateScope::All)
    }
}
