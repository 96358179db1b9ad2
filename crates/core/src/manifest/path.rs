//! The path to a node while a tree is walked, rendered only where it is shown.

use std::fmt;

use crate::policy::{PathStep, write_key};

/// Keys and indexes from the root of an object.
#[derive(Debug, Default)]
pub(super) struct Path<'n>(Vec<Step<'n>>);

#[derive(Clone, Copy, Debug)]
enum Step<'n> {
    Index(usize),
    Key(&'n str),
}

impl<'n> Path<'n> {
    pub(super) fn enter_key(&mut self, key: &'n str) {
        self.0.push(Step::Key(key));
    }

    pub(super) fn enter_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Whether it is a path of keys alone, written with dots between them; the root is empty.
    pub(super) fn is(&self, dotted: &str) -> bool {
        let mut keys = dotted.split('.').filter(|key| !key.is_empty());
        let is_next = |step: &Step<'_>| matches!(step, Step::Key(key) if keys.next() == Some(key));
        self.0.iter().all(is_next) && keys.next().is_none()
    }

    /// Whether these steps lead here.
    pub(super) fn follows(&self, steps: &[PathStep]) -> bool {
        let fits = |(own, step): (&Step<'_>, &PathStep)| match own {
            Step::Index(_) => *step == PathStep::Every,
            Step::Key(key) => step.leads_to(key),
        };
        self.0.len() == steps.len() && self.0.iter().zip(steps).all(fits)
    }
}

/// `spec.containers[0].image`; a key that holds a dot is quoted, as a path of kubectl has it:
/// `metadata.annotations['a.b/c']`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => write_key(f, key, position == 0)?,
            }
        }
        Ok(())
    }
}
