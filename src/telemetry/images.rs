//! What is counted of the images that are remembered. Never an image itself: each label is one of a
//! closed set.

use prometheus::{Histogram, IntCounter, IntGauge};

use super::closed::Closed;
use super::origin::Origin;
use super::register::Register;
use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Mode, Rule, Verdict};
use imagegate_core::usage::Impact;

/// In images: whether an edit hits nobody, a few, or many.
const HITS: [f64; 7] = [0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0];

/// What was decided of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageDecision {
    /// It breaks no rule.
    Allow,
    /// It breaks a rule, and was admitted without a word.
    Audit,
    /// It breaks a rule, and its request was refused.
    Deny,
    /// It breaks a rule from which it is exempt.
    Exempt,
    /// It breaks a rule, and was admitted with a warning.
    Warn,
}

/// How an image is pinned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pin {
    /// By a digest.
    Digest,
    /// It is no reference.
    Invalid,
    /// By neither a tag nor a digest.
    Nothing,
    /// By a tag alone.
    Tag,
}

/// What an image says of itself by the way in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// What pins it down.
    pub pin: Pin,
    /// Which registry it is from.
    pub origin: Origin,
}

/// Why an image is not remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The queue is full.
    Busy,
    /// One of its texts is longer than is kept.
    TooLong,
    /// Its request has more images than are kept.
    TooMany,
}

/// The series about images that are remembered, and about edits that are judged by them.
#[derive(Debug)]
pub struct ObservedMetrics {
    images: Closed<(Pin, ImageDecision)>,
    origins: Closed<Origin>,
    losses: Closed<Loss>,
    evictions: IntCounter,
    entries: IntGauge,
    bytes: IntGauge,
    newly_denied: Histogram,
    newly_admitted: Histogram,
}

impl ImageDecision {
    /// Every decision.
    pub const ALL: [Self; 5] = [Self::Allow, Self::Audit, Self::Deny, Self::Exempt, Self::Warn];

    /// The name used in metrics and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Exempt => "exempt",
            Self::Warn => "warn",
        }
    }

    /// What a verdict means for one of the images that it judged, and the rule that the image breaks.
    #[must_use]
    pub fn of(image: &ContainerImage<'_>, verdict: &Verdict<'_>) -> (Self, Option<Rule>) {
        let violation = verdict.violations.iter().find(|each| each.field == image.field);
        if let Some(violation) = violation {
            let decision = match violation.mode {
                Mode::Audit => Self::Audit,
                Mode::Enforce => Self::Deny,
                Mode::Warn => Self::Warn,
            };
            return (decision, Some(violation.rule));
        }
        let is_exempt = verdict.exempted.iter().any(|each| each.field == image.field);
        (if is_exempt { Self::Exempt } else { Self::Allow }, None)
    }
}

impl Pin {
    const ALL: [Self; 4] = [Self::Digest, Self::Invalid, Self::Nothing, Self::Tag];

    fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Invalid => "invalid",
            Self::Nothing => "nothing",
            Self::Tag => "tag",
        }
    }
}

impl Written {
    /// What is no reference.
    pub const INVALID: Self = Self { pin: Pin::Invalid, origin: Origin::Invalid };

    /// What an image says of itself.
    #[must_use]
    pub fn of(image: &str) -> Self {
        let Ok(reference) = Reference::parse(image) else { return Self::INVALID };
        let pin = match (reference.digest(), reference.tag()) {
            (Some(_), _) => Pin::Digest,
            (None, Some(_)) => Pin::Tag,
            (None, None) => Pin::Nothing,
        };
        Self { pin, origin: Origin::of(&reference) }
    }
}

impl Loss {
    const ALL: [Self; 3] = [Self::Busy, Self::TooLong, Self::TooMany];

    fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TooLong => "too-long",
            Self::TooMany => "too-many",
        }
    }
}

impl ObservedMetrics {
    pub(super) fn new(register: &Register) -> Result<Self, prometheus::Error> {
        let decided = |pin: Pin| {
            ImageDecision::ALL.map(|each| ((pin, each), vec![pin.as_str(), each.as_str()]))
        };
        Ok(Self {
            images: register.closed(
                "imagegate_observed_images_total",
                "Images of requests that were judged, by what pins them down and the decision.",
                &["pinned_by", "decision"],
                Pin::ALL.into_iter().flat_map(decided),
            )?,
            origins: register.closed(
                "imagegate_observed_registries_total",
                "Images of requests that were judged, by the registry if it is one that many use.",
                &["registry"],
                Origin::ALL.map(|origin| (origin, vec![origin.as_str()])),
            )?,
            losses: register.closed(
                "imagegate_observed_losses_total",
                "Images of requests that were judged and are not remembered.",
                &["reason"],
                Loss::ALL.map(|reason| (reason, vec![reason.as_str()])),
            )?,
            evictions: register.counter(
                "imagegate_observed_evictions_total",
                "Images that were forgotten to make room for others.",
            )?,
            entries: register.gauge(
                "imagegate_observed_entries",
                "Distinct images, by namespace and user, that are remembered.",
            )?,
            bytes: register
                .gauge("imagegate_observed_bytes", "Memory that they take, in bytes.")?,
            newly_denied: register.histogram(
                "imagegate_edit_newly_denied_images",
                "Images in use that an edit of the policy would newly refuse, per edit.",
                &HITS,
            )?,
            newly_admitted: register.histogram(
                "imagegate_edit_newly_admitted_images",
                "Images in use that an edit of the policy would newly admit, per edit.",
                &HITS,
            )?,
        })
    }

    /// `imagegate_observed_images_total{pinned_by,decision}` and
    /// `imagegate_observed_registries_total{registry}`
    pub fn seen(&self, image: Written, decision: ImageDecision) {
        self.images.add_one(&(image.pin, decision));
        self.origins.add_one(&image.origin);
    }

    /// `imagegate_observed_losses_total{reason}`
    pub fn lost(&self, reason: Loss, images: u64) {
        self.losses.add(&reason, images);
    }

    /// The losses of all reasons.
    #[must_use]
    pub fn lost_in_all(&self) -> u64 {
        Loss::ALL.iter().map(|reason| self.losses.get(reason)).sum()
    }

    /// `imagegate_observed_entries`, `imagegate_observed_bytes`, and what was evicted since the last
    /// call.
    pub fn holds(&self, entries: usize, bytes: usize, evicted: u64) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.evictions.inc_by(evicted);
    }

    /// `imagegate_edit_newly_denied_images` and `imagegate_edit_newly_admitted_images`
    pub fn edit_judged(&self, impact: &Impact) {
        let images = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).into();
        self.newly_denied.observe(images(impact.newly_denied.images));
        self.newly_admitted.observe(images(impact.newly_admitted.images));
    }
}
