//! Creates collectors and registers them in one step.

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::closed::Closed;
use crate::version;

#[derive(Debug)]
pub(super) struct Register(Registry);

impl Register {
    /// A registry with the metrics of the process and of the build.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let register = Self(Registry::new());
        register.0.register(Box::new(ProcessCollector::for_self()))?;
        register
            .info(
                "imagegate_build_info",
                "The version that is running, its commit and build date.",
                &["version", "commit", "build_date"],
            )?
            .with_label_values(&[version::VERSION, version::COMMIT, &version::BUILD_DATE])
            .set(1);
        Ok(register)
    }

    pub(super) fn into_registry(self) -> Registry {
        self.0
    }

    pub(super) fn closed<'l, K: PartialEq>(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        members: impl IntoIterator<Item = (K, Vec<&'l str>)>,
    ) -> Result<Closed<K>, prometheus::Error> {
        Closed::register(&self.0, name, help, labels, members)
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.registered(IntCounter::new(name, help)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.registered(IntGauge::new(name, help)?)
    }

    pub(super) fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, prometheus::Error> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.registered(Histogram::with_opts(opts)?)
    }

    /// A gauge that is always 1 and carries information in its labels.
    pub(super) fn info(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        self.registered(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// A point in time, in Unix seconds.
    pub(super) fn time(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.registered(Gauge::new(name, help)?)
    }

    /// Points in time, in Unix seconds.
    pub(super) fn times(
        &self,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<GaugeVec, prometheus::Error> {
        self.registered(GaugeVec::new(Opts::new(name, help), &[label])?)
    }

    fn registered<C>(&self, collector: C) -> Result<C, prometheus::Error>
    where
        C: Collector + Clone + 'static,
    {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }
}
