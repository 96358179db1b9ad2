//! Objects and a policy in, findings out: each image with its verdict, and where it stands.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Decision, Mode, Policy, Subject, Verdict, Workload};

use super::objects::{Image, Object, Objects};
use crate::gate::{Namespaces, Reach, Webhooks};

/// What becomes of an image, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    Allow,
    Exempt,
    Audit,
    Warn,
    Deny,
}

/// What an audit found.
#[derive(Debug, Default)]
pub(crate) struct Audited {
    /// In the order of the objects.
    pub(crate) judged: Vec<Judged>,
    /// Tags that stand for more than one digest in this cluster, with the digests.
    pub(crate) moved_tags: BTreeMap<String, BTreeSet<String>>,
    pub(crate) pods: usize,
    pub(crate) workloads: usize,
}

/// One image of one object.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) object: usize,
    pub(crate) container: String,
    pub(crate) image: Option<String>,
    pub(crate) field: String,
    pub(crate) running: Option<String>,
    /// The owner at the top.
    pub(crate) owner: (String, String),
    pub(crate) reach: Reach,
    pub(crate) answer: Answer,
    pub(crate) rule: Option<&'static str>,
    pub(crate) message: Option<String>,
    /// Of the exemption that lets it through, name and reason.
    pub(crate) exemption: Option<(String, String)>,
    pub(crate) override_name: Option<String>,
}

impl Answer {
    pub(crate) const ALL: [Self; 5] =
        [Self::Allow, Self::Exempt, Self::Audit, Self::Warn, Self::Deny];

    fn of(verdict: &Verdict<'_>) -> Self {
        match (verdict.violations.is_empty(), verdict.exempted.is_empty()) {
            (true, true) => Self::Allow,
            (true, false) => Self::Exempt,
            (false, _) if verdict.decision == Decision::Deny => Self::Deny,
            (false, _) if verdict.mode == Mode::Warn => Self::Warn,
            (false, _) => Self::Audit,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Exempt => "exempt",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl Judged {
    /// Whether the gate would be asked about it.
    pub(crate) fn is_in_reach(&self) -> bool {
        matches!(self.reach, Reach::Judged(_))
    }
}

/// Judges every image of every object. A template is judged as the Pods made from it will be.
pub(crate) fn judge(
    objects: &Objects,
    policy: &Policy,
    namespaces: &Namespaces,
    webhooks: Option<&Webhooks>,
    now: i64,
) -> Audited {
    let mut audited = Audited::default();
    let mut reaches: BTreeMap<&str, Reach> = BTreeMap::new();
    let mut digests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let owners = objects.top_owners();
    for (index, (object, owner)) in objects.all.iter().zip(owners).enumerate() {
        let count = if object.kind == "Pod" { &mut audited.pods } else { &mut audited.workloads };
        *count += 1;
        let reach = reaches.entry(&object.namespace).or_insert_with(|| match webhooks {
            Some(webhooks) => namespaces.reach(webhooks, &object.namespace),
            None => Reach::Judged(vec![None]),
        });
        for image in &object.images {
            remember(image, &mut digests);
            let (answer, verdict) = worst(policy, object, image, reach, now);
            let violation = verdict.violations.into_iter().next();
            let exemption = verdict.exempted.first();
            audited.judged.push(Judged {
                object: index,
                container: image.container.clone(),
                image: image.written.clone(),
                field: image.field.to_string(),
                running: image.running.clone(),
                owner: owner.clone(),
                reach: reach.clone(),
                answer,
                rule: violation.as_ref().map(|violation| violation.rule.as_str()),
                message: violation.map(|violation| violation.message),
                exemption: exemption
                    .map(|each| (each.exemption.to_owned(), each.reason.to_owned())),
                override_name: verdict.override_name.map(str::to_owned),
            });
        }
    }
    digests.retain(|_, digests| digests.len() > 1);
    audited.moved_tags = digests;
    audited
}

/// The verdict of each webhook that is asked, and of those the worst.
fn worst<'p>(
    policy: &'p Policy,
    object: &Object,
    image: &Image,
    reach: &Reach,
    now: i64,
) -> (Answer, Verdict<'p>) {
    let judge = |pinned: Option<&str>| {
        // Who made an object is not written in it.
        let subject = Subject {
            namespace: &object.namespace,
            user: "",
            groups: &[],
            workload: Workload::Pod,
            pinned,
            now,
        };
        let image = ContainerImage {
            container: image.container.as_str().into(),
            image: image.written.as_deref().map(Into::into),
            field: image.field,
        };
        let verdict = policy.evaluate(&subject, [&image]);
        (Answer::of(&verdict), verdict)
    };
    let pins = match reach {
        Reach::Judged(pins) => pins.as_slice(),
        _ => &[],
    };
    let verdicts = pins.iter().map(|pin| judge(pin.as_deref()));
    verdicts.max_by_key(|(answer, _)| *answer).unwrap_or_else(|| judge(None))
}

/// Notes which digest a tag stands for.
fn remember(image: &Image, digests: &mut BTreeMap<String, BTreeSet<String>>) {
    let (Some(written), Some(running)) = (&image.written, &image.running) else { return };
    let Ok(reference) = Reference::parse(written) else { return };
    if reference.digest().is_none() {
        digests.entry(reference.to_string()).or_default().insert(running.clone());
    }
}
