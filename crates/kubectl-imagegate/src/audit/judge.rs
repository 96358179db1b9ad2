//! Objects and a policy in, findings out: each image with its verdict, and where it stands.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::image::Reference;
use imagegate_core::policy::{ContainerImage, Policy, Subject};
use imagegate_report::Finding;

use super::objects::{Image, Object, Objects};
use crate::gate::{Namespaces, Reach, Webhooks};

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
    /// Its position among the objects.
    pub(crate) object: usize,
    /// Kind and name of the owner at the top.
    pub(crate) owner: (String, String),
    pub(crate) finding: Finding,
}

impl Judged {
    /// Whether the gate would be asked about it.
    pub(crate) fn is_in_reach(&self) -> bool {
        self.finding.out_of_reach.is_none()
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
            let mut finding = worst(policy, object, image, reach, now);
            finding.owner = Some(format!("{} {}", owner.0, owner.1));
            finding.running.clone_from(&image.running);
            finding.out_of_reach = out_of_reach(reach);
            audited.judged.push(Judged { object: index, owner: owner.clone(), finding });
        }
    }
    digests.retain(|_, digests| digests.len() > 1);
    audited.moved_tags = digests;
    audited
}

/// The verdict of each webhook that is asked, and of those the worst.
fn worst(policy: &Policy, object: &Object, image: &Image, reach: &Reach, now: i64) -> Finding {
    let judge = |pinned: Option<&str>| {
        // Who made an object is not written in it.
        let namespace = object.namespace.as_str();
        let subject = Subject {
            namespace,
            labels: object.labels.as_ref().into(),
            pinned,
            now,
            ..Subject::default()
        };
        let image = ContainerImage {
            container: image.container.as_str().into(),
            image: image.written.as_deref().map(Into::into),
            field: image.field.clone(),
            pull_policy: image.pull_policy,
        };
        let place = imagegate_report::Object {
            place: None,
            kind: Some(object.kind.to_owned()),
            namespace: Some(object.namespace.clone()),
            name: Some(object.name.clone()),
        };
        Finding::new(&policy.evaluate(&subject, [&image]), &image, place)
    };
    let pins = match reach {
        Reach::Judged(pins) => pins.as_slice(),
        _ => &[],
    };
    let findings = pins.iter().map(|pin| judge(pin.as_deref()));
    findings.max_by_key(|finding| finding.decision).unwrap_or_else(|| judge(None))
}

fn out_of_reach(reach: &Reach) -> Option<&'static str> {
    match reach {
        Reach::Judged(_) => None,
        Reach::OptedOut => Some("opted-out"),
        Reach::Excluded(_) => Some("excluded"),
        Reach::Unregistered => Some("not-registered"),
    }
}

/// Notes which digest a tag stands for.
fn remember(image: &Image, digests: &mut BTreeMap<String, BTreeSet<String>>) {
    let (Some(written), Some(running)) = (&image.written, &image.running) else { return };
    let Ok(reference) = Reference::parse(written) else { return };
    if reference.digest().is_none() {
        digests.entry(reference.to_string()).or_default().insert(running.clone());
    }
}
