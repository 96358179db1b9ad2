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
    pub(crate) pods: usize,
}

/// An image of an owner, with all Pods where it gets the same answer.
#[derive(Debug)]
pub(crate) struct ByOwner<'a> {
    pub(crate) first: &'a Judged,
    pub(crate) namespace: &'a str,
    pub(crate) pods: usize,
    pub(crate) running: BTreeSet<&'a str>,
}

/// The images for which `wanted` holds, the worst answer and the most Pods first.
pub(crate) fn by_image<'a>(
    objects: &'a Objects,
    audited: &'a Audited,
    wanted: impl Fn(&Judged) -> bool,
) -> Vec<ByImage<'a>> {
    let mut groups: BTreeMap<_, (ByImage<'a>, BTreeSet<usize>)> = BTreeMap::new();
    for each in audited.judged.iter().filter(|each| wanted(each)) {
        let Some(object) = objects.all.get(each.object) else { continue };
        let (answer, rule) = (each.finding.decision, each.finding.rule);
        let image = each.finding.image.as_deref();
        let key = (answer, image, rule);
        let (group, pods) = groups.entry(key).or_insert_with(|| {
            (ByImage { answer, image, rule, owners: BTreeSet::new(), pods: 0 }, BTreeSet::new())
        });
        group.owners.insert((&object.namespace, &each.owner.0, &each.owner.1));
        if object.kind == "Pod" {
            pods.insert(each.object);
        }
    }
    let counted = groups.into_values().map(|(group, pods)| ByImage { pods: pods.len(), ..group });
    let mut groups: Vec<_> = counted.collect();
    groups.sort_by_key(|group| std::cmp::Reverse((group.answer, group.pods, group.owners.len())));
    groups
}

/// The images of each owner for which `wanted` holds, by namespace and owner, the worst answer first.
pub(crate) fn by_owner<'a>(
    objects: &'a Objects,
    audited: &'a Audited,
    wanted: impl Fn(&Judged) -> bool,
) -> Vec<ByOwner<'a>> {
    let mut groups: BTreeMap<_, (ByOwner<'a>, BTreeSet<usize>)> = BTreeMap::new();
    for each in audited.judged.iter().filter(|each| wanted(each)) {
        let Some(object) = objects.all.get(each.object) else { continue };
        let key = (
            std::cmp::Reverse(each.finding.decision),
            object.namespace.as_str(),
            &each.owner,
            each.finding.container.as_str(),
            each.finding.image.as_deref(),
        );
        let (group, pods) = groups.entry(key).or_insert_with(|| {
            let namespace = object.namespace.as_str();
            let running = BTreeSet::new();
            (ByOwner { first: each, namespace, pods: 0, running }, BTreeSet::new())
        });
        group.running.extend(each.finding.running.as_deref());
        if object.kind == "Pod" {
            pods.insert(each.object);
        }
    }
    groups.into_values().map(|(group, pods)| ByOwner { pods: pods.len(), ..group }).collect()
}
