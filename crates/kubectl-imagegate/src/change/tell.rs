//! Who is told how a change gets on: whoever sits at a prompt, or a page.

use std::io::{self, Write as _};

use crate::cli::{say, stdout};

/// Is told how a change gets on.
pub(crate) trait Tell: Sync {
    /// A line of what was done.
    ///
    /// # Errors
    /// Where nobody can be told.
    fn done(&self, line: &str) -> io::Result<()>;

    /// A word beside it, perhaps with a hint in a second line.
    fn aside(&self, text: &str);

    /// Whether a hint may name a flag of the command.
    fn has_flags(&self) -> bool;
}

/// Standard output, and standard error beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtPrompt;

impl Tell for AtPrompt {
    fn done(&self, line: &str) -> io::Result<()> {
        writeln!(stdout(), "{line}")
    }

    fn aside(&self, text: &str) {
        say(text);
    }

    fn has_flags(&self) -> bool {
        true
    }
}
