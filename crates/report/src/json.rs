//! JSON that does no harm on a terminal.
//!
//! JSON itself escapes only ASCII's control characters. The others, and characters that turn the direction
//! of writing, would reach the terminal of whoever runs a command with `-o json`. They are escaped here too,
//! which means the same to every reader of JSON.

use std::io;

use imagegate_core::policy::is_printable;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Writes a value as JSON, in one line that ends with a line break.
///
/// # Errors
/// Those of the writer.
pub fn write_json_line(value: &impl Serialize, out: &mut impl io::Write) -> io::Result<()> {
    write(value, CompactFormatter, out)
}

/// Writes a value as JSON, indented by two spaces. The output ends with a line break.
///
/// # Errors
/// Those of the writer.
pub fn write_json(value: &impl Serialize, out: &mut impl io::Write) -> io::Result<()> {
    write(value, PrettyFormatter::new(), out)
}

fn write(
    value: &impl Serialize,
    layout: impl Formatter,
    out: &mut impl io::Write,
) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Printable(layout)))?;
    out.write_all(b"\n")
}

/// The layout of another formatter, with texts of printable characters only.
struct Printable<F>(F);

macro_rules! as_the_other {
    ($($method:ident($($flag:ident)?))*) => {$(
        fn $method<W: ?Sized + io::Write>(&mut self, out: &mut W $(, $flag: bool)?) -> io::Result<()> {
            self.0.$method(out $(, $flag)?)
        }
    )*};
}

impl<F: Formatter> Formatter for Printable<F> {
    as_the_other! {
        begin_array() end_array() begin_array_value(first) end_array_value()
        begin_object() end_object() begin_object_key(first) end_object_key()
        begin_object_value() end_object_value()
    }

    /// Source of the escapes: section 7 of RFC 8259. Above U+FFFF it is a pair of surrogates.
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Nearly every text, and looked at byte by byte.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(|character| !is_printable(character)) {
            let (shown, from) = rest.split_at(at);
            out.write_all(shown.as_bytes())?;
            let mut characters = from.chars();
            if let Some(escaped) = characters.next() {
                for unit in escaped.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{write_json, write_json_line};

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write_json_line(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_means_the_same() {
        for (text, shown) in [
            ("docker.io/a:1", r#""docker.io/a:1""#),
            ("Größe 日本語 \"a\\b\"", r#""Größe 日本語 \"a\\b\"""#),
            ("a\u{1b}[2J\n", r#""a\u001b[2J\n""#),
            ("\u{7f}\u{9b}2J", r#""\u007f\u009b2J""#),
            ("a\u{202e}b\u{2066}", r#""a\u202eb\u2066""#),
            ("\u{e0001}", r#""\udb40\udc01""#),
        ] {
            let out = written(&text.into());
            assert_eq!(out, format!("{shown}\n"));
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
        assert_eq!(written(&json!({ "\u{9b}": 1 })), "{\"\\u009b\":1}\n");
    }

    #[test]
    fn the_layout_is_that_of_the_library() {
        let value = json!({ "a": [1, null, { "b": "c" }], "d": {}, "e": [] });
        let mut out = Vec::new();
        write_json(&value, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{value:#}\n"));
        assert_eq!(written(&value), format!("{value}\n"));
    }
}
