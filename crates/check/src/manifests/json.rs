//! JSON, value by value, one after another.

use std::borrow::Cow;
use std::io::Read;

use struson::reader::{
    JsonReader, JsonStreamReader, JsonSyntaxError, ReaderError, ReaderSettings, SyntaxErrorKind,
    ValueType,
};

use super::tree::{Part, Tree, Trouble};
use super::yaml::Visit;
use imagegate_core::manifest::{Position, Value};

/// Reads all values of a text that begins in the line `first`, from 1. There has to be one.
pub(super) fn read(bytes: impl Read, first: u32, visit: &mut Visit<'_>) -> Result<(), Trouble> {
    let settings = ReaderSettings {
        allow_multiple_top_level: true,
        // The tree counts, and knows the words for it.
        max_nesting_depth: None,
        track_path: false,
        restrict_number_values: false,
        ..ReaderSettings::default()
    };
    let mut reader = JsonStreamReader::new_custom(bytes, settings);
    loop {
        document(&mut reader, first, visit)?;
        if !reader.has_next().map_err(|error| not_json(&reader, &error, first))? {
            return Ok(());
        }
    }
}

/// Reads one value without recursion, whatever is inside of it.
fn document<R: Read>(
    reader: &mut JsonStreamReader<R>,
    first: u32,
    visit: &mut Visit<'_>,
) -> Result<(), Trouble> {
    let mut tree = Tree::default();
    // Whether each open collection is an object.
    let mut open: Vec<bool> = Vec::new();
    loop {
        let part = step(reader, &mut tree, &mut open, first)?;
        if let Some(part) = part {
            visit(part);
        }
        if open.is_empty() {
            return Ok(());
        }
    }
}

fn step<'t, R: Read>(
    reader: &mut JsonStreamReader<R>,
    tree: &mut Tree<'t>,
    open: &mut Vec<bool>,
    first: u32,
) -> Result<Option<Part<'t>>, Trouble> {
    macro_rules! read {
        ($call:expr) => {
            match $call {
                Ok(value) => value,
                Err(error) => return Err(not_json(reader, &error, first)),
            }
        };
    }
    if let Some(&is_object) = open.last() {
        if !read!(reader.has_next()) {
            if is_object {
                read!(reader.end_object());
            } else {
                read!(reader.end_array());
            }
            open.pop();
            return tree.close();
        }
        if is_object {
            let position = position(reader, first);
            let key = read!(reader.next_name_owned());
            tree.key(Cow::Owned(key), false, 0, position)?;
        }
    }
    let kind = read!(reader.peek());
    let position = position(reader, first);
    let (value, length) = match kind {
        ValueType::Array => {
            read!(reader.begin_array());
            open.push(false);
            tree.open_sequence(0, position)?;
            return Ok(None);
        }
        ValueType::Object => {
            read!(reader.begin_object());
            open.push(true);
            tree.open_mapping(0, position)?;
            return Ok(None);
        }
        ValueType::Boolean => (Value::Boolean(read!(reader.next_bool())), 0),
        ValueType::Null => {
            read!(reader.next_null());
            (Value::Null, 0)
        }
        ValueType::Number => {
            read!(reader.next_number_as_str().map(str::len));
            (Value::Number, 0)
        }
        ValueType::String => {
            let text = read!(reader.next_string());
            let length = text.len();
            (Value::Text(Cow::Owned(text)), length)
        }
    };
    tree.scalar(value, length, 0, position)
}

fn position<R: Read>(reader: &JsonStreamReader<R>, first: u32) -> Position {
    place(reader.current_position(false).line_pos.map(|at| (at.line, at.column)), first)
}

fn place(at: Option<(u64, u64)>, first: u32) -> Position {
    let (line, column) = at.unwrap_or_default();
    let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(first);
    Position { line, column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1) }
}

/// What is wrong, in words for people.
fn not_json<R: Read>(reader: &JsonStreamReader<R>, error: &ReaderError, first: u32) -> Trouble {
    match error {
        ReaderError::SyntaxError(JsonSyntaxError { kind, location }) => {
            let position = place(location.line_pos.map(|at| (at.line, at.column)), first);
            Trouble::new(format!("not valid JSON: {}", words(*kind)), position)
        }
        ReaderError::IoError { error, .. } if error.kind() == std::io::ErrorKind::InvalidData => {
            Trouble::new("not UTF-8", position(reader, first))
        }
        ReaderError::IoError { error, .. } => {
            Trouble::new(error.to_string(), position(reader, first))
        }
        _ => Trouble::new("not valid JSON", position(reader, first)),
    }
}

fn words(kind: SyntaxErrorKind) -> &'static str {
    use SyntaxErrorKind as Kind;
    match kind {
        Kind::CommentsNotEnabled | Kind::IncompleteComment | Kind::BlockCommentNotClosed => {
            "it has no comments"
        }
        Kind::InvalidLiteral | Kind::TrailingDataAfterLiteral => {
            "only `true`, `false` and `null` stand without quotes"
        }
        Kind::UnexpectedClosingBracket => "a bracket closes what is not open",
        Kind::UnexpectedComma | Kind::TrailingCommaNotEnabled => "a comma too many",
        Kind::MissingComma => "a comma is missing",
        Kind::UnexpectedColon => "a colon too many",
        Kind::MissingColon => "a colon is missing",
        Kind::MalformedNumber | Kind::TrailingDataAfterNumber => "not a number",
        Kind::ExpectingMemberNameOrObjectEnd => "a key in quotes is expected here",
        Kind::NotEscapedControlCharacter => "a line break or control character inside of a text",
        Kind::UnknownEscapeSequence
        | Kind::MalformedEscapeSequence
        | Kind::UnpairedSurrogatePairEscapeSequence => "an escape that means nothing",
        Kind::IncompleteDocument => "it ends too early",
        _ => "a value is expected here",
    }
}
