//! Workflow commands of GitHub Actions, one a line: the runner makes each an annotation of a line.
//!
//! The runner ends a command at its line break and undoes `%0A` and the like (`ActionCommand` of
//! actions/runner); a property ends at a comma, and all of them at two colons.

use std::io;

use imagegate_core::policy::printable;

use crate::remark::{Level, Remark, Remarks};

use super::relative;

/// A command for each remark that is new, and the summary as plain lines.
pub(super) fn write(remarks: &Remarks, out: &mut impl io::Write) -> io::Result<()> {
    for remark in remarks.shown().filter(|remark| !remark.known) {
        write_command(remark, out)?;
    }
    for line in &remarks.summary {
        // A path at the start of a line could be a command of its own.
        writeln!(out, "ImageGate: {}", printable(line))?;
    }
    Ok(())
}

fn write_command(remark: &Remark, out: &mut impl io::Write) -> io::Result<()> {
    let command = match remark.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note | Level::Passed => "notice",
    };
    write!(out, "::{command} ")?;
    if let Some(place) = remark.place.as_ref().filter(|place| place.file != "-") {
        write!(out, "file={},", property(relative(place)))?;
        if let Some(line) = place.line {
            write!(out, "line={line},")?;
            if let Some(column) = place.column {
                write!(out, "col={column},")?;
            }
        }
    }
    write!(out, "title={}::", property(&format!("ImageGate: {}", remark.rule.as_str())))?;
    let mut message = printable(&remark.message).into_owned();
    if let Some(hint) = &remark.hint {
        message = format!("{message}\nhint: {}", printable(hint));
    }
    if !remark.object.is_empty() {
        message = format!("{message}\n{}", printable(&remark.object));
    }
    writeln!(out, "{}", data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&printable(text)).replace(':', "%3A").replace(',', "%2C")
}
