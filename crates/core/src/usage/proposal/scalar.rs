//! Texts as YAML: a scalar that is read as that very text, and a comment that ends with its line.

use std::fmt::Write as _;

use crate::policy::printable;

/// Words that YAML 1.1 or 1.2 reads as something else than a text.
const WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// A text as a scalar: plain where nothing could read it otherwise, or else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b'_');
    let is_plain = text.bytes().all(plain)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !WORDS.contains(&text);
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // YAML's escapes have two, four or eight digits.
            _ if printable(character.encode_utf8(&mut [0; 4])).len() != character.len_utf8() => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A text as a comment on one line of its own, or behind a value.
pub(super) fn comment(text: &str) -> String {
    format!("# {}", printable(text))
}

#[cfg(test)]
mod tests {
    use super::{comment, scalar};
    use crate::policy::{Documents, compile};

    #[test]
    fn rows() {
        let rows = [
            ("docker.io/library", "docker.io/library"),
            ("localhost:5000/a", "\"localhost:5000/a\""),
            ("[fc00::1]:5000/a", "\"[fc00::1]:5000/a\""),
            ("yes", "\"yes\""),
            ("123", "\"123\""),
            ("", "\"\""),
            ("a: b # c", "\"a: b # c\""),
            ("a\"b\\c\nd", "\"a\\\"b\\\\c\\U0000000ad\""),
            ("é", "\"é\""),
        ];
        for (text, expected) in rows {
            assert_eq!(scalar(text), expected);
            assert_eq!(read(expected), text);
        }
        assert_eq!(
            comment("a\nmode: audit\u{2028}b\u{85}c"),
            "# a\\nmode: audit\\u{2028}b\\u{85}c"
        );
    }

    /// The scalar as the policy's own reader of YAML sees it: the owner of an exemption is any text.
    fn read(scalar: &str) -> String {
        let yaml =
            format!("exemptions:\n- name: e\n  images: [gcr.io]\n  reason: r\n  owner: {scalar}\n");
        let (policy, _) = compile(&Documents::full_form(yaml)).unwrap();
        policy.exemptions()[0].owner().unwrap().to_owned()
    }
}
