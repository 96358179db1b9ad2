//! One counter for each member of a closed set: no locks, and no members added later.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters by key. The sets are so small that a scan is faster than hashing.
#[derive(Debug)]
pub(super) struct Closed<K>(Vec<(K, IntCounter)>);

impl<K: PartialEq> Closed<K> {
    /// Registers the family `name` with one series for each of `members`, a key and its labels.
    pub(super) fn register<'l>(
        registry: &Registry,
        name: &str,
        help: &str,
        labels: &[&str],
        members: impl IntoIterator<Item = (K, Vec<&'l str>)>,
    ) -> Result<Self, prometheus::Error> {
        let family = IntCounterVec::new(Opts::new(name, help), labels)?;
        registry.register(Box::new(family.clone()))?;
        let member = |(key, labels): (K, Vec<&str>)| {
            Ok((key, family.get_metric_with_label_values(&labels)?))
        };
        members.into_iter().map(member).collect::<Result<_, prometheus::Error>>().map(Self)
    }

    /// Adds one to the counter of `key`; a key outside the set is not counted.
    pub(super) fn add_one(&self, key: &K) {
        self.add(key, 1);
    }

    /// Adds to the counter of `key`; a key outside the set is not counted.
    pub(super) fn add(&self, key: &K, amount: u64) {
        if let Some((_, counter)) = self.0.iter().find(|(each, _)| each == key) {
            counter.inc_by(amount);
        }
    }

    /// The counter of `key`; 0 for a key outside the set.
    pub(super) fn get(&self, key: &K) -> u64 {
        self.0.iter().find(|(each, _)| each == key).map_or(0, |(_, counter)| counter.get())
    }
}
