//! YAML, event by event.

use std::borrow::Cow;

use granit_parser::{BorrowedInput, ErrorKind, Event, Options, Parser, ScalarStyle, ScanError};
use granit_parser::{Span, StrInput};

use super::chars::Chars;
use super::tree::{DEEPEST, Part, Tree, Trouble};
use imagegate_core::manifest::{Position, Value};
use imagegate_core::policy::printable;

/// What the tags of YAML's own types begin with.
const TYPES: &str = "tag:yaml.org,2002:";
/// The tag of the key `<<`.
const MERGE: &str = "merge";

/// What a reader does with each part of a document.
pub(super) type Visit<'v> = dyn FnMut(Part<'_>) + 'v;

/// Reads a text that begins in the line `first`, from 1.
pub(super) fn read(text: &str, first: u32, visit: &mut Visit<'_>) -> Result<(), Trouble> {
    events(Parser::with_options(StrInput::new(text), options()), first, visit)
}

/// As [`read`], of a text that is too large to be held in memory.
pub(super) fn stream(
    bytes: impl std::io::Read,
    first: u32,
    visit: &mut Visit<'_>,
) -> Result<(), Trouble> {
    events(Parser::new_from_fallible_iter_with_options(Chars::new(bytes), options()), first, visit)
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    options
}

fn events<'a, T: BorrowedInput<'a>>(
    parser: Parser<'a, T>,
    first: u32,
    visit: &mut Visit<'_>,
) -> Result<(), Trouble> {
    let mut tree = Tree::default();
    for next in parser {
        let (event, span) = next.map_err(|error| not_yaml(&error, first))?;
        if let Some(part) = take(&mut tree, event, position(&span, first))? {
            visit(part);
        }
    }
    Ok(())
}

fn take<'a>(
    tree: &mut Tree<'a>,
    event: Event<'a>,
    position: Position,
) -> Result<Option<Part<'a>>, Trouble> {
    match event {
        Event::DocumentStart(..) => tree.reset(),
        Event::Alias(anchor) => return tree.alias(anchor, position),
        Event::Scalar(text, style, anchor, tag) => {
            let is_plain = style == ScalarStyle::Plain && tag.is_none();
            let tag = tag.as_deref().and_then(|tag| tag.suffix_in_namespace(TYPES));
            let tag = tag.as_deref();
            is_plain_text(tag, position)?;
            if tree.wants_key() {
                let is_merge = text == "<<" && (is_plain || tag == Some(MERGE));
                tree.key(text, is_merge, anchor, position)?;
                return Ok(None);
            }
            let length = text.len();
            let value = value(text, is_plain, tag);
            return tree.scalar(value, length, anchor, position);
        }
        Event::SequenceStart(_, anchor, _) => tree.open_sequence(anchor, position)?,
        Event::MappingStart(_, anchor, _) => tree.open_mapping(anchor, position)?,
        Event::SequenceEnd | Event::MappingEnd => return tree.close(),
        _ => {}
    }
    Ok(None)
}

/// Whether a scalar means what is written. kubectl decodes the text of `!!binary`, of a key too, which
/// would hide what it says. Other tags change no text.
fn is_plain_text(tag: Option<&str>, position: Position) -> Result<(), Trouble> {
    if tag == Some("binary") {
        let message = "`!!binary` is not read here".to_owned();
        return Err(Trouble { message, hint: Some("write the text itself"), position });
    }
    Ok(())
}

/// What a scalar is, by its tag or by the core schema of YAML 1.2.
fn value<'a>(text: Cow<'a, str>, is_plain: bool, tag: Option<&str>) -> Value<'a> {
    match tag {
        Some("null") => Value::Null,
        Some("bool") => Value::Boolean(is_true(&text)),
        Some("int" | "float") => Value::Number,
        _ if !is_plain => Value::Text(text),
        _ if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        _ if is_true(&text) => Value::Boolean(true),
        _ if matches!(&*text, "false" | "False" | "FALSE") => Value::Boolean(false),
        _ if is_number(&text) => Value::Number,
        _ => Value::Text(text),
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE")
}

/// `[-+]?[0-9]+`, `0o7`, `0xf`, `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `.inf`, `.nan`
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return false;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        && unsigned.parse::<f64>().is_ok()
}

fn position(span: &Span, first: u32) -> Position {
    at(span.start.line(), span.start.col(), first)
}

fn at(line: usize, column: usize, first: u32) -> Position {
    let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(first.saturating_sub(1));
    Position { line, column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1) }
}

/// What is wrong, in words for people who write manifests.
fn not_yaml(error: &ScanError, first: u32) -> Trouble {
    let mark = error.marker();
    let position = at(mark.line(), mark.col(), first);
    let what = match error.kind() {
        ErrorKind::InputIo { error } => return Trouble::new(error.message(), position),
        ErrorKind::RecursionLimitExceeded => {
            format!("more than {DEEPEST} lists and mappings stand inside each other")
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnclosedFlowCollection { open: '[' }
        | ErrorKind::ExpectedFlowSequenceSeparator => {
            "a list in `[` is not closed, or lacks a comma".to_owned()
        }
        ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::ExpectedFlowMappingSeparator => {
            "a mapping in `{` is not closed, or lacks a comma".to_owned()
        }
        ErrorKind::UnexpectedEof
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEofBlockSequence => "the document ends too early".to_owned(),
        ErrorKind::ExpectedBlockMappingKey => {
            "a key of a mapping is expected here; is the indentation right?".to_owned()
        }
        ErrorKind::ExpectedBlockSequenceEntry => {
            "an entry of a list is expected here; is the indentation right?".to_owned()
        }
        ErrorKind::ExpectedNodeContent => "a value is expected here".to_owned(),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "a key without a colon".to_owned()
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a colon that begins no value; a text that holds `: ` has to be quoted".to_owned()
        }
        ErrorKind::InvalidIndentation => "the indentation fits no line above".to_owned(),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab where only spaces may indent".to_owned(),
        ErrorKind::UnexpectedCharacter { character } => {
            let shown = printable(&character.to_string()).into_owned();
            format!("a value cannot begin with `{shown}`; quote it")
        }
        ErrorKind::BlockEntryInFlowCollection | ErrorKind::BlockSequenceEntryNotAllowed => {
            "a `-` where no list can begin".to_owned()
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            "a quoted text is not closed".to_owned()
        }
        ErrorKind::UnknownAnchor => "an alias names no anchor".to_owned(),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "a bracket closes what is not open".to_owned()
        }
        _ => printable(&error.info()).into_owned(),
    };
    Trouble::new(format!("not valid YAML: {what}"), position)
}
