//! Standard output, and the formats that a command writes there.
//!
//! Its reader may leave early; the exit code is that of the verdict all the same.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use imagegate_report::{FailOn, Format, Patient};

/// Standard output behind a buffer. Call [`Output::finish`] at the end: what is written when it is
/// dropped cannot report its errors.
pub(super) struct Output(BufWriter<Patient<StdoutLock<'static>>>);

/// Locks standard output.
pub(super) fn stdout() -> Output {
    Output(BufWriter::new(Patient::new(io::stdout().lock())))
}

/// What the JSON of a command is, by the name that `imagegate schema` has for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads {
    /// What `diff` writes; its lines are remarks.
    Comparison,
    /// What `check` writes.
    Findings,
    /// What `validate` and `test` write.
    Remarks,
}

impl Reads {
    /// What a format is for, with the schema of the JSON.
    fn purpose(self, format: Format) -> String {
        let schema = match (self, format) {
            (Self::Comparison, Format::Json) => "comparison",
            (Self::Findings, Format::Json | Format::Ndjson) => "findings",
            (_, Format::Json | Format::Ndjson) => "remarks",
            _ => return format.purpose().to_owned(),
        };
        format!("{}; `imagegate schema {schema}` has the schema", format.purpose())
    }
}

/// Reads the name of a format on the command line.
pub(super) fn format_parser(reads: Reads) -> impl TypedValueParser<Value = Format> {
    let names =
        Format::ALL.map(|format| PossibleValue::new(format.as_str()).help(reads.purpose(format)));
    PossibleValuesParser::new(names).map(|name| {
        let is_meant = |format: &Format| format.as_str() == name;
        Format::ALL.into_iter().find(is_meant).unwrap_or_default()
    })
}

/// Reads the weakest answer that fails a command.
pub(super) fn fail_on_parser() -> impl TypedValueParser<Value = FailOn> {
    PossibleValuesParser::new(FailOn::ALL.map(FailOn::as_str)).map(|name| {
        let is_meant = |answer: &FailOn| answer.as_str() == name;
        FailOn::ALL.into_iter().find(is_meant).unwrap_or_default()
    })
}

impl Output {
    /// Writes what is still in the buffer.
    ///
    /// # Errors
    /// Those of standard output, such as a full disk. A closed pipe is none.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
