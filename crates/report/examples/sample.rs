//! Writes the sample report of the tests in a format, for the validators of tests/formats.sh.

use std::error::Error;
use std::io::stdout;

use imagegate_report::{Format, Style, write};

#[path = "../tests/support/sample.rs"]
mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let format = Format::ALL.into_iter().find(|format| format.as_str() == wanted);
    let format = format.ok_or("name a format")?;
    write(&sample::report(), format, Style { color: false, verbose: true }, &mut stdout().lock())?;
    Ok(())
}
