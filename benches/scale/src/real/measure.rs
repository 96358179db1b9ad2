//! What a review of each size, and a handshake, cost a replica.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::IMAGE;
use super::connection::{Connection, trusting};
use super::replica::Replica;
use crate::bodies::pod_review;

const ROUNDS: usize = 9;
const REVIEWS: u32 = 300;
const HANDSHAKES: u32 = 100;
/// Between two of them: the pace of `compare`. One right after the other costs less, since the processor neither
/// sleeps nor has anything else in its caches; a replica that is so busy is none that is well sized.
const PAUSE: Duration = Duration::from_millis(2);

/// Seconds of a processor, user and system, as rows of microseconds: medians of rounds in turn, over one
/// connection, one after the other with a pause.
///
/// # Errors
/// Where the webhook does not answer.
pub(crate) fn measure(binary: &Path, directory: &Path) -> io::Result<String> {
    let replica = Replica::start(binary, directory)?;
    let config = trusting(&directory.join("tls.crt"))?;
    let sizes = [("2", 2_000), ("12", 12_000), ("100", 100_000)];
    let mut rounds = vec![Vec::new(); sizes.len() + 1];
    for round in 0..=ROUNDS {
        let mut found = Vec::new();
        for (_, size) in sizes {
            let body = pod_review(size, IMAGE);
            let mut connection = Connection::open(replica.listen, &config)?;
            found.push(cost(&replica, REVIEWS, || {
                let answer = connection.ask(&body)?;
                if answer.allowed { Ok(()) } else { Err(io::Error::other("not admitted")) }
            })?);
        }
        found.push(cost(&replica, HANDSHAKES, || {
            Connection::open(replica.listen, &config).map(drop)
        })?);
        // The first is to warm up.
        if round > 0 {
            found.into_iter().zip(&mut rounds).for_each(|(figure, of)| of.push(figure));
        }
    }
    let names = sizes.map(|(name, _)| format!("review-{name}kB"));
    let mut rows = String::from("name\tmicroseconds\n");
    for (name, mut figures) in names.into_iter().chain(["handshake".to_owned()]).zip(rounds) {
        figures.sort_by(f64::total_cmp);
        let _ = writeln!(rows, "{name}\t{:.1}", figures[ROUNDS / 2] * 1e6);
    }
    Ok(rows)
}

/// Seconds of the replica for each time that something is done.
fn cost(
    replica: &Replica,
    times: u32,
    mut work: impl FnMut() -> io::Result<()>,
) -> io::Result<f64> {
    let before = replica.spent()?;
    for _ in 0..times {
        thread::sleep(PAUSE);
        work()?;
    }
    Ok((replica.spent()? - before) / f64::from(times))
}
