//! What a replica answers when it is asked for the images it remembers, or a file that holds that.

use std::fs::File;
use std::io::{Read, stdin};

use anyhow::{Context as _, Result, bail};
use time::OffsetDateTime;
use time::macros::format_description;

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

/// Whose memory it is, since when, and what is missing in it: `imagegate-7d9f remembers 214 uses
/// since 2026-11-24 08:00 UTC`.
pub(super) fn in_words(from: &str, remembered: &Remembered<'_>) -> String {
    let Remembered { replica, since, evicted, lost, .. } = remembered;
    let replica = if replica.is_empty() { from } else { replica };
    let uses = match remembered.usages().count() {
        1 => "1 use".to_owned(),
        count => format!("{count} uses"),
    };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let since = since.and_then(|since| OffsetDateTime::from_unix_timestamp(since).ok());
    let since = since.and_then(|since| since.format(format).ok());
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let missing = match evicted.saturating_add(*lost) {
        0 => String::new(),
        missing => format!("; {missing} more were forgotten or missed"),
    };
    format!("{} remembers {uses}{since}{missing}", printable(replica))
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
