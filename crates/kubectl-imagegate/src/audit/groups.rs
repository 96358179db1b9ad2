//! Findings brought together: by image, and by the owner at the top.

use std::collections::{BTreeMap, BTreeSet};

use imagegate_core::policy::Rule;
use imagegate_report::Answer;

use super::judge::{Audited, Judged};
use super::objects::Objects;

/// An image with all places where it gets the same answer.
#[derive(Debug)]
pub(crate) struct ByImage<'a> {
    pub(crate) answer: Answer,
    /// `None` where an object leaves it out.
    pub(crate) image: Option<&'a str>,
    pub(crate) rule: Option<Rule>,
    /// Namespace, kind and name.
    pub(crate) owners: BTreeSet<(&'a str, &'a str, &'a str)>,
    /// Those of the objects that are Pods, by their index.
    pub(crate) pods: BTreeSet<usize>,
}

/// An image of an owner, with all Pods where it gets the same answer.
#[derive(Debug)]
pub(crate) struct ByOwner<'a> {
    pub(crate) first: &'a Judged,
    pub(crate) namespace: &'a str,
    /// Those of the objects that are Pods, by their index.
    pub(crate) pods: BTreeSet<usize>,
    pub(crate) running: BTreeSet<&'a str>,
}

/// An image of an owner, whichever of its containers has it.
#[derive(Debug)]
pub(crate) struct ByUse<'a> {
    /// The worst answer of its containers.
    pub(crate) worst: &'a Judged,
    /// Those of the objects that are Pods, by their index.
    pub(crate) pods: BTreeSet<usize>,
    /// The digests that run.
    pub(crate) running: BTreeSet<&'a str>,
}

/// Namespace, image, and the owner's kind and name. An object that leaves the image out has an empty one.
pub(crate) type UseKey<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The images for which `wanted` holds, the worst answer and the most Pods first.
pub(crate) fn by_image<'a>(
    objects: &'a Objects,
    audited: &'a Audited,
    wanted: impl Fn(&Judged) -> bool,
) -> Vec<ByImage<'a>> {
    let mut groups: BTreeMap<_, ByImage<'a>> = BTreeMap::new();
    for each in audited.judged.iter().filter(|each| wanted(each)) {
        let Some(object) = objects.all.get(each.object) else { continue };
        let (answer, rule) = (each.finding.decision, each.finding.rule);
        let image = each.finding.image.as_deref();
        let key = (answer, image, rule);
        let group = groups.entry(key).or_insert_with(|| {
            let (owners, pods) = (BTreeSet::new(), BTreeSet::new());
            ByImage { answer, image, rule, owners, pods }
        });
        group.owners.insert((&object.namespace, &each.owner.0, &each.owner.1));
        if object.kind == "Pod" {
            group.pods.insert(each.object);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| {
        std::cmp::Reverse((group.answer, group.pods.len(), group.owners.len()))
    });
    groups
}

/// The images of each owner for which `wanted` holds, by namespace and owner, the worst answer first.
pub(crate) fn by_owner<'a>(
    objects: &'a Objects,
    audited: &'a Audited,
    wanted: impl Fn(&Judged) -> bool,
) -> Vec<ByOwner<'a>> {
    let mut groups: BTreeMap<_, ByOwner<'a>> = BTreeMap::new();
    for each in audited.judged.iter().filter(|each| wanted(each)) {
        let Some(object) = objects.all.get(each.object) else { continue };
        let key = (
            std::cmp::Reverse(each.finding.decision),
            object.namespace.as_str(),
            &each.owner,
            each.finding.container.as_str(),
            each.finding.image.as_deref(),
        );
        let group = groups.entry(key).or_insert_with(|| {
            let namespace = object.namespace.as_str();
            let (pods, running) = (BTreeSet::new(), BTreeSet::new());
            ByOwner { first: each, namespace, pods, running }
        });
        group.running.extend(each.finding.running.as_deref());
        if object.kind == "Pod" {
            group.pods.insert(each.object);
        }
    }
    groups.into_values().collect()
}

/// Every use of an image, by its place.
pub(crate) fn by_use<'a>(
    objects: &'a Objects,
    audited: &'a Audited,
) -> BTreeMap<UseKey<'a>, ByUse<'a>> {
    let mut groups: BTreeMap<UseKey<'a>, ByUse<'a>> = BTreeMap::new();
    for each in &audited.judged {
        let Some(object) = objects.all.get(each.object) else { continue };
        let image = each.finding.image.as_deref().unwrap_or_default();
        let key = (object.namespace.as_str(), image, each.owner.0.as_str(), each.owner.1.as_str());
        let group = groups.entry(key).or_insert_with(|| {
            let (pods, running) = (BTreeSet::new(), BTreeSet::new());
            ByUse { worst: each, pods, running }
        });
        if each.finding.decision > group.worst.finding.decision {
            group.worst = each;
        }
        group.running.extend(each.finding.running.as_deref());
        if object.kind == "Pod" {
            group.pods.insert(each.object);
        }
    }
    groups
}
