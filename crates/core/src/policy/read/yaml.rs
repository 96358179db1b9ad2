//! A YAML document as a tree that knows its places.
//!
//! Scalars keep the text they were written as: a tag `1.0` is not a number. Nothing is checked
//! here but YAML itself; duplicate keys, a second document, recursion and tags that would change
//! what a text means are refused.
//!
//! The tree of a document is not larger than the document allows: an alias shares what its anchor
//! names, and what all aliases stand for together is bounded before anybody copies it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::policy::printable::printable;
use crate::policy::problem::Place;

/// A node with its place.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Node<'a> {
    pub(in crate::policy) place: Place,
    pub(in crate::policy) value: Value<'a>,
}

/// What stands at a node.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Value<'a> {
    Mapping(Box<[(Key<'a>, Node<'a>)]>),
    Null,
    Scalar(Cow<'a, str>),
    Sequence(Box<[Node<'a>]>),
    /// What has an anchor; its aliases share it.
    Shared(Rc<Value<'a>>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Key<'a> {
    pub(in crate::policy) name: Cow<'a, str>,
    pub(in crate::policy) place: Place,
}

/// Why a text is not a YAML document.
#[derive(Debug)]
pub(in crate::policy) struct Malformed {
    pub(in crate::policy) message: String,
    pub(in crate::policy) place: Option<Place>,
    pub(in crate::policy) hint: Option<&'static str>,
}

/// Collections inside each other, with those that an alias stands for. A policy needs five.
const DEEPEST: usize = 32;
/// Keys of one mapping. A policy has thirteen fields.
const MOST_KEYS: usize = 32;
/// Aliases may stand for as much as the document has bytes, or for this much where that is more:
/// a short policy may well name one list in each of its overrides.
const LEAST_ALIASED: usize = 64 << 10;

impl Value<'_> {
    /// The value itself: a shared one is copied, as far as it has aliases.
    pub(in crate::policy) fn owned(self) -> Self {
        match self {
            Self::Shared(shared) => Rc::unwrap_or_clone(shared).owned(),
            value => value,
        }
    }
}

/// Reads one document; a text without any is `Null`.
pub(in crate::policy) fn parse(text: &str) -> Result<Node<'_>, Malformed> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let mut tree = Tree::new(text.len());
    for next in Parser::with_options(StrInput::new(text), options) {
        let (event, span) = next.map_err(|error| not_yaml(&error))?;
        tree.take(event, place(&span))?;
    }
    Ok(tree.root.unwrap_or(Node { place: (1, 1), value: Value::Null }))
}

/// The tree while it grows.
struct Tree<'a> {
    /// Collections that are not complete, the innermost last.
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    documents: usize,
    anchors: HashMap<usize, Anchored<'a>>,
    /// Nodes and bytes of text so far, with those that aliases stand for.
    weight: usize,
    /// What aliases may still stand for.
    aliased: usize,
}

struct Open<'a> {
    place: Place,
    anchor: usize,
    /// The weight of all that was read before it.
    before: usize,
    /// How many collections are inside each other in it, this one included.
    height: usize,
    content: Content<'a>,
}

enum Content<'a> {
    Mapping {
        entries: Vec<(Key<'a>, Node<'a>)>,
        merged: Option<Node<'a>>,
        key: Option<Pending<'a>>,
    },
    Sequence(Vec<Node<'a>>),
}

/// A key whose value comes next.
enum Pending<'a> {
    Key(Key<'a>),
    Merge,
}

struct Anchored<'a> {
    value: Rc<Value<'a>>,
    weight: usize,
    height: usize,
}

impl<'a> Tree<'a> {
    fn new(length: usize) -> Self {
        Self {
            open: Vec::new(),
            root: None,
            documents: 0,
            anchors: HashMap::new(),
            weight: 0,
            aliased: length.max(LEAST_ALIASED),
        }
    }

