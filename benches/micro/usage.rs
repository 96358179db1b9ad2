//! Whom a change of policy hits, with a memory as full as it is by default.
//!
//! The goal: below 100 ms for 65,536 uses, since somebody waits for the answer to an edit.

use criterion::Criterion;
use imagegate_core::usage::Impact;

use crate::cpu_time::CpuTime;
use crate::edit::Edit;
use crate::full_memory::{IN_FORCE, NOW, STRICTER, full_memory, policy};

/// What a replica remembers by default.
const ENTRIES: usize = 65_536;
/// Images that the guard names at most.
const MOST_NAMED: usize = 20;

pub(crate) fn impact(criterion: &mut Criterion<CpuTime>) {
    let old = policy(IN_FORCE);
    let mut group = criterion.benchmark_group("impact");
    for images in [ENTRIES, ENTRIES / 16] {
        let memory = full_memory(ENTRIES, images);
        for (name, yaml) in [
            ("nobody", "allowedRegistries: ['*']"),
            ("a third", STRICTER),
            ("everybody", "allowedRegistries: [gcr.io]"),
        ] {
            let new = policy(yaml);
            group.bench_function(format!("{images} images, {name}"), |bencher| {
                let usages = || memory.usages();
                bencher.iter(|| Impact::with_most(Some(&old), &new, usages(), NOW, MOST_NAMED));
            });
        }
    }
    group.finish();
}

/// The whole answer to an edit, without the copy of the memory.
pub(crate) fn edit(criterion: &mut Criterion<CpuTime>) {
    let edit = Edit::of_a_third(ENTRIES);
    criterion.bench_function("edit/a third", |bencher| bencher.iter(|| edit.answer()));
}
