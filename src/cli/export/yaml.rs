//! A JSON value as YAML that people can read: texts of several lines, and expressions, as blocks.

use serde_json::Value;

/// A text up to here stays on the line of its key.
const SHORT: usize = 60;

/// The document, with a line break at its end.
pub(super) fn written(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                text.push_str(&" ".repeat(indent));
                text.push_str(&scalar(key, 0));
                text.push(':');
                behind(value, indent + 2, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push('-');
                match item {
                    // The first field stands on the line of its dash.
                    Value::Object(fields) if !fields.is_empty() => {
                        let mut item_text = String::new();
                        block(item, indent + 2, &mut item_text);
                        text.push(' ');
                        text.push_str(item_text.trim_start_matches(' '));
                    }
                    _ => behind(item, indent + 2, text),
                }
            }
        }
        _ => {
            text.push_str(&inline(value, indent));
            text.push('\n');
        }
    }
}

/// A value behind its key or dash.
fn behind(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            block(value, indent, text);
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<_> = items.iter().map(|item| inline(item, indent)).collect();
            text.push_str(" [");
            text.push_str(&items.join(", "));
            text.push_str("]\n");
        }
        Value::Array(_) => {
            text.push('\n');
            block(value, indent, text);
        }
        Value::String(string) => {
            text.push(' ');
            text.push_str(&scalar(string, indent));
            text.push('\n');
        }
        _ => {
            text.push(' ');
            text.push_str(&inline(value, indent));
            text.push('\n');
        }
    }
}

fn inline(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if is_plain(text) => scalar(text, indent),
        // What is left is JSON, which is YAML.
        other => other.to_string(),
    }
}

fn scalar(text: &str, indent: usize) -> String {
    let is_printed = |line: &str| line.chars().all(|it| matches!(it, ' '..='~'));
    let fits_block = text.len() > SHORT || text.contains('\n');
    if is_plain(text) {
        text.to_owned()
    } else if fits_block
        && text.lines().all(is_printed)
        && !text.starts_with(' ')
        && !text.ends_with('\n')
    {
        let lines: Vec<_> =
            text.lines().map(|line| format!("{}{line}", " ".repeat(indent))).collect();
        format!("|-\n{}", lines.join("\n"))
    } else {
        Value::from(text).to_string()
    }
}

/// Whether a text is itself without quotes, in every reading of YAML.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let value = json!({
            "a": {"b": ["*", "v1", "", "true", "0123"], "c": [], "d": {}},
            "text": "one\n  two\nthree: 'x' \"y\" \\",
            "long": "x ".repeat(60) + "!",
            "odd": " leading\n", "tab": "a\tb\u{e9}", "number": 1, "flag": true, "none": null,
            "list": [{"expression": "a == 'b' && ".repeat(9) + "c", "m": "x"}, {"n": {"o": "p"}}],
            "imagegate/policy-hash": "012345678901", "key: odd": "- x",
        });
        let text = super::written(&value);
        let read: Value = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(read, value, "{text}");
    }
}
