//! A policy as it is written: nodes in the order of the text, with notation, anchors and comments.
//!
//! Only a text that has been read as a policy comes here, so what YAML or the reader refuses is not
//! looked for again.

use std::borrow::Cow;

use granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};

use super::comments::{Comment, Comments};
use super::{Unformatted, refused};

/// A document with the comments that stand at none of its fields.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// Above the first field, with a blank line in between.
    pub(super) header: Vec<Comment<'a>>,
    pub(super) root: Node<'a>,
    /// Behind a root in brackets.
    pub(super) foot: Vec<Comment<'a>>,
    /// Whether anything is repeated by an alias, which has to stay behind its anchor.
    pub(super) has_aliases: bool,
}

/// A value, with where its text starts and ends.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) anchor: Option<&'a str>,
    pub(super) content: Content<'a>,
    /// Offset of its anchor, its tag or its text, whichever comes first.
    pub(super) start: usize,
    /// Offset and line of its text alone.
    pub(super) text_start: usize,
    pub(super) line: usize,
    /// Offset and line of the end of a text or a closing bracket.
    pub(super) end: usize,
    pub(super) end_line: usize,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Alias(&'a str),
    Null,
    Text(Text<'a>),
    Sequence(Collection<'a>),
    Mapping(Collection<'a>),
}

/// A text or a key.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) value: Cow<'a, str>,
    /// As written: without quotes or a tag.
    pub(super) is_plain: bool,
    pub(super) block: Option<Block>,
}

/// A text over several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Literal,
    Folded,
}

/// What a list or a mapping holds.
#[derive(Debug)]
pub(super) struct Collection<'a> {
    /// In brackets.
    pub(super) is_flow: bool,
    /// From 0; that of the dashes or the keys.
    pub(super) column: usize,
    pub(super) entries: Vec<Entry<'a>>,
    /// Comments behind the last entry.
    pub(super) foot: Vec<Comment<'a>>,
}

/// An item of a list, or a field of a mapping.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Comments above it.
    pub(super) head: Vec<Comment<'a>>,
    /// Whether a blank line is right above it, below its comments.
    pub(super) is_apart: bool,
    pub(super) key: Option<Key<'a>>,
    pub(super) value: Node<'a>,
    /// The comment behind it.
    pub(super) beside: Option<Comment<'a>>,
}

/// The key of a field.
#[derive(Debug)]
pub(super) struct Key<'a> {
    pub(super) anchor: Option<&'a str>,
    /// `None` for an alias, which is then the anchor.
    pub(super) text: Option<Text<'a>>,
    start: usize,
    pub(super) line: usize,
    end: usize,
}

impl<'a> Document<'a> {
    /// Reads a text that is a policy.
    pub(super) fn read(text: &'a str) -> Result<Self, Unformatted> {
        let mut tree = Tree { text, open: Vec::new(), root: None, has_aliases: false };
        let mut comments = Vec::new();
        let mut events = Parser::with_options(StrInput::new(text), options());
        while let Some(next) = events.next() {
            let (event, span) = next.map_err(|error| not_yaml(&error))?;
            let anchored = match &event {
                Event::Comment(..) => {
                    comments.push(Comment::read(text, &span));
                    continue;
                }
                Event::Scalar(_, _, anchor, _)
                | Event::SequenceStart(_, anchor, _)
                | Event::MappingStart(_, anchor, _) => *anchor != 0,
                _ => false,
            };
            let anchor = if anchored { events.next() } else { None };
            let anchor = anchor.transpose().map_err(|error| not_yaml(&error))?;
            tree.take(event, &span, anchor.map(|(_, span)| span));
        }
        let Some(root) = tree.root else {
            let hint = "write at least `allowedRegistries`";
            return Err(refused("the policy is empty", None, hint));
        };
        if root.anchor.is_some() {
            let hint = "remove the anchor: no alias can name the whole";
            return Err(refused("the policy as a whole has an anchor", None, hint));
        }
        let has_aliases = tree.has_aliases;
        let mut document = Self { header: Vec::new(), root, foot: Vec::new(), has_aliases };
        Comments::new(comments).attach(&mut document);
        Ok(document)
    }
}

/// How a policy is read for its comments and anchors.
pub(super) fn options() -> Options {
    let mut options = Options::default();
    options.set_emit_comments(true);
    // The length of the text bounds them.
    options.max_buffered_comment_events = usize::MAX;
    options.emit_anchor_events = true;
    options
}

/// The tree while it grows.
struct Tree<'a> {
    text: &'a str,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    has_aliases: bool,
}

/// A collection that is not complete, and the key whose value comes next.
struct Open<'a> {
    node: Node<'a>,
    key: Option<Key<'a>>,
}

