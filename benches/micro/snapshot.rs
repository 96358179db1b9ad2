//! Reading the policy in force, alone and while it is stored again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use criterion::Criterion;
use imagegate::reload::{InForce, Live};
use imagegate_core::policy::{Documents, compile};

use crate::cpu_time::CpuTime;

/// Between two stores: no store, ten a second, as fast as it goes.
const ROWS: [(&str, Option<Duration>); 3] = [
    ("quiet", None),
    ("10-stores-a-second", Some(Duration::from_millis(100))),
    ("incessant-stores", Some(Duration::ZERO)),
];

pub(crate) fn read(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("snapshot");
    let policy = Arc::new(compile(&Documents::default()).unwrap().0);
    for (name, pause) in ROWS {
        let live = Live::default();
        let store = |generation| {
            let applied_at = SystemTime::UNIX_EPOCH;
            let policy = Arc::clone(&policy);
            live.store(InForce { policy, candidate: None, generation, applied_at });
        };
        store(1);
        let over = AtomicBool::new(false);
        let (store, over) = (&store, &over);
        thread::scope(|scope| {
            if let Some(pause) = pause {
                scope.spawn(move || {
                    let mut generation = 1;
                    while !over.load(Ordering::Relaxed) {
                        generation += 1;
                        store(generation);
                        thread::sleep(pause);
                    }
                });
            }
            group.bench_function(name, |bencher| {
                bencher.iter(|| live.load().as_deref().map(|in_force| in_force.generation));
            });
            over.store(true, Ordering::Relaxed);
        });
    }
    group.finish();
}
