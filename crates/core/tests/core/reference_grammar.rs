//! Every row of the table of references, read as the table says.

use crate::reference_rows::{Parts, Row};
use imagegate_core::image::Reference;

#[test]
fn every_row_is_read_as_the_table_says() {
    let mut wrong = Vec::new();
    for row in crate::reference_rows::rows() {
        let read = Reference::parse(&row.written);
        let kept = read.as_ref().map_or(true, |reference| reference.written() == row.written);
        let read = read.map(|reference| parts(&reference)).map_err(|error| format!("{error:?}"));
        if read != row.expected || !kept {
            let Row { line, written, expected } = row;
            wrong.push(format!("line {line}: {written:?} is {read:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reason_finishes_a_sentence() {
    for row in crate::reference_rows::rows() {
        let Err(error) = Reference::parse(&row.written) else { continue };
        let reason = error.to_string();
        let (line, first) = (row.line, reason.chars().next());
        assert!(first.is_some_and(|c| !c.is_uppercase()), "line {line}: {reason}");
        assert!(!reason.ends_with('.'), "line {line}: {reason}");
    }
}

fn parts(reference: &Reference<'_>) -> Parts {
    Parts {
        registry: reference.registry().to_owned(),
        repository: reference.repository().into_owned(),
        tag: reference.tag().map(str::to_owned),
        digest: reference.digest().map(str::to_owned),
        short: reference.is_short_name(),
    }
}
