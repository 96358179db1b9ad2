//! From the bytes of a review to the bytes of the answer.
//!
//! The goals: 3 µs for 2 kB, 12 µs for 12 kB, linear beyond.

use std::fs;

use criterion::{BenchmarkId, Criterion, Throughput};

use crate::answer::{answer, default_policy};
use crate::bodies::{ALLOWED, DENIED, SIZES, pod_review};
use crate::cpu_time::CpuTime;

pub(crate) fn recorded(criterion: &mut Criterion<CpuTime>) {
    let policy = default_policy();
    let mut group = criterion.benchmark_group("recorded");
    let mut files: Vec<_> = fs::read_dir("tests/data/admission-reviews")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let body = fs::read(&file).unwrap();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(file.file_stem().unwrap().to_str().unwrap(), |bencher| {
            bencher.iter(|| answer(&policy, &body));
        });
    }
    group.finish();
}

pub(crate) fn generated(criterion: &mut Criterion<CpuTime>) {
    let policy = default_policy();
    let mut group = criterion.benchmark_group("generated");
    for (name, image) in [("allowed", ALLOWED), ("denied", DENIED)] {
        for size in SIZES {
            let body = pod_review(size * 1000, image);
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(BenchmarkId::new(name, format!("{size}kB")), |bencher| {
                bencher.iter(|| answer(&policy, &body));
            });
        }
    }
    group.finish();
}
