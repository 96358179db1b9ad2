//! Builds trees of what a reader tells, and gives away each object of a list as soon as it is
//! complete: a list of any length takes no more memory than its largest entry.
//!
//! A tree is not larger than the text allows: aliases share what their anchor names, and what all of
//! them stand for together is bounded before anybody walks it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use imagegate_core::manifest::{Entry, Node, Position, Value};
use imagegate_core::policy::printable;

/// Collections inside each other, with those that an alias stands for.
pub(super) const DEEPEST: usize = 128;
/// What one object may weigh: a node costs [`NODE`] bytes, and a text its length.
const HEAVIEST: usize = 64 << 20;
const NODE: usize = 64;
/// What the aliases of one document may stand for together.
const MOST_ALIASED: usize = 16 << 20;
/// A mapping with more keys than this finds doubles by a set.
const FEW_KEYS: usize = 16;

/// What is complete.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// An entry of `items` at the root, or of a list that is the root; the root lacks it. With what
    /// the root has said of itself so far.
    Item(Node<'a>, Root),
    /// The root of a document.
    Root(Node<'a>),
}

/// The `apiVersion` and `kind` of a root whose entries are still to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Root {
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
    pub(super) position: Position,
}

/// The tree while it grows.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    /// Collections that are not complete, the innermost last.
    open: Vec<Open<'a>>,
    anchors: HashMap<usize, Anchored<'a>>,
    /// What has been read of the current object, with what aliases stand for.
    weight: usize,
    /// What anchors keep beyond their object.
    anchored: usize,
    aliased: usize,
}

#[derive(Debug)]
struct Open<'a> {
    position: Position,
    anchor: usize,
    /// The weight of all that was read before it.
    before: usize,
    /// How many collections are inside each other in it, this one included.
    height: usize,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Mapping(Mapping<'a>),
    Sequence(Vec<Node<'a>>),
}

#[derive(Debug, Default)]
struct Mapping<'a> {
    entries: Vec<Entry<'a>>,
    /// The keys, once there are many.
    seen: HashSet<Cow<'a, str>>,
    /// A key whose value comes next.
    key: Option<Cow<'a, str>>,
    /// Whether that key is the `<<` of YAML.
    is_merge: bool,
    merged: Option<Node<'a>>,
}

#[derive(Debug)]
struct Anchored<'a> {
    value: Rc<Value<'a>>,
    weight: usize,
    height: usize,
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>, position: Position) -> Self {
        Self { message: message.into(), hint: None, position }
    }
}

