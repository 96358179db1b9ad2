//! Files, directories and standard input, as sources of manifests.
//!
//! | room | does |
//! |---|---|
//! | `files` | finds the files of a directory |
//! | `tracked` | finds those among them that git tracks although it is told to ignore them |
//! | `parallel` | reads many files at once |
//!
//! What they hold is read by [`imagegate_check`].

mod files;
mod parallel;
mod tracked;

use imagegate_check::{Visitor, unreadable};

pub(super) use files::{Input, Inputs, Selection};
pub(super) use parallel::in_order;

/// Reads everything that an input holds.
pub(super) fn read(input: &Input, visitor: &mut dyn Visitor) {
    match input.open() {
        Ok(source) => imagegate_check::read(&input.name(), source, visitor),
        Err(error) => visitor.problem(unreadable(&error)),
    }
}
