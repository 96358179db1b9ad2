//! Colours, on a terminal only.

use std::io::IsTerminal as _;

/// Paints words where standard output is a terminal that wants colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    wanted: bool,
}

impl Paint {
    /// Follows the convention of <https://no-color.org>.
    pub(crate) fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { wanted: !refused && std::io::stdout().is_terminal() }
    }

    /// Without colours.
    pub(crate) fn never() -> Self {
        Self { wanted: false }
    }

    /// Whether there are colours.
    pub(crate) fn is_wanted(self) -> bool {
        self.wanted
    }

    /// As something that is fine.
    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// As something that is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// As something to look at.
    pub(crate) fn notable(self, text: &str) -> String {
        self.with("33", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