impl<'a> Tree<'a> {
    /// Forgets everything: another document begins.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether what comes next is the key of a mapping.
    pub(super) fn wants_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open { content: Content::Mapping(Mapping { key: None, .. }), .. })
        )
    }

    /// A key of the mapping that is open.
    pub(super) fn key(
        &mut self,
        key: Cow<'a, str>,
        is_merge: bool,
        anchor: usize,
        position: Position,
    ) -> Result<(), Trouble> {
        self.weigh(NODE + key.len(), position)?;
        if anchor != 0 {
            let value = Value::Text(key.clone());
            let weight = NODE + key.len();
            self.anchors.insert(anchor, Anchored { value: Rc::new(value), weight, height: 0 });
        }
        let Some(Open { content: Content::Mapping(mapping), .. }) = self.open.last_mut() else {
            return Ok(());
        };
        let is_double = if is_merge { mapping.merged.is_some() } else { mapping.has(&key) };
        if is_double {
            let message = format!("the key `{}` is given twice", printable(&key));
            return Err(Trouble::new(message, position));
        }
        mapping.key = Some(key);
        mapping.is_merge = is_merge;
        Ok(())
    }

    /// A value that is no collection. `length` is that of its text.
    pub(super) fn scalar(
        &mut self,
        value: Value<'a>,
        length: usize,
        anchor: usize,
        position: Position,
    ) -> Result<Option<Part<'a>>, Trouble> {
        let before = self.weight;
        self.weigh(NODE + length, position)?;
        Ok(self.complete(value, position, anchor, before, 0))
    }

    pub(super) fn open_mapping(
        &mut self,
        anchor: usize,
        position: Position,
    ) -> Result<(), Trouble> {
        self.open(anchor, position, Content::Mapping(Mapping::default()))
    }

    pub(super) fn open_sequence(
        &mut self,
        anchor: usize,
        position: Position,
    ) -> Result<(), Trouble> {
        self.open(anchor, position, Content::Sequence(Vec::new()))
    }

    /// The innermost collection ends.
    pub(super) fn close(&mut self) -> Result<Option<Part<'a>>, Trouble> {
        let Some(Open { position, anchor, before, height, content }) = self.open.pop() else {
            return Ok(None);
        };
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping(mapping) => Value::Mapping(mapping.into_entries()?),
        };
        Ok(self.complete(value, position, anchor, before, height))
    }

    /// An alias stands for the whole of what its anchor names.
    pub(super) fn alias(
        &mut self,
        anchor: usize,
        position: Position,
    ) -> Result<Option<Part<'a>>, Trouble> {
        let Some(Anchored { value, weight, height }) = self.anchors.get(&anchor) else {
            return Err(Trouble::new("an alias stands inside of what it names", position));
        };
        let (value, weight, height) = (Rc::clone(value), *weight, *height);
        self.aliased += weight;
        if self.aliased > MOST_ALIASED {
            return Err(Trouble::new("the aliases up to here stand for too much", position));
        }
        if self.open.len() + height > DEEPEST {
            return Err(too_deep(position));
        }
        if self.wants_key() {
            let Value::Text(key) = &*value else { return Err(not_a_key(position)) };
            return self.key(key.clone(), false, 0, position).map(|()| None);
        }
        let before = self.weight;
        self.weigh(weight, position)?;
        Ok(self.complete(Value::Shared(value), position, 0, before, height))
    }

    fn open(
        &mut self,
        anchor: usize,
        position: Position,
        content: Content<'a>,
    ) -> Result<(), Trouble> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(position));
        }
        if self.wants_key() {
            return Err(not_a_key(position));
        }
        let before = self.weight;
        self.weigh(NODE, position)?;
        self.open.push(Open { position, anchor, before, height: 1, content });
        Ok(())
    }

    fn weigh(&mut self, weight: usize, position: Position) -> Result<(), Trouble> {
        self.weight += weight;
        if self.weight > HEAVIEST {
            let message = "the object is too large; a cluster stores no more than 1.5 MiB of one";
            return Err(Trouble::new(message, position));
        }
        Ok(())
    }

    /// Puts a complete node where it belongs, or gives it away.
    fn complete(
        &mut self,
        value: Value<'a>,
        position: Position,
        anchor: usize,
        before: usize,
        height: usize,
    ) -> Option<Part<'a>> {
        let value = if anchor == 0 {
            value
        } else {
            let value = Rc::new(value);
            let weight = self.weight - before;
            self.anchored += weight;
            self.anchors.insert(anchor, Anchored { value: Rc::clone(&value), weight, height });
            Value::Shared(value)
        };
        let node = Node { position, value };
        if self.is_item() {
            self.weight = self.anchored;
            return Some(Part::Item(node, self.root()));
        }
        let Some(parent) = self.open.last_mut() else {
            self.weight = self.anchored;
            return Some(Part::Root(node));
        };
        parent.height = parent.height.max(height + 1);
        match &mut parent.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(mapping) => mapping.value(node),
        }
        None
    }

    fn root(&self) -> Root {
        let Some(Open { content: Content::Mapping(root), .. }) = self.open.first() else {
            return Root::default();
        };
        let text = |key: &str| {
            let entry = root.entries.iter().find(|entry| entry.key == key)?;
            entry.value.text().map(str::to_owned)
        };
        Root { api_version: text("apiVersion"), kind: text("kind") }
    }

    /// Whether the innermost open collection is the `items` of the root, or is the root.
    fn is_item(&self) -> bool {
        match self.open.as_slice() {
            [Open { content: Content::Sequence(_), .. }] => true,
            [
                Open {
                    content: Content::Mapping(Mapping { key: Some(key), .. }), anchor: 0, ..
                },
                Open { content: Content::Sequence(_), anchor: 0, .. },
            ] => key == "items",
            _ => false,
        }
    }
}

impl<'a> Mapping<'a> {
    /// Whether a key is there; it will be.
    #[expect(clippy::ptr_arg, reason = "a borrowed key is kept without a copy")]
    fn has(&mut self, key: &Cow<'a, str>) -> bool {
        if self.entries.len() < FEW_KEYS {
            return self.entries.iter().any(|entry| entry.key == *key);
        }
        if self.seen.is_empty() {
            self.seen = self.entries.iter().map(|entry| entry.key.clone()).collect();
        }
        !self.seen.insert(key.clone())
    }

    fn value(&mut self, node: Node<'a>) {
        match self.key.take() {
            Some(_) if self.is_merge => self.merged = Some(node),
            Some(key) => self.entries.push(Entry { key, value: node }),
            None => {}
        }
    }

    /// The entries, with those of the mappings that are merged into it: its own win, and then the
    /// first.
    fn into_entries(mut self) -> Result<Vec<Entry<'a>>, Trouble> {
        let Some(merged) = self.merged.take() else { return Ok(self.entries) };
        let sources = match merged.value() {
            Value::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(&merged),
        };
        for source in sources {
            let Value::Mapping(entries) = source.value() else {
                return Err(Trouble::new("`<<` merges mappings", source.position));
            };
            for entry in entries {
                if !self.has(&entry.key) {
                    self.entries.push(entry.clone());
                }
            }
        }
        Ok(self.entries)
    }
}

fn too_deep(position: Position) -> Trouble {
    let message = format!("more than {DEEPEST} lists and mappings stand inside each other");
    Trouble::new(message, position)
}

fn not_a_key(position: Position) -> Trouble {
    Trouble::new("a key of a mapping has to be a text", position)
}