impl<'a> Tree<'a> {
    fn take(&mut self, event: Event<'a>, span: &Span, anchor: Option<Span>) {
        match event {
            Event::Alias(_) => {
                self.has_aliases = true;
                let name = self.slice(span);
                let name = name.strip_prefix('*').unwrap_or(name);
                if self.wants_key() {
                    self.key(Key { anchor: Some(name), ..key(None, span) });
                } else {
                    self.complete(self.node(Content::Alias(name), span, anchor));
                }
            }
            Event::Scalar(value, style, _, tag) => {
                let tag = tag.as_deref();
                let text = text(value, style, tag);
                if self.wants_key() {
                    let anchor = anchor.map(|span| self.anchor(&span));
                    self.key(Key { anchor, ..key(Some(text), span) });
                } else {
                    let is_null = is_null(&text, tag);
                    let content = if is_null { Content::Null } else { Content::Text(text) };
                    self.complete(self.node(content, span, anchor));
                }
            }
            Event::SequenceStart(style, ..) => {
                // A list may stand as far left as the key that it belongs to. Its place is then
                // said to be that of its first item.
                let is_dash = self.text.as_bytes().get(start_of(span)) == Some(&b'-');
                let outer = self.open.last().and_then(|open| open.node.content.collection());
                let column = match outer {
                    Some(outer) if !is_dash => outer.column,
                    _ => span.start.col(),
                };
                let content = Content::Sequence(collection(style, column));
                self.push(self.node(content, span, anchor));
            }
            Event::MappingStart(style, ..) => {
                let content = Content::Mapping(collection(style, span.start.col()));
                self.push(self.node(content, span, anchor));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, .. }) = self.open.pop() {
                    node.end = end_of(span);
                    node.end_line = span.end.line();
                    self.complete(node);
                }
            }
            _ => {}
        }
    }

    fn wants_key(&self) -> bool {
        let Some(Open { node, key }) = self.open.last() else { return false };
        key.is_none() && matches!(node.content, Content::Mapping(_))
    }

    fn key(&mut self, key: Key<'a>) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some(key);
        }
    }

    fn push(&mut self, node: Node<'a>) {
        self.open.push(Open { node, key: None });
    }

    fn node(&self, content: Content<'a>, span: &Span, anchor: Option<Span>) -> Node<'a> {
        let text_start = start_of(span);
        let tag = span.tag_start().and_then(|mark| mark.byte_offset());
        let properties = anchor.as_ref().map(start_of).into_iter().chain(tag);
        Node {
            anchor: anchor.map(|span| self.anchor(&span)),
            content,
            start: properties.fold(text_start, usize::min),
            text_start,
            line: span.start.line(),
            end: end_of(span),
            end_line: span.end.line(),
        }
    }

    /// Puts a complete node where it belongs.
    fn complete(&mut self, mut value: Node<'a>) {
        let Some(Open { node, key }) = self.open.last_mut() else {
            self.root = Some(value);
            return;
        };
        let Some(outer) = node.content.collection_mut() else { return };
        let key = key.take();
        let start = key.as_ref().map_or(value.start, |key| key.start);
        if let (Some(key), Content::Null) = (&key, &value.content) {
            // What is not written is nowhere.
            (value.start, value.text_start, value.end) = (key.end, key.end, key.end);
            (value.line, value.end_line) = (key.line, key.line);
        }
        let is_apart = is_below_a_blank_line(self.text, start);
        let entry = Entry { head: Vec::new(), is_apart, key, value, beside: None };
        outer.entries.push(entry);
    }

    fn anchor(&self, span: &Span) -> &'a str {
        let name = self.slice(span);
        name.strip_prefix('&').unwrap_or(name)
    }

    fn slice(&self, span: &Span) -> &'a str {
        self.text.get(start_of(span)..end_of(span)).unwrap_or_default()
    }
}

impl<'a> Content<'a> {
    pub(super) fn collection(&self) -> Option<&Collection<'a>> {
        match self {
            Self::Sequence(collection) | Self::Mapping(collection) => Some(collection),
            _ => None,
        }
    }

    pub(super) fn collection_mut(&mut self) -> Option<&mut Collection<'a>> {
        match self {
            Self::Sequence(collection) | Self::Mapping(collection) => Some(collection),
            _ => None,
        }
    }
}

impl Entry<'_> {
    /// Offset of its key, or of its value where it has none.
    pub(super) fn start(&self) -> usize {
        self.key.as_ref().map_or(self.value.start, |key| key.start)
    }
}

/// Whether the line of an offset begins there, but for blanks and dashes, and the one above it is blank.
pub(super) fn is_below_a_blank_line(text: &str, offset: usize) -> bool {
    let before = text.get(..offset).unwrap_or_default();
    let before = before.trim_end_matches([' ', '\t', '-']);
    let Some(above) = before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r']))
    else {
        return false;
    };
    let above = above.trim_end_matches([' ', '\t']);
    above.is_empty() || above.ends_with(['\n', '\r'])
}

fn collection<'a>(style: StructureStyle, column: usize) -> Collection<'a> {
    let is_flow = style == StructureStyle::Flow;
    Collection { is_flow, column, entries: Vec::new(), foot: Vec::new() }
}

fn text<'a>(value: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Text<'a> {
    let block = match style {
        ScalarStyle::Literal => Some(Block::Literal),
        ScalarStyle::Folded => Some(Block::Folded),
        _ => None,
    };
    Text { value, is_plain: style == ScalarStyle::Plain && tag.is_none(), block }
}

/// As the reader of policies has it.
fn is_null(text: &Text<'_>, tag: Option<&Tag>) -> bool {
    match tag.and_then(Tag::core_suffix) {
        Some("null") => true,
        _ => text.is_plain && matches!(&*text.value, "" | "~" | "null" | "Null" | "NULL"),
    }
}

fn key<'a>(text: Option<Text<'a>>, span: &Span) -> Key<'a> {
    let (start, end) = (start_of(span), end_of(span));
    Key { anchor: None, text, start, line: span.start.line(), end }
}

pub(super) fn start_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}

pub(super) fn end_of(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.end)
}

fn not_yaml(error: &ScanError) -> Unformatted {
    let mark = error.marker();
    let place = (mark.line() as u64, mark.col() as u64 + 1);
    refused("not valid YAML", Some(place), "`imagegate validate` says what is wrong")
}
