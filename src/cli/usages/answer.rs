//! What a replica answers when it is asked for the images it remembers, or a file that holds that.

use std::fs::File;
use std::io::{Read, stdin};

use anyhow::{Context as _, Result, bail};

use super::fetch::fetch;
use crate::cli::located::STDIN;
use imagegate_core::policy::printable;
use imagegate_core::usage::{MOST_ENTRIES, Remembered};

/// The largest answer that is read, in bytes: 512 for each use.
pub(super) const LARGEST: usize = 512 * MOST_ENTRIES;

/// The bytes of an answer, and where they are from.
#[derive(Debug)]
pub(super) struct Answered {
    from: String,
    bytes: Vec<u8>,
}

impl Answered {
    /// Asks a URL, or reads a file, or standard input.
    pub(super) fn from(from: &str) -> Result<Self> {
        let bytes = if from.contains("://") {
            fetch(from)?
        } else if from == STDIN {
            read(stdin(), "standard input")?
        } else {
            let name = format!("`{}`", printable(from));
            read(File::open(from).with_context(|| format!("cannot read {name}"))?, &name)?
        };
        Ok(Self { from: from.to_owned(), bytes })
    }

    pub(super) fn read(&self) -> Result<Remembered<'_>> {
        Remembered::parse(&self.bytes).with_context(|| {
            let from = printable(&self.from);
            format!("`{from}` is not what `/images` of the operator port answers")
        })
    }
}

fn read(source: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {name}"))?;
    if bytes.len() > LARGEST {
        bail!("{name} holds more than {LARGEST} bytes");
    }
    Ok(bytes)
}
