//! One warning of an answer, within what the API server shows.
//!
//! How many warnings an answer has is up to who writes it.

use crate::policy::is_printable;

/// Characters of one warning, as the API documentation asks.
const LONGEST: usize = 120;

/// One printable line of at most 120 characters.
pub(super) fn one_line(text: &str) -> String {
    let printable = |character: char| if is_printable(character) { character } else { ' ' };
    if text.chars().count() <= LONGEST {
        return text.chars().map(printable).collect();
    }
    text.chars().take(LONGEST - 1).map(printable).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, one_line};

    #[test]
    fn a_warning_is_cut_only_where_it_is_too_long() {
        let long = |length: usize| "é".repeat(length);
        let rows = [
            (String::new(), String::new()),
            ("a\nb\u{202e}c".to_owned(), "a b c".to_owned()),
            (long(LONGEST), long(LONGEST)),
            (long(LONGEST + 1), format!("{}…", long(LONGEST - 1))),
        ];
        for (text, expected) in rows {
            assert_eq!(one_line(&text), expected);
        }
    }
}
