//! Checks of the files that do not finish in time.
//!
//! A thread that waits for a hanging file system cannot be cancelled. But operators have to know
//! that changes go unnoticed meanwhile.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::telemetry::{Looks, Metrics};

/// Waits for a check of `what`. Counts each `period` that passes meanwhile, and logs the first.
pub async fn in_time<T>(
    what: Looks,
    period: Duration,
    metrics: &Metrics,
    look: impl Future<Output = T>,
) -> T {
    let mut look = pin!(look);
    let mut said = false;
    loop {
        if let Ok(found) = timeout(period, look.as_mut()).await {
            return found;
        }
        metrics.look_overdue(what);
        if !said {
            tracing::warn!(
                what = what.as_str(),
                seconds = period.as_secs(),
                "checking the files takes longer than poll_seconds: changes go unnoticed until it ends"
            );
            said = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::in_time;
    use crate::reload::captured::captured;
    use crate::telemetry::{Looks, Metrics};

    const SERIES: &str = "imagegate_overdue_looks_total{of=\"policy\"} ";

    fn overdue(metrics: &Metrics) -> u64 {
        let text = metrics.render();
        text.lines().find_map(|line| line.strip_prefix(SERIES)).unwrap().parse().unwrap()
    }

    #[test]
    fn a_look_that_hangs_is_counted_until_it_ends_and_said_once() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let said = captured(|| runtime.block_on(a_look_that_hangs()));
        let lines: Vec<_> =
            said.iter().filter(|line| line.contains("checking the files takes longer")).collect();
        assert_eq!(lines.len(), 1, "{said:?}");
    }

    async fn a_look_that_hangs() {
        let metrics = Metrics::new().unwrap();
        let (end, ended) = oneshot::channel();
        let look = in_time(Looks::Policy, Duration::from_millis(1), &metrics, ended);
        let watch = async {
            while overdue(&metrics) < 3 {
                yield_now().await;
            }
            end.send(1).unwrap();
        };
        let both = async { tokio::join!(look, watch) };
        let (found, ()) = timeout(Duration::from_secs(30), both).await.expect("it is not counted");
        assert_eq!(found, Ok(1));
    }

    #[tokio::test]
    async fn a_look_in_time_is_not_counted() {
        let metrics = Metrics::new().unwrap();
        let look = async { 1 };
        assert_eq!(in_time(Looks::Policy, Duration::from_hours(1), &metrics, look).await, 1);
        assert_eq!(overdue(&metrics), 0);
    }
}
