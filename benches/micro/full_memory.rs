//! The memory of a replica when it is as full as it is by default, for whatever measures a reader.

use std::sync::Arc;

use imagegate::observed::{Circumstances, SeenImage, Snapshot};
use imagegate::telemetry::ImageDecision;
use imagegate_core::policy::{
    ContainerKind, Documents, KnownLabels, Policy, PullPolicy, Workload, compile,
};

/// Any time: nothing here expires.
pub(crate) const NOW: i64 = 1_800_000_000;
/// In force while the images were seen.
pub(crate) const IN_FORCE: &str = "allowedRegistries: [docker.io, quay.io, registry.example.com]";
/// What removes the registry of a third of them.
pub(crate) const STRICTER: &str = "allowedRegistries: [docker.io, registry.example.com]";

/// The policy that a text means.
pub(crate) fn policy(yaml: &str) -> Policy {
    compile(&Documents::full_form(yaml)).unwrap().0
}

/// So many images of three registries, each as often as fills `entries` of the memory, a power of two, in
/// 64 namespaces. In no order, as an index by hash gives them.
pub(crate) fn full_memory(entries: usize, images: usize) -> Snapshot {
    let circumstances = Arc::new(Circumstances {
        user: "system:serviceaccount:kube-system:replicaset-controller".into(),
        groups: ["system:serviceaccounts".into(), "system:authenticated".into()].into(),
        pinned: None,
        kind: "".into(),
        labels: KnownLabels::default(),
    });
    let namespaces: Vec<Arc<str>> = (0..64).map(|at| format!("namespace-{at}").into()).collect();
    // Odd, so that each position comes up once.
    let scattered = |at: usize| at.wrapping_mul(40_503) % entries;
    let images = (0..entries).map(scattered).map(|at| {
        let image = at % images;
        let registry = ["docker.io", "quay.io", "registry.example.com"][image % 3];
        SeenImage {
            namespace: Arc::clone(&namespaces[(image + at / images) % 64]),
            image: format!("{registry}/team-{}/service-{image}:1.{image}", image % 100).into(),
            circumstances: Arc::clone(&circumstances),
            owner: format!("ReplicaSet/service-{image}-{at:x}").into(),
            workload: Workload::Pod,
            container: ContainerKind::Regular,
            pull_policy: PullPolicy::Always,
            count: 1 + at as u64 % 50,
            dry_runs: 0,
            first_seen: NOW - 3600,
            last_seen: NOW - 60,
            decision: ImageDecision::Allow,
            rule: None,
        }
    });
    Snapshot { images: images.collect(), evicted: 0, lost: 0 }
}
