//! What each replica counted between two looks at it, for an hour.
//!
//! A replica counts from its own start on, and says no more than its totals. So what is known of a time is
//! known from the first look on; before that there is nothing to show but the totals.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

use crate::gate::{Counted, Replica};

/// The time for which samples are kept, in seconds.
pub(super) const KEPT: i64 = 3600;
/// Samples that are kept at most: an hour of some fifty replicas.
const MOST: usize = 1 << 16;

/// What one replica counted between two looks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    /// The end of the time, in Unix seconds.
    pub(super) at: i64,
    /// How long it was, in seconds.
    pub(super) seconds: f64,
    pub(super) replica: String,
    pub(super) allowed: u64,
    pub(super) denied: u64,
    /// By the name of the rule; those that there were.
    pub(super) violations: BTreeMap<String, u64>,
    /// Reviews in each bucket, that of the shortest times first.
    pub(super) latency: Vec<u64>,
}

/// The time of a look, by two clocks: one to show, and one that is never set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// In Unix seconds.
    pub(super) wall: i64,
    /// Since some fixed time.
    pub(super) steady: Duration,
}

/// The samples of an hour.
#[derive(Debug, Default)]
pub(super) struct Samples {
    kept: VecDeque<Sample>,
    last: BTreeMap<String, (Moment, Counted)>,
    /// Upper bounds of the buckets in seconds, without infinity.
    bounds: Vec<f64>,
}

impl Samples {
    /// Adds what the replicas count now. Of one that does not answer nothing is known until it was looked at
    /// twice again.
    pub(super) fn add(&mut self, now: Moment, replicas: &[Replica]) {
        let mut last = std::mem::take(&mut self.last);
        for replica in replicas {
            let counted = replica.said.as_ref().ok().and_then(|said| said.counted.as_ref());
            let Some(counted) = counted else { continue };
            let name = &replica.name;
            if let Some((before, old)) = last.remove(name) {
                let seconds = now.steady.saturating_sub(before.steady).as_secs_f64();
                if seconds > 0.0 {
                    let counts = between(&old, counted);
                    self.kept.push_back(Sample {
                        at: now.wall,
                        seconds,
                        replica: name.clone(),
                        allowed: counts.allowed,
                        denied: counts.denied,
                        violations: counts.violations,
                        latency: per_bucket(&counts.latency),
                    });
                }
            }
            let bounds = counted.latency.iter().map(|(bound, _)| *bound);
            let bounds: Vec<f64> = bounds.filter(|bound| bound.is_finite()).collect();
            if !bounds.is_empty() {
                self.bounds = bounds;
            }
            self.last.insert(name.clone(), (now, counted.clone()));
        }
        while self.kept.front().is_some_and(|first| first.at <= now.wall - KEPT)
            || self.kept.len() > MOST
        {
            self.kept.pop_front();
        }
    }

    /// Those that end behind a time.
    pub(super) fn behind(&self, after: i64) -> Vec<&Sample> {
        self.kept.iter().filter(|sample| sample.at > after).collect()
    }

    /// Upper bounds of the buckets in seconds; one bucket more than that is without a bound.
    pub(super) fn bounds(&self) -> &[f64] {
        &self.bounds
    }
}

/// What was counted from `old` to `new`. A total that is less than before is one that began anew.
fn between(old: &Counted, new: &Counted) -> Counted {
    let began_anew = new.allowed < old.allowed || new.denied < old.denied;
    if began_anew || old.latency.len() != new.latency.len() {
        return new.clone();
    }
    let violations = new.violations.iter().filter_map(|(rule, total)| {
        let more = total.saturating_sub(old.violations.get(rule).copied().unwrap_or_default());
        (more > 0).then(|| (rule.clone(), more))
    });
    let latency = new.latency.iter().zip(&old.latency);
    Counted {
        allowed: new.allowed - old.allowed,
        denied: new.denied - old.denied,
        violations: violations.collect(),
        latency: latency.map(|(new, old)| (new.0, new.1.saturating_sub(old.1))).collect(),
    }
}

/// Each bucket of a histogram has those of the ones below it, too.
fn per_bucket(cumulative: &[(f64, u64)]) -> Vec<u64> {
    let mut below = 0;
    let alone = |(_, count): &(f64, u64)| {
        let alone = count.saturating_sub(below);
        below = below.max(*count);
        alone
    };
    cumulative.iter().map(alone).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{KEPT, Moment, Samples};
    use crate::cluster::Fault;
    use crate::gate::{Counted, Replica, Said};

    fn at(seconds: u64) -> Moment {
        let wall = 1_795_766_400 + i64::try_from(seconds).unwrap();
        Moment { wall, steady: Duration::from_secs(seconds) }
    }

    fn replica(allowed: u64, denied: u64) -> Replica {
        let counted = Counted {
            allowed,
            denied,
            violations: BTreeMap::from([("blocked-tag".to_owned(), denied)]),
            latency: vec![(0.001, allowed), (f64::INFINITY, allowed + denied)],
        };
        let said = Ok(Said { counted: Some(counted), ..Said::default() });
        Replica { name: "one".to_owned(), pod: None, said }
    }

    #[test]
    fn a_sample_is_what_came_between_two_looks() {
        let mut samples = Samples::default();
        samples.add(at(0), &[replica(100, 10)]);
        assert!(samples.behind(0).is_empty());
        samples.add(at(5), &[replica(120, 13)]);
        samples.add(at(10), &[replica(120, 13)]);
        let kept = samples.behind(0);
        let [busy, quiet] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!((busy.allowed, busy.denied, busy.violations["blocked-tag"]), (20, 3, 3));
        assert_eq!(busy.latency, [20, 3]);
        assert!((busy.seconds - 5.0).abs() < f64::EPSILON);
        assert_eq!((quiet.allowed, quiet.violations.len()), (0, 0));
        assert_eq!(samples.behind(busy.at).len(), 1);
        assert_eq!(samples.bounds(), [0.001]);
    }

    #[test]
    fn a_replica_that_began_anew_counts_from_nothing() {
        let mut samples = Samples::default();
        samples.add(at(0), &[replica(100, 10)]);
        samples.add(at(5), &[replica(4, 1)]);
        let kept = samples.behind(0);
        assert_eq!((kept[0].allowed, kept[0].denied), (4, 1));
    }

    #[test]
    fn nothing_is_made_up_of_the_time_in_which_a_replica_was_lost() {
        let mut samples = Samples::default();
        samples.add(at(0), &[replica(100, 10)]);
        let lost = Replica { said: Err(Fault::lost("gone")), ..replica(0, 0) };
        samples.add(at(5), &[lost]);
        samples.add(at(10), &[replica(200, 20)]);
        assert!(samples.behind(0).is_empty());
        samples.add(at(15), &[replica(201, 20)]);
        assert_eq!(samples.behind(0)[0].allowed, 1);
    }

    #[test]
    fn an_hour_is_kept() {
        let mut samples = Samples::default();
        let hour = u64::try_from(KEPT).unwrap();
        for look in 0..=hour / 5 + 10 {
            samples.add(at(look * 5), &[replica(look, 0)]);
        }
        assert_eq!(samples.behind(0).len(), 720);
    }
}
