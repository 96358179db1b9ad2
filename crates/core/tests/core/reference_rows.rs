//! The table of references in `tests/data/references.tsv`, as its tests read it.
//!
//! Texts in the table are written with `\n`, `\t`, `\r`, `\\`, `\x00` and `\u{e9}` for characters
//! that do not show, and `{a*255}` for repeats.

use std::collections::HashSet;

/// What a reference says, with its registry and repository normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) short: bool,
}

/// One row: a text, and its parts or the name of the `ReferenceError`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) written: String,
    pub(crate) expected: Result<Parts, String>,
}

pub(crate) fn rows() -> Vec<Row> {
    include_str!("../../../../tests/data/references.tsv")
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .filter_map(|(index, text)| {
            let row = row(index + 1, text);
            assert!(row.is_some(), "line {} is no row: {text}", index + 1);
            row
        })
        .collect()
}

#[test]
fn the_table_is_large_and_says_nothing_twice() {
    let rows = rows();
    assert!(rows.len() >= 200, "the table has {} rows", rows.len());
    let mut seen = HashSet::new();
    for row in &rows {
        assert!(seen.insert(&row.written), "line {}: {:?} again", row.line, row.written);
    }
    for error in [
        "Empty",
        "ForeignCharacter",
        "ImageId",
        "Registry",
        "UppercaseRepository",
        "Repository",
        "RepositoryTooLong",
        "Tag",
        "Digest",
        "DigestAlgorithm",
    ] {
        assert!(rows.iter().any(|row| row.expected == Err(error.to_owned())), "no row for {error}");
    }
}

fn row(line: usize, text: &str) -> Option<Row> {
    let columns: Vec<String> = text.split('\t').map(decode).collect::<Option<_>>()?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let optional = |column: &str| (column != "-").then(|| column.to_owned());
    let (written, expected) = match columns[..] {
        [written, "error", name] => (written, Err(name.to_owned())),
        [written, "ok", registry, repository, tag, digest, kind @ ("short" | "full")] => {
            let parts = Parts {
                registry: registry.to_owned(),
                repository: repository.to_owned(),
                tag: optional(tag),
                digest: optional(digest),
                short: kind == "short",
            };
            (written, Ok(parts))
        }
        _ => return None,
    };
    Some(Row { line, written: written.to_owned(), expected })
}

fn decode(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\\', '{']) {
        let (plain, escaped) = rest.split_at(start);
        let (meant, behind) = escape(escaped)?;
        decoded = decoded + plain + &meant;
        rest = behind;
    }
    Some(decoded + rest)
}

/// What the escape at the start stands for, and the text behind it.
fn escape(text: &str) -> Option<(String, &str)> {
    let character = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).ok()?);
    if let Some(repeat) = text.strip_prefix('{') {
        let (repeat, behind) = repeat.split_once('}')?;
        let (unit, count) = repeat.rsplit_once('*')?;
        return Some((unit.repeat(count.parse().ok()?), behind));
    }
    let (kind, behind) = text.strip_prefix('\\')?.split_at_checked(1)?;
    match kind {
        "n" => Some(("\n".to_owned(), behind)),
        "r" => Some(("\r".to_owned(), behind)),
        "t" => Some(("\t".to_owned(), behind)),
        "\\" => Some(("\\".to_owned(), behind)),
        "x" => {
            let (hex, behind) = behind.split_at_checked(2)?;
            Some((character(hex)?.to_string(), behind))
        }
        "u" => {
            let (hex, behind) = behind.strip_prefix('{')?.split_once('}')?;
            Some((character(hex)?.to_string(), behind))
        }
        _ => None,
    }
}
