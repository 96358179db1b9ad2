//! One image against policies of every size, and the compilation of those policies.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use imagegate_core::policy::{ContainerImage, Decision, Policy, Subject, compile};

use crate::cpu_time::CpuTime;
use crate::policies::{documents, policy};

/// How many rules are measured.
const COUNTS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

pub(crate) fn registries(criterion: &mut Criterion<CpuTime>) {
    let rows = |count: usize| {
        let last = count - 10;
        [
            ("hit-host", format!("registry-{last}.example.com/acme/web:1.27"), Decision::Allow),
            ("hit-path", format!("shared.example.com/team-{}/web:1", last + 3), Decision::Allow),
            ("hit-glob", format!("eu.region-{}.example.net/web:1", last + 6), Decision::Allow),
            ("miss", "registry.example.io/acme/web:1.27".to_owned(), Decision::Deny),
        ]
    };
    let mut group = criterion.benchmark_group("registries");
    for count in COUNTS {
        let policy = policy(count, 1);
        for (name, image, decision) in rows(count) {
            let image = container(&image);
            assert_eq!(policy.evaluate(&subject(), [&image]).decision, decision);
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| judge(&policy, &image));
            });
        }
    }
    group.finish();
}

pub(crate) fn tags(criterion: &mut Criterion<CpuTime>) {
    let rows = |count: usize| {
        let last = count - 10;
        [
            ("hit-exact", format!("build-{last}"), Decision::Deny),
            ("hit-glob", format!("2.0-rc{}", last + 9), Decision::Deny),
            ("miss", "1.27".to_owned(), Decision::Allow),
        ]
    };
    let mut group = criterion.benchmark_group("tags");
    for count in COUNTS {
        let policy = policy(10, count);
        for (name, tag, decision) in rows(count) {
            let image = container(&format!("registry-0.example.com/acme/web:{tag}"));
            assert_eq!(policy.evaluate(&subject(), [&image]).decision, decision);
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| judge(&policy, &image));
            });
        }
    }
    group.finish();
}

pub(crate) fn compiling(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for count in COUNTS {
        let documents = documents(count, 10);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| compile(black_box(&documents)).is_ok());
        });
    }
    group.finish();
}

fn judge(policy: &Policy, image: &ContainerImage<'_>) -> Decision {
    policy.evaluate(&subject(), [black_box(image)]).decision
}

fn container(image: &str) -> ContainerImage<'static> {
    ContainerImage {
        container: "web".into(),
        image: Some(image.to_owned().into()),
        ..ContainerImage::default()
    }
}

fn subject() -> Subject<'static> {
    let (namespace, user) = ("default", "admin");
    Subject { namespace, user, ..Subject::default() }
}
