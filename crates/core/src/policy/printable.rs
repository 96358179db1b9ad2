//! Texts of users, made safe for whoever reads them: a terminal, a log, an answer.

use std::borrow::Cow;

/// The text with every character escaped that shows nothing, or changes how others are shown:
/// control and format characters (among them all that turn the direction of writing), line and
/// paragraph separators, spaces other than the usual one, private and unassigned characters.
///
/// So no text can move the cursor, fake a line, or be read in another order than it is written.
/// Quotes and backslashes stay: what is shown is meant for people, and is no literal.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(|character| !is_printable(character)) else {
        return Cow::Borrowed(text);
    };
    let (plain, rest) = text.split_at_checked(first).unwrap_or((text, ""));
    let mut shown = String::with_capacity(text.len() + 8);
    shown.push_str(plain);
    for character in rest.chars() {
        if is_printable(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    Cow::Owned(shown)
}

/// As [`printable`], cut behind `most` characters, with `…` in place of the rest.
pub(in crate::policy) fn printable_within(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    let mut count = 0;
    for character in text.chars() {
        if count >= most {
            shown.push('…');
            break;
        }
        if is_printable(character) {
            shown.push(character);
            count += 1;
        } else {
            let escaped = character.escape_default();
            count += escaped.len();
            shown.extend(escaped);
        }
    }
    shown
}

/// Whether [`printable`] leaves a character as it is.
#[must_use]
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // The standard library has the table, and asks it where it escapes a text. At the start of a
    // text it escapes a combining accent too, which behind a letter is fine.
    let mut text = [b'a'; 5];
    let (_, rest) = text.split_at_mut(1);
    let length = character.encode_utf8(rest).len();
    let text = text.get(..=length).and_then(|text| std::str::from_utf8(text).ok());
    text.is_some_and(|text| text.escape_debug().nth(1) == Some(character))
}

#[cfg(test)]
mod tests {
    use super::{is_printable, printable, printable_within};

    #[test]
    fn what_people_write_is_left_alone() {
        for text in [
            "",
            "docker.io/library/nginx:1.27",
            r#"a "b" 'c' \d /x{1}/"#,
            "Größe",
            "日本語",
            "e\u{301}",
            "🙂",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn what_hides_or_moves_is_escaped() {
        let rows = [
            ("a\u{202e}b", r"a\u{202e}b"),
            ("a\u{2028}\u{2029}b", r"a\u{2028}\u{2029}b"),
            ("a\nb\tc\rd\u{1b}[2Je\0", r"a\nb\tc\rd\u{1b}[2Je\u{0}"),
            ("\u{feff}a\u{a0}b", r"\u{feff}a\u{a0}b"),
        ];
        for (text, expected) in rows {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn what_is_longer_is_cut() {
        let rows = [
            ("", 0, ""),
            ("ab", 2, "ab"),
            ("abc", 2, "ab…"),
            ("éèê", 2, "éè…"),
            ("a\nb\u{1b}[31mé", 30, r"a\nb\u{1b}[31mé"),
            // An escape is not cut in two.
            ("\u{202e}b", 1, r"\u{202e}…"),
        ];
        for (text, most, expected) in rows {
            assert_eq!(printable_within(text, most), expected);
        }
    }

    /// The categories Cc, Cf, Zl, Zp and Co as of Unicode 15, and what is reserved between the
    /// controls of direction. Source: `UnicodeData.txt`.
    #[test]
    fn whole_categories_are_escaped() {
        let ranges = [
            '\u{0}'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{ad}'..='\u{ad}',
            '\u{600}'..='\u{605}',
            '\u{61c}'..='\u{61c}',
            '\u{6dd}'..='\u{6dd}',
            '\u{70f}'..='\u{70f}',
            '\u{890}'..='\u{891}',
            '\u{8e2}'..='\u{8e2}',
            '\u{180e}'..='\u{180e}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{e000}'..='\u{f8ff}',
            '\u{feff}'..='\u{feff}',
            '\u{fff0}'..='\u{fffb}',
            '\u{110bd}'..='\u{110bd}',
            '\u{110cd}'..='\u{110cd}',
            '\u{13430}'..='\u{13438}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{e0000}'..='\u{e007f}',
            '\u{f0000}'..='\u{10ffff}',
        ];
        for character in ranges.into_iter().flatten() {
            assert!(!is_printable(character), "{character:?}");
        }
    }
}
