//! A report, in the format of whoever reads it: one file each.
//!
//! Text and our own JSON show what a command found in its own words. The other formats belong to
//! platforms, and show [`Remarks`], so that every command can be written in each of them.

mod csv;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

use std::io;

pub use text::write_findings;

use crate::remark::{Level, Remark, Remarks};
use crate::{Place, Report};

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people: grouped by file or namespace, with a summary.
    #[default]
    Text,
    /// Our own JSON, by `config/findings.schema.json`.
    Json,
    /// The same, one object a line; the summary is the last.
    Ndjson,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit's XML, for whatever shows tests.
    Junit,
    /// Workflow commands of GitHub Actions, which annotate lines of a pull request.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// A summary for a pull request.
    Markdown,
    /// A page for people without the tool.
    Html,
    /// A table, by RFC 4180.
    Csv,
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
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Json,
        Self::Ndjson,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::Gitlab,
        Self::Markdown,
        Self::Html,
        Self::Csv,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Csv => "csv",
        }
    }

    /// What it is for, in a few words.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Text => "For people",
            Self::Json => "For programs",
            Self::Ndjson => "For programs, one object a line",
            Self::Sarif => "SARIF 2.1.0, for code scanning",
            Self::Junit => "JUnit XML, for whatever shows tests",
            Self::Github => "Annotations in a workflow of GitHub Actions",
            Self::Gitlab => "A code quality report of GitLab",
            Self::Markdown => "A summary for a pull request",
            Self::Html => "A page for people without the tool, in one file",
            Self::Csv => "A table",
        }
    }

    /// Whether allowed images are shown. A caller that judges many may leave them out of the report
    /// otherwise, as long as it counts them.
    #[must_use]
    pub fn shows_allowed(self, style: Style) -> bool {
        match self {
            Self::Text => style.verbose,
            Self::Json | Self::Ndjson | Self::Junit | Self::Csv => true,
            Self::Sarif | Self::Github | Self::Gitlab | Self::Markdown | Self::Html => false,
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
        Format::Ndjson => json::write_lines(report, out),
        Format::Csv => csv::write(report, out),
        _ => write_remarks(&Remarks::of("imagegate check", report), format, out),
    }
}

/// Writes remarks in the format of a platform. [`Format::Text`] is a line for each;
/// [`Format::Json`] and [`Format::Ndjson`] are plain lists, for which a command has better words.
///
/// # Errors
/// Those of the writer.
pub fn write_remarks(
    remarks: &Remarks,
    format: Format,
    out: &mut impl io::Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write_remarks(remarks, out),
        Format::Json => json::write_remarks(remarks, out),
        Format::Ndjson => json::write_remark_lines(remarks, out),
        Format::Sarif => sarif::write(remarks, out),
        Format::Junit => junit::write(remarks, out),
        Format::Github => github::write(remarks, out),
        Format::Gitlab => gitlab::write(remarks, out),
        Format::Markdown => markdown::write(remarks, out),
        Format::Html => html::write(remarks, out),
        Format::Csv => csv::write_remarks(remarks, out),
    }
}

impl Remarks {
    /// Those that say something.
    fn shown(&self) -> impl Iterator<Item = &Remark> {
        self.list.iter().filter(|remark| remark.level > Level::Passed)
    }
}

/// A path as platforms write it: relative to the repository without a `./` in front.
fn relative(place: &Place) -> &str {
    let mut path = place.file.as_str();
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    path
}
