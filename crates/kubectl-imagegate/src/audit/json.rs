//! An audit for programs. Fields are added, and never change their meaning.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::Basis;
use super::judge::{Answer, Audited};
use super::objects::Objects;
use crate::gate::Reach;

pub(super) fn print(
    out: &mut impl Write,
    objects: &Objects,
    audited: &Audited,
    basis: &Basis,
    all: bool,
) -> io::Result<()> {
    let in_reach = || audited.judged.iter().filter(|each| each.is_in_reach());
    let count = |answer| in_reach().filter(|each| each.answer == answer).count();
    let counts: Map<String, Value> = Answer::ALL
        .into_iter()
        .map(|answer| (answer.as_str().to_owned(), count(answer).into()))
        .collect();
    let shown = audited.judged.iter().filter(|each| all || each.answer > Answer::Allow);
    let findings = shown.filter_map(|each| {
        let object = objects.all.get(each.object)?;
        let exemption = each.exemption.as_ref();
        Some(json!({
            "answer": each.answer.as_str(),
            "gate": match each.reach {
                Reach::Judged(_) => "judges",
                Reach::OptedOut => "opted-out",
                Reach::Excluded(_) => "excluded",
                Reach::Unregistered => "not-registered",
            },
            "image": each.image,
            "rule": each.rule,
            "message": each.message,
            "namespace": object.namespace,
            "kind": object.kind,
            "name": object.name,
            "owner": { "kind": each.owner.0, "name": each.owner.1 },
            "container": each.container,
            "field": each.field,
            "running": each.running,
            "override": each.override_name,
            "exemption": exemption.map(|(name, reason)| json!({ "name": name, "reason": reason })),
        }))
    });
    let report = json!({
        "policyHash": basis.hash,
        "policyOrigin": basis.origin,
        "pods": audited.pods,
        "workloads": audited.workloads,
        "namespaces": basis.namespaces,
        "leftOut": basis.left_out,
        "counts": counts,
        "gaps": basis.gaps,
        "movedTags": audited.moved_tags,
        "findings": findings.collect::<Vec<_>>(),
    });
    writeln!(out, "{report:#}")
}
