//! Micro-benchmarks: what one decision costs, part by part. `make bench` runs them all.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

mod answer;
#[path = "../../crates/core/tests/support/bodies.rs"]
mod bodies;
mod cpu_time;
mod decision;
mod edit;
mod full_memory;
mod policies;
mod reference;
mod rules;
mod snapshot;
mod usage;

use cpu_time::CpuTime;

fn quick() -> Criterion<CpuTime> {
    Criterion::default()
        .with_measurement(CpuTime)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
}

criterion_group! {
    name = benches;
    config = quick();
    targets = reference::parse, rules::registries, rules::tags, rules::compiling,
        decision::recorded, decision::generated, snapshot::read, usage::impact, usage::edit
}
criterion_main!(benches);
