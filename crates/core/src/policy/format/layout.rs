//! The lines of a policy: what fits stands on one line, anything else has a line for each of its parts.

use super::WIDTH;
use super::comments::Comment;
use super::lines::Lines;
use super::order::Place;
use super::scalar;
use super::tree::{Collection, Content, Document, Entry, Key, Node};

/// Blanks by which each level is indented.
const STEP: usize = 2;

/// The lines of a document whose fields are in order.
pub(super) fn lines<'a>(document: &Document<'a>) -> Lines<'a> {
    let Document { header, root, foot, has_aliases: _ } = document;
    let mut layout = Layout { lines: Lines::default(), has_dash: false };
    for (index, comment) in header.iter().enumerate() {
        layout.alone(0, comment, index > 0 && comment.is_apart);
    }
    if !header.is_empty() {
        layout.lines.blank();
    }
    if let Some(fields) = root.content.collection() {
        if fields.entries.is_empty() {
            // Every field has its default.
            layout.push(0, "{}".to_owned(), None);
        }
        layout.collection(fields, Place::Policy, 0);
    }
    for comment in foot {
        layout.alone(0, comment, comment.is_apart);
    }
    layout.lines
}

struct Layout<'a> {
    lines: Lines<'a>,
    /// Whether the next line begins an item of a list.
    has_dash: bool,
}

impl<'a> Layout<'a> {
    /// The entries of a list or a mapping, each on lines of its own.
    fn collection(&mut self, collection: &Collection<'a>, place: Place, indent: usize) {
        for (index, entry) in collection.entries.iter().enumerate() {
            let is_first = index == 0;
            for (above, comment) in entry.head.iter().enumerate() {
                self.alone(indent, comment, comment.is_apart && !(is_first && above == 0));
            }
            if entry.is_apart && !(is_first && entry.head.is_empty()) {
                self.lines.blank();
            }
            match &entry.key {
                Some(key) => self.field(key, entry, place, indent),
                None => self.item(entry, place, indent),
            }
        }
        for (index, comment) in collection.foot.iter().enumerate() {
            let is_first = index == 0 && collection.entries.is_empty();
            self.alone(indent, comment, comment.is_apart && !is_first);
        }
    }

    fn field(&mut self, key: &Key<'a>, entry: &Entry<'a>, place: Place, indent: usize) {
        let Entry { value, beside, .. } = entry;
        let mut text = String::new();
        write_key(key, &mut text);
        let inner = place.field(entry.name());
        let room = WIDTH.saturating_sub(indent + text.chars().count() + 1);
        let written = match &value.content {
            Content::Text(bare) if place.is_bare(entry.name()) => {
                let mut written = anchor(value);
                scalar::write_bare(&bare.value, &mut written);
                Some(written)
            }
            Content::Text(long) => {
                if let Some(long) = scalar::lines(long, indent + STEP) {
                    let text = format!("{text} {}{}", anchor(value), long.header);
                    self.push(indent, text, beside.as_ref());
                    for line in long.lines {
                        let indent = if line.is_empty() { 0 } else { indent + STEP };
                        self.push(indent, line, None);
                    }
                    return;
                }
                inline(value, inner)
            }
            _ => inline_within(value, inner, room),
        };
        if let Some(written) = written {
            self.push(indent, format!("{text} {written}"), beside.as_ref());
        } else {
            if value.anchor.is_some() {
                text.push(' ');
                text.push_str(anchor(value).trim_end());
            }
            self.spread(value, inner, indent, text, beside.as_ref());
        }
    }

    fn item(&mut self, entry: &Entry<'a>, place: Place, indent: usize) {
        let Entry { value, beside, .. } = entry;
        let room = WIDTH.saturating_sub(indent + STEP);
        if let Some(written) = inline_within(value, place, room) {
            return self.push(indent, format!("- {written}"), beside.as_ref());
        }
        let Some(collection) = value.content.collection() else { return };
        let is_empty = collection.entries.is_empty();
        if value.anchor.is_some() || is_empty || matches!(value.content, Content::Sequence(_)) {
            let text = format!("- {}", anchor(value));
            let text = text.trim_end().to_owned();
            return self.spread(value, place, indent, text, beside.as_ref());
        }
        // Behind the dash stands the first field, with a comment of its own perhaps.
        if let Some(comment) = beside {
            self.alone(indent, comment, false);
        }
        self.has_dash = true;
        self.collection(collection, place, indent + STEP);
    }

