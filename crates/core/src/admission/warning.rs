//! A warning in an answer, within the limits of the API server.
//!
//! The number of warnings is limited by those who make them.

use crate::policy::is_printable;

/// The longest warning in characters, as the API documentation recommends.
const LONGEST: usize = 120;

/// The text as one printable line of at most 120 characters.
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
