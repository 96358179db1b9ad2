//! Parsing one image reference.

use std::hint::black_box;

use criterion::Criterion;
use imagegate_core::image::Reference;

use crate::cpu_time::CpuTime;

const ROWS: [(&str, &str); 5] = [
    ("short", "nginx"),
    ("tagged", "docker.io/library/nginx:1.27"),
    ("port", "registry.example.com:5000/team/project/fluent-bit:3.1.4"),
    (
        "digest",
        "gcr.io/acme/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    ("invalid", "docker.io/Library/nginx:1.27"),
];

pub(crate) fn parse(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("reference");
    for (name, written) in ROWS {
        group.bench_function(name, |bencher| {
            bencher.iter(|| Reference::parse(black_box(written)).is_ok());
        });
    }
    group.finish();
}
