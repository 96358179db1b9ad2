//! Whom a change of policy hits, with a memory as full as it is by default.
//!
//! The goal: below 100 ms for 65,536 uses, since somebody waits for the answer to an edit.

use criterion::Criterion;
use imagegate_core::policy::{Documents, POLICY_KEY, Policy, compile};
use imagegate_core::usage::{Impact, Inventory, Owner, Usage};

use crate::cpu_time::CpuTime;

/// What a replica remembers by default.
const ENTRIES: usize = 65_536;
/// Any time: nothing here expires.
const NOW: i64 = 1_800_000_000;

fn policy(yaml: &str) -> Policy {
    let volume = Some([(POLICY_KEY.to_owned(), yaml.as_bytes().to_vec())].into());
    compile(&Documents { volume, ..Documents::default() }).unwrap().0
}

/// Distinct images of three registries, in 64 namespaces.
fn full() -> Inventory {
    let mut inventory = Inventory::default();
    for index in 0..ENTRIES {
        let registry = ["docker.io", "quay.io", "registry.example.com"][index % 3];
        let image = format!("{registry}/team-{}/service-{index}:1.{index}", index % 100);
        let namespace = format!("namespace-{}", index % 64);
        let name = format!("service-{}", index % 1000);
        inventory.add(&Usage {
            user: "system:serviceaccount:kube-system:replicaset-controller",
            owner: Some(Owner { kind: "ReplicaSet", name: &name }),
            count: index as u64,
            last_seen: Some(NOW),
            ..Usage::of_pod(&namespace, &image)
        });
    }
    inventory
}

pub(crate) fn impact(criterion: &mut Criterion<CpuTime>) {
    let inventory = full();
    let old = policy("allowedRegistries: [docker.io, quay.io, registry.example.com]");
    let mut group = criterion.benchmark_group("impact");
    for (name, yaml) in [
        ("nobody", "allowedRegistries: ['*']"),
        ("a third", "allowedRegistries: [docker.io, registry.example.com]"),
        ("everybody", "allowedRegistries: [gcr.io]"),
    ] {
        let new = policy(yaml);
        group.bench_function(name, |bencher| {
            bencher.iter(|| Impact::between(Some(&old), &new, inventory.usages(), NOW));
        });
    }
    group.finish();
}