    /// A collection below the line that names it; in brackets where there are comments alone.
    fn spread(
        &mut self,
        value: &Node<'a>,
        place: Place,
        indent: usize,
        mut text: String,
        beside: Option<&Comment<'a>>,
    ) {
        let Some(collection) = value.content.collection() else { return };
        if !collection.entries.is_empty() {
            self.push(indent, text, beside);
            return self.collection(collection, place, indent + STEP);
        }
        let (open, close) = brackets(value);
        text.push(' ');
        text.push(open);
        self.push(indent, text, beside);
        self.collection(collection, place, indent + STEP);
        self.push(indent, close.to_string(), None);
    }

    /// A comment on a line of its own, perhaps below a blank one.
    fn alone(&mut self, indent: usize, comment: &Comment<'a>, is_apart: bool) {
        if is_apart {
            self.lines.blank();
        }
        self.lines.comment(indent, comment);
    }

    fn push(&mut self, indent: usize, text: String, beside: Option<&Comment<'a>>) {
        let text = if std::mem::take(&mut self.has_dash) {
            format!("{:1$}- {text}", "", indent.saturating_sub(STEP))
        } else if indent == 0 {
            text
        } else {
            format!("{:indent$}{text}", "")
        };
        self.lines.push(text, beside);
    }
}

/// A value on one line, however long; `None` where it needs several.
fn inline(value: &Node<'_>, place: Place) -> Option<String> {
    inline_within(value, place, usize::MAX)
}

/// A value on one line of so many characters; a text may take more.
fn inline_within(value: &Node<'_>, place: Place, room: usize) -> Option<String> {
    let mut out = String::new();
    // Each character is a byte at least.
    let is_whole = write(value, place, room.saturating_mul(4), &mut out);
    let is_list = value.content.collection().is_some_and(|it| !it.entries.is_empty());
    (is_whole && !(is_list && out.chars().count() > room)).then_some(out)
}

/// Writes a value, unless it needs several lines or more bytes than `most`.
fn write(value: &Node<'_>, place: Place, most: usize, out: &mut String) -> bool {
    out.push_str(&anchor(value));
    let collection = match &value.content {
        Content::Alias(name) => {
            out.push('*');
            out.push_str(name);
            return true;
        }
        Content::Null => {
            out.push_str("null");
            return true;
        }
        Content::Text(text) => {
            scalar::write(&text.value, out);
            return true;
        }
        Content::Sequence(collection) | Content::Mapping(collection) => collection,
    };
    let (open, close) = brackets(value);
    out.push(open);
    if !collection.foot.is_empty() || !collection.entries.is_empty() && needs_lines(value, place) {
        return false;
    }
    for (index, entry) in collection.entries.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        if !entry.head.is_empty() || entry.beside.is_some() || out.len() > most {
            return false;
        }
        let mut inner = place;
        if let Some(key) = &entry.key {
            write_key(key, out);
            out.push(' ');
            inner = place.field(entry.name());
            match &entry.value.content {
                Content::Text(text) if place.is_bare(entry.name()) => {
                    out.push_str(&anchor(&entry.value));
                    scalar::write_bare(&text.value, out);
                    continue;
                }
                // Its author wrote it over several lines.
                Content::Text(text) if scalar::lines(text, 0).is_some() => return false,
                _ => {}
            }
        }
        if !write(&entry.value, inner, most, out) {
            return false;
        }
    }
    out.push(close);
    true
}

/// Whether a mapping or a list has a line for each entry, however short all of them are: a list of
/// mappings is easier to read so, and to compare.
fn needs_lines(value: &Node<'_>, place: Place) -> bool {
    match &value.content {
        Content::Mapping(_) => place.is_spread(),
        Content::Sequence(collection) => {
            let is_text = |entry: &Entry<'_>| {
                matches!(entry.value.content, Content::Text(_) | Content::Null | Content::Alias(_))
            };
            !collection.entries.iter().all(is_text)
        }
        _ => false,
    }
}

fn write_key(key: &Key<'_>, out: &mut String) {
    match (&key.text, key.anchor) {
        (Some(text), anchor) => {
            if let Some(anchor) = anchor {
                out.push('&');
                out.push_str(anchor);
                out.push(' ');
            }
            if text.is_plain && text.value == "<<" {
                out.push_str("<<");
            } else {
                scalar::write(&text.value, out);
            }
        }
        (None, alias) => {
            out.push('*');
            out.push_str(alias.unwrap_or_default());
            out.push(' ');
        }
    }
    out.push(':');
}

/// `&name ` where a value has an anchor.
fn anchor(value: &Node<'_>) -> String {
    value.anchor.map(|name| format!("&{name} ")).unwrap_or_default()
}

fn brackets(value: &Node<'_>) -> (char, char) {
    if matches!(value.content, Content::Sequence(_)) { ('[', ']') } else { ('{', '}') }
}
