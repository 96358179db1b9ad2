//! One image with its place, its answer and the reasons.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Explanation, Mode, Rule, Verdict};

use crate::answer::Answer;

/// Where in the user's files something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The path as the command was given it, or as found below that; `-` for standard input.
    pub file: String,
    /// Line of the image's value, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of the image's value in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Which document of the file, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
}

/// The Kubernetes object that an image was found in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// Where the image stands; `None` if it was in no file.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The object's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The namespace that the image was judged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name, or the `generateName` of one that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The canonical form of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageReference {
    /// The registry's host, folded: `docker.io`.
    pub registry: String,
    /// The path in that registry: `library/nginx`.
    pub repository: String,
    /// The tag as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The digest as written: `sha256:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A rule that an image breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRule {
    /// The rule.
    #[serde(serialize_with = "rule_name")]
    pub rule: Rule,
    /// What decided: the message of the first rule, and the pattern or setting of the others.
    pub message: String,
}

/// The exemption that let an image through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exempted {
    /// The exemption's name.
    pub name: String,
    /// Why it exists, as its author wrote it.
    pub reason: String,
}

/// One image and what a policy says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What becomes of the image.
    pub decision: Answer,
    /// The mode that applied.
    #[serde(serialize_with = "mode_name")]
    pub mode: Mode,
    /// The object, and where it was read.
    #[serde(flatten)]
    pub object: Object,
    /// Path of the field in the object: `spec.containers[0].image`. `None` for a bare image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The container's name, or the volume's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// The image as written; `None` where the object leaves it out.
    pub image: Option<String>,
    /// Its canonical form; `None` where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ImageReference>,
    /// The first rule that it breaks, which decides.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_rule_name")]
    pub rule: Option<Rule>,
    /// The text that the webhook answers with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Every rule that it breaks, the deciding one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<BrokenRule>,
    /// The override that applied.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub override_name: Option<String>,
    /// The exemption that let it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exempted>,
    /// It was there before the change that is judged, and so is shown but fails nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// Who made the object, at the top: `Deployment shop` of a Pod. Of a live cluster only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The digest of what runs, as the node said it. Of a live cluster only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// Why the gate is not asked about the object: `opted-out`, `excluded`, `not-registered`. It is
    /// shown then, and fails nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_reach: Option<&'static str>,
}

impl Finding {
    /// What `verdict`, which is on `image` alone, says of an image of this object.
    #[must_use]
    pub fn new(verdict: &Verdict<'_>, image: &ContainerImage<'_>, object: Object) -> Self {
        let violation = verdict.violations.first();
        let broken =
            violation.map(|each| BrokenRule { rule: each.rule, message: each.message.clone() });
        let advice = violation.and_then(|each| each.advice.clone());
        let denial_hint = violation.and(verdict.denial_hint).map(str::to_owned);
        Self {
            decision: Answer::of(verdict),
            mode: verdict.mode,
            field: object.kind.is_some().then(|| image.field.to_string()),
            object,
            container: image.container.clone().into_owned(),
            image: image.image.as_deref().map(str::to_owned),
            reference: image.image.as_deref().and_then(ImageReference::of),
            rule: broken.as_ref().map(|broken| broken.rule),
            message: broken.as_ref().map(|broken| broken.message.clone()),
            hint: advice.or(denial_hint),
            violations: broken.into_iter().collect(),
            override_name: verdict.override_name.map(str::to_owned),
            exemption: verdict.exempted.first().map(|exempted| Exempted {
                name: exempted.exemption.to_owned(),
                reason: exempted.reason.to_owned(),
            }),
            known: false,
            owner: None,
            running: None,
            out_of_reach: None,
        }
    }

    /// Adds what an explanation knows beyond the verdict: the other rules that are broken, and a
    /// hint where the policy has none.
    pub fn explain(&mut self, explanation: &Explanation) {
        if !self.decision.is_violation() {
            return;
        }
        let broken = explanation.steps.iter().filter(|step| !step.passed);
        for step in broken.filter(|step| Some(step.rule) != self.rule) {
            self.violations.push(BrokenRule { rule: step.rule, message: step.detail.clone() });
        }
        if self.hint.is_none() {
            let suggestion = explanation.suggestions.first();
            let suggestion = suggestion.map(|image| format!("`{image}` is accepted"));
            self.hint = suggestion.or_else(|| explanation.remedies.first().cloned());
        }
    }

    /// What stays the same when lines move or documents change places: 32 hexadecimal digits of the
    /// file, the object, the container, the image and the rule. Containers of one name in one object
    /// that have the same image share it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Object { place, kind, namespace, name } = &self.object;
        hash_of([
            place.as_ref().map(|place| place.file.as_str()),
            kind.as_deref(),
            namespace.as_deref(),
            name.as_deref(),
            Some(self.container.as_str()),
            self.image.as_deref(),
            self.rule.map(Rule::as_str),
        ])
    }
}

/// 32 hexadecimal digits of a list of texts.
pub(crate) fn hash_of<'t>(parts: impl IntoIterator<Item = Option<&'t str>>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Its length before each part: no two lists of parts are the same bytes.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.finalize().iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Object {
    /// `Deployment shop/web`, with as much of it as is known.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = self.kind.as_deref().unwrap_or_default();
        let name = match (self.namespace.as_deref(), self.name.as_deref()) {
            (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            (None, Some(name)) => name.to_owned(),
            (_, None) => String::new(),
        };
        format!("{kind} {name}").trim().to_owned()
    }
}

impl ImageReference {
    /// The canonical form of an image as written; `None` where it is outside the grammar.
    #[must_use]
    pub fn of(image: &str) -> Option<Self> {
        let reference = Reference::parse(image).ok()?;
        Some(Self {
            registry: reference.registry().to_owned(),
            repository: reference.repository().into_owned(),
            tag: reference.tag().map(str::to_owned),
            digest: reference.digest().map(str::to_owned),
        })
    }
}

// serde hands over a reference, whatever the size.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn rule_name<S: Serializer>(rule: &Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.as_str())
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn optional_rule_name<S: Serializer>(
    rule: &Option<Rule>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match rule {
        Some(rule) => serializer.serialize_str(rule.as_str()),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn mode_name<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.as_str())
}
