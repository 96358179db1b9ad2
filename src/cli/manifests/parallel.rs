//! Works on many inputs at once, and gives the results out in their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// How many results may be ahead of the one that is waited for. They are held in memory.
const AHEAD: usize = 64;
/// More workers than this read no faster from one disk.
const MOST_WORKERS: usize = 16;

/// How far the results have been given out.
struct Progress {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    given: usize,
    stopped: bool,
}

/// Calls `work` for each input on several threads, and `give` with each result, in the order of the
/// inputs, on this one. Stops at the first error of `give`.
pub(in crate::cli) fn in_order<I: Sync, T: Send, E>(
    inputs: &[I],
    work: impl Fn(&I) -> T + Sync,
    mut give: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let workers = processors.min(MOST_WORKERS).min(inputs.len());
    if workers < 2 {
        return inputs.iter().try_for_each(|input| give(work(input)));
    }
    let progress =
        Progress { state: Mutex::new(State { given: 0, stopped: false }), moved: Condvar::new() };
    let next = AtomicUsize::new(0);
    let (sender, results) = channel();
    thread::scope(|scope| {
        // However this ends, a worker that waits is let go.
        let _stop = Stop(&progress);
        for _ in 0..workers {
            let (sender, work, next, progress) = (sender.clone(), &work, &next, &progress);
            scope.spawn(move || run(inputs, work, next, progress, &sender));
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut given = 0;
        for (position, result) in results {
            early.insert(position, result);
            while let Some(result) = early.remove(&given) {
                give(result)?;
                given += 1;
                progress.lock(|state| state.given = given);
            }
        }
        Ok(())
    })
}

fn run<I, T>(
    inputs: &[I],
    work: &(impl Fn(&I) -> T + Sync),
    next: &AtomicUsize,
    progress: &Progress,
    sender: &Sender<(usize, T)>,
) {
    loop {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let Some(input) = inputs.get(position) else { return };
        if !progress.is_wanted(position) {
            return;
        }
        // A panic ends the program, once the others have been let go.
        let guard = Stop(progress);
        let result = work(input);
        std::mem::forget(guard);
        if sender.send((position, result)).is_err() {
            return;
        }
    }
}

impl Progress {
    fn lock(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }

    /// Waits until the result of an input may be held; false once nothing is wanted any more.
    fn is_wanted(&self, position: usize) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = |state: &mut State| !state.stopped && position >= state.given + AHEAD;
        let state = self.moved.wait_while(state, is_early).unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }
}

/// Stops all workers when it goes.
struct Stop<'p>(&'p Progress);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.lock(|state| state.stopped = true);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{AHEAD, in_order};

    #[test]
    fn results_come_in_order_and_none_is_far_ahead() {
        let inputs: Vec<usize> = (0..5_000).collect();
        let (started, given) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut seen = Vec::new();
        let work = |input: &usize| {
            started.fetch_add(1, Ordering::SeqCst);
            assert!(started.load(Ordering::SeqCst) <= given.load(Ordering::SeqCst) + AHEAD + 17);
            // Uneven work, so that results overtake each other.
            (0..(input % 97) * 200).fold(*input, |sum, step| sum ^ step ^ step)
        };
        let give = |result| {
            seen.push(result);
            given.fetch_add(1, Ordering::SeqCst);
            Ok::<(), ()>(())
        };
        in_order(&inputs, work, give).unwrap();
        assert_eq!(seen, inputs);
    }

    #[test]
    fn an_error_or_a_panic_ends_it() {
        let inputs: Vec<usize> = (0..1_000).collect();
        let mut count = 0;
        let ended = in_order(
            &inputs,
            |input| *input,
            |input| {
                count += 1;
                if input == 5 { Err("closed") } else { Ok(()) }
            },
        );
        assert_eq!((ended, count), (Err("closed"), 6));
        let panicking = |input: &usize| assert_ne!(*input, 3);
        let run = || in_order(&inputs, panicking, |()| Ok::<(), ()>(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }
}
