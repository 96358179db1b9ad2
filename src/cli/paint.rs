//! Colours, on a terminal only.

use std::io::IsTerminal as _;

use imagegate_report::Answer;

/// Paints words where standard output is a terminal that wants colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    wanted: bool,
}

impl Paint {
    /// Follows the convention of <https://no-color.org>.
    pub(super) fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { wanted: !refused && std::io::stdout().is_terminal() }
    }

    /// Whether there are colours.
    pub(super) fn is_wanted(self) -> bool {
        self.wanted
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
