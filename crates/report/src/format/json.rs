//! Our own JSON: the report as it is.

use std::io;

use crate::Report;

pub(super) fn write(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
