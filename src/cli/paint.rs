//! Colours, on a terminal and wherever they are asked for.

use anstream::AutoStream;
use clap::ColorChoice;

use imagegate_report::Answer;

/// Remembers what the command line says of colours, for the whole process.
pub(super) fn set(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Whether standard output wants colours: by the command line, else by the variables of
/// <https://no-color.org> and <https://bixense.com/clicolors>, else if it is a terminal.
pub(super) fn is_wanted() -> bool {
    AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Paints words where standard output wants colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    wanted: bool,
}

impl Paint {
    /// By [`is_wanted`].
    pub(super) fn for_stdout() -> Self {
        Self { wanted: is_wanted() }
    }

    /// The answer's name in its colour, padded to the longest.
    pub(super) fn answer(self, answer: Answer) -> String {
        let code = match answer {
            Answer::Allow => "32",
            Answer::Deny => "31",
            Answer::Warn | Answer::Audit | Answer::Exempt => "33",
        };
        self.with(code, &format!("{:<6}", answer.as_str()))
    }

    /// A check's outcome.
    pub(super) fn outcome(self, passed: bool) -> String {
        if passed { self.with("32", "pass") } else { self.with("31", "FAIL") }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
