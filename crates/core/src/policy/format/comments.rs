//! Which comment belongs to what.
//!
//! A comment on a line of its own belongs to what comes below it, unless it is indented like the
//! items of a list or a mapping that ends above it: then it stays at the end of those. A comment
//! behind a text belongs to that text, and behind a bracket to what the bracket ends.

use std::iter::Peekable;
use std::vec::IntoIter;

use granit_parser::{Event, Parser, Span, StrInput};

use super::tree::{Collection, Document, Entry, end_of, is_below_a_blank_line, options, start_of};

/// A comment that says what an editor is to do, wherever it stands.
const MODELINE: &str = "# yaml-language-server:";

/// A comment with its place.
#[derive(Clone, Debug)]
pub(super) struct Comment<'a> {
    /// From `#` on, without what is blank at its end.
    pub(super) text: &'a str,
    /// Whether a blank line is right above it.
    pub(super) is_apart: bool,
    /// Whether nothing else is on its line.
    is_alone: bool,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Comment<'a> {
    /// The comment at a place of the text.
    pub(super) fn read(text: &'a str, span: &Span) -> Self {
        let offset = start_of(span);
        let before = text.get(..offset).unwrap_or_default().trim_end_matches([' ', '\t']);
        Self {
            text: text.get(offset..end_of(span)).unwrap_or_default().trim_end(),
            is_apart: is_below_a_blank_line(text, offset),
            is_alone: before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}']),
            offset,
            line: span.start.line(),
            column: span.start.col(),
        }
    }
}

/// The texts of all comments, sorted. What stands behind a broken place is left out.
pub(super) fn texts(text: &str) -> Vec<&str> {
    let events = Parser::with_options(StrInput::new(text), options()).map_while(Result::ok);
    let comments = events.filter(|(event, _)| matches!(event, Event::Comment(..)));
    let mut texts: Vec<_> = comments.map(|(_, span)| Comment::read(text, &span).text).collect();
    texts.sort_unstable();
    texts
}

/// The comments that belong to nothing yet, in the order of the text.
pub(super) struct Comments<'a>(Peekable<IntoIter<Comment<'a>>>);

impl<'a> Comments<'a> {
    pub(super) fn new(mut comments: Vec<Comment<'a>>) -> Self {
        comments.sort_by_key(|comment| comment.offset);
        Self(comments.into_iter().peekable())
    }

    /// Gives each comment to what it belongs to.
    pub(super) fn attach(mut self, document: &mut Document<'a>) {
        let root = &mut document.root;
        let mut above = Vec::new();
        while let Some(comment) = self.before(root.text_start) {
            above.push(comment);
        }
        if let Some(collection) = root.content.collection_mut() {
            let limit = if collection.is_flow { root.end } else { usize::MAX };
            self.collection(collection, limit, 0);
            match collection.entries.first_mut() {
                Some(first) => drop(first.head.splice(..0, above)),
                None => document.header = above,
            }
        }
        document.foot.extend(self.0);
    }

    /// Those in a collection that ends before `limit`; at its end those that are indented by `least`.
    fn collection(&mut self, collection: &mut Collection<'a>, limit: usize, least: usize) {
        let starts = collection.entries.iter().skip(1).map(Entry::start);
        let ends: Vec<usize> = starts.chain([limit]).collect();
        for (entry, end) in collection.entries.iter_mut().zip(ends) {
            self.entry(entry, end, collection.column);
        }
        let is_flow = collection.is_flow;
        let is_foot =
            |comment: &Comment<'_>| comment.offset < limit && (is_flow || comment.column >= least);
        while let Some(comment) = self.0.next_if(is_foot) {
            collection.foot.push(comment);
        }
    }

    /// Those of an entry, before what comes next. `column` is that of the collection.
    fn entry(&mut self, entry: &mut Entry<'a>, end: usize, column: usize) {
        while let Some(comment) = self.before(entry.start()) {
            entry.head.push(comment);
        }
        let is_block = matches!(entry.value.content.collection(), Some(value) if !value.is_flow);
        let start = entry.value.text_start;
        let line = entry.key.as_ref().map(|key| key.line);
        // Above the items of a block, or behind a dash, a comment belongs to the first of them.
        let is_own = |comment: &Comment<'_>| {
            let is_beside = !comment.is_alone && line.is_none_or(|line| line == comment.line);
            comment.offset < start && (is_beside || !is_block)
        };
        while let Some(comment) = self.0.next_if(is_own) {
            entry.add(comment);
        }
        if let Some(collection) = entry.value.content.collection_mut() {
            if collection.is_flow {
                let (line, limit) = (entry.value.line, entry.value.end);
                let first = collection.entries.first().map_or(limit, Entry::start);
                let is_at_bracket = |comment: &Comment<'_>| {
                    !comment.is_alone && comment.line == line && comment.offset < first
                };
                let comment = self.0.next_if(is_at_bracket);
                self.collection(collection, limit, 0);
                if let Some(comment) = comment {
                    entry.add(comment);
                }
            } else {
                let least = collection.column.max(column + 1);
                self.collection(collection, end, least);
                return;
            }
        }
        let line = entry.value.end_line;
        let is_behind = |comment: &Comment<'_>| {
            !comment.is_alone && comment.line == line && comment.offset < end
        };
        while let Some(comment) = self.0.next_if(is_behind) {
            entry.add(comment);
        }
    }

    fn before(&mut self, offset: usize) -> Option<Comment<'a>> {
        self.0.next_if(|comment| comment.offset < offset)
    }
}

impl<'a> Entry<'a> {
    /// Adds a comment that stands on a line of the entry; only one of them can stay there.
    fn add(&mut self, comment: Comment<'a>) {
        if !comment.is_alone && self.beside.is_none() {
            self.beside = Some(comment);
        } else {
            self.head.push(comment);
        }
    }
}

/// Takes those of the comments above the first field that are about the document: what has a blank line
/// below it, and what is for an editor.
pub(super) fn split_header(document: &mut Document<'_>) {
    let Document { header, root, .. } = document;
    let entries = root.content.collection_mut().map(|collection| &mut collection.entries);
    let Some(first) = entries.and_then(|entries| entries.first_mut()) else { return };
    if !header.is_empty() {
        // As it will be written.
        match first.head.first_mut() {
            Some(comment) => comment.is_apart = true,
            None => first.is_apart = true,
        }
        first.head.splice(..0, header.drain(..));
    }
    let modelines = first.head.iter().take_while(|comment| comment.text.starts_with(MODELINE));
    let apart = first.head.iter().rposition(|comment| comment.is_apart).unwrap_or(0);
    let count = if first.is_apart { first.head.len() } else { apart.max(modelines.count()) };
    header.extend(first.head.drain(..count));
    // The blank line is below the header, whichever field comes first in the end.
    match first.head.first_mut() {
        Some(comment) => comment.is_apart = false,
        None => first.is_apart = false,
    }
}