    fn take(&mut self, event: Event<'a>, place: Place) -> Result<(), Malformed> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "there is a second document; a policy is one document";
                    return Err(refused(message, place, None));
                }
            }
            Event::Alias(anchor) => return self.alias(anchor, place),
            Event::Scalar(text, style, anchor, tag) => {
                return self.scalar(text, style, anchor, tag.as_deref(), place);
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), &["seq"], place)?;
                self.open(anchor, place, Content::Sequence(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), &["map"], place)?;
                let content = Content::Mapping { entries: Vec::new(), merged: None, key: None };
                self.open(anchor, place, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(),
            _ => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), Malformed> {
        check_tag(tag, &["str", "null", "bool", "int", "float"], place)?;
        let before = self.weight;
        self.weight += 1 + text.len();
        let plain = style == ScalarStyle::Plain && tag.is_none();
        if let Some(Open { content: Content::Mapping { key: key @ None, .. }, .. }) =
            self.open.last_mut()
        {
            if anchor != 0 {
                let value = Rc::new(Value::Scalar(text.clone()));
                let weight = self.weight - before;
                self.anchors.insert(anchor, Anchored { value, weight, height: 0 });
            }
            *key = Some(if plain && text == "<<" {
                Pending::Merge
            } else {
                Pending::Key(Key { name: text, place })
            });
            return Ok(());
        }
        let null = matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
        let value = match tag.and_then(Tag::core_suffix) {
            Some("null") => Value::Null,
            None if plain && null => Value::Null,
            _ => Value::Scalar(text),
        };
        self.complete(value, place, anchor, before, 0)
    }

    fn open(&mut self, anchor: usize, place: Place, content: Content<'a>) -> Result<(), Malformed> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(place));
        }
        if let Some(Open { content: Content::Mapping { key: None, .. }, .. }) = self.open.last() {
            return Err(refused("a key of a mapping is a text", place, None));
        }
        self.open.push(Open { place, anchor, before: self.weight, height: 1, content });
        self.weight += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Malformed> {
        // The parser closes only what it has opened.
        let Some(Open { place, anchor, before, height, content }) = self.open.pop() else {
            return Ok(());
        };
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items.into()),
            Content::Mapping { entries, merged, .. } => {
                Value::Mapping(merge(entries, merged)?.into())
            }
        };
        self.complete(value, place, anchor, before, height)
    }

    /// An alias stands for the whole of what its anchor names.
    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Malformed> {
        let Some(Anchored { value, weight, height }) = self.anchors.get(&anchor) else {
            return Err(refused("not valid YAML: an alias inside of what it names", place, None));
        };
        let Some(left) = self.aliased.checked_sub(*weight) else {
            let message = "the aliases up to here stand for more than the whole document";
            let hint = "write fewer of them, or put the list into the base";
            return Err(refused(message, place, Some(hint)));
        };
        if self.open.len() + height > DEEPEST {
            return Err(too_deep(place));
        }
        self.aliased = left;
        let (value, before, height) = (Value::Shared(Rc::clone(value)), self.weight, *height);
        self.weight += weight;
        if let Some(Open { content: Content::Mapping { key: key @ None, .. }, .. }) =
            self.open.last_mut()
        {
            let Value::Scalar(name) = value.owned() else {
                return Err(refused("a key of a mapping is a text", place, None));
            };
            *key = Some(Pending::Key(Key { name, place }));
            return Ok(());
        }
        self.complete(value, place, 0, before, height)
    }

    /// Puts a complete node where it belongs.
    fn complete(
        &mut self,
        value: Value<'a>,
        place: Place,
        anchor: usize,
        before: usize,
        height: usize,
    ) -> Result<(), Malformed> {
        let value = if anchor == 0 {
            value
        } else {
            let value = Rc::new(value);
            let weight = self.weight - before;
            self.anchors.insert(anchor, Anchored { value: Rc::clone(&value), weight, height });
            Value::Shared(value)
        };
        let node = Node { place, value };
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.height = parent.height.max(height + 1);
        match &mut parent.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, merged, key } => match key.take() {
                Some(Pending::Key(key)) => {
                    if entries.iter().any(|(other, _)| other.name == key.name) {
                        return Err(twice(&key.name, key.place));
                    }
                    check_room(entries, key.place)?;
                    entries.push((key, node));
                }
                Some(Pending::Merge) if merged.is_some() => return Err(twice("<<", place)),
                Some(Pending::Merge) => *merged = Some(node),
                None => {}
            },
        }
        Ok(())
    }
}

/// The entries of a mapping with those of the mappings that are merged into it: its own win, and
/// then the first.
fn merge<'a>(
    mut entries: Vec<(Key<'a>, Node<'a>)>,
    merged: Option<Node<'a>>,
) -> Result<Vec<(Key<'a>, Node<'a>)>, Malformed> {
    let Some(Node { place, value }) = merged else { return Ok(entries) };
    let mappings = match value.owned() {
        Value::Sequence(items) => items,
        value => [Node { place, value }].into(),
    };
    for node in mappings {
        let Value::Mapping(more) = node.value.owned() else {
            return Err(refused("`<<` merges mappings", node.place, None));
        };
        for (key, node) in more {
            if !entries.iter().any(|(own, _)| own.name == key.name) {
                check_room(&entries, key.place)?;
                entries.push((key, node));
            }
        }
    }
    Ok(entries)
}

/// Checks that a mapping may have one more key.
fn check_room(entries: &[(Key<'_>, Node<'_>)], place: Place) -> Result<(), Malformed> {
    if entries.len() < MOST_KEYS {
        return Ok(());
    }
    let message = format!("a mapping of more than {MOST_KEYS} keys, as no policy has");
    Err(refused(message, place, None))
}

/// Texts are kept as they were written, so a tag can say only what goes without saying.
fn check_tag(tag: Option<&Tag>, known: &[&str], place: Place) -> Result<(), Malformed> {
    let Some(tag) = tag else { return Ok(()) };
    if tag.core_suffix().is_some_and(|suffix| known.contains(&suffix)) || tag.original() == "!" {
        return Ok(());
    }
    let message = format!("the tag `{}` means nothing here", printable(&tag.original()));
    Err(refused(message, place, None))
}

fn twice(key: &str, place: Place) -> Malformed {
    refused(format!("the key `{}` is given twice", printable(key)), place, None)
}

fn too_deep(place: Place) -> Malformed {
    let message = format!("not valid YAML: more than {DEEPEST} lists and mappings in each other");
    refused(message, place, None)
}

fn refused(message: impl Into<String>, place: Place, hint: Option<&'static str>) -> Malformed {
    Malformed { message: message.into(), place: Some(place), hint }
}

fn not_yaml(error: &ScanError) -> Malformed {
    let mark = error.marker();
    let place = (number(mark.line()), number(mark.col().saturating_add(1)));
    refused(format!("not valid YAML: {}", printable(&error.info())), place, None)
}

fn place(span: &Span) -> Place {
    (number(span.start.line()), number(span.start.col().saturating_add(1)))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
