//! A report, in the format of whoever reads it: one file each.

mod json;
mod text;

use std::io;

pub use text::{write_findings, write_summary};

use crate::Report;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: grouped by file or namespace, with a summary.
    #[default]
    Text,
    /// Our own JSON, by `config/findings.schema.json`.
    Json,
}

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours, by the escape sequences of a terminal.
    pub color: bool,
    /// Shows allowed images too, and what was not judged.
    pub verbose: bool,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// Whether allowed images are shown. A caller that judges many may leave them out of the report
    /// otherwise, as long as it counts them.
    #[must_use]
    pub fn shows_allowed(self, style: Style) -> bool {
        match self {
            Self::Text => style.verbose,
            Self::Json => true,
        }
    }
}

/// Writes a report. The output ends with a line break.
///
/// # Errors
/// Those of the writer.
pub fn write(
    report: &Report,
    format: Format,
    style: Style,
    out: &mut impl io::Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, style, out),
        Format::Json => json::write(report, out),
    }
}
