//! A document as a tree that knows its places.

use std::borrow::Cow;
use std::rc::Rc;

/// Where something stands in a text. Both numbers count from 1, columns in characters; both are 0
/// where there is no text, as in an object of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A node with its place.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// Where it begins.
    pub position: Position,
    /// What stands there.
    pub value: Value<'a>,
}

/// What stands at a node.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// `true` or `false`
    Boolean(bool),
    /// Keys with their values, in the order of the text. No key is there twice.
    Mapping(Vec<Entry<'a>>),
    /// `null`, or nothing at all
    Null,
    /// A number
    Number,
    /// A list
    Sequence(Vec<Node<'a>>),
    /// What an alias of YAML stands for; all aliases share it.
    Shared(Rc<Value<'a>>),
    /// A text
    Text(Cow<'a, str>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// Its value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The value itself, also where it is shared.
    #[must_use]
    pub fn value(&self) -> &Value<'a> {
        let mut value = &self.value;
        while let Value::Shared(shared) = value {
            value = shared;
        }
        value
    }

    /// The entries of a mapping; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        match self.value() {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a text that is not empty.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.value() {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The same tree, which borrows from nothing.
    #[must_use]
    pub fn into_owned(self) -> Node<'static> {
        Node { position: self.position, value: self.value.into_owned() }
    }

    /// What it is, in words: `a number`.
    #[must_use]
    pub fn described(&self) -> &'static str {
        match self.value() {
            Value::Boolean(_) => "a Boolean",
            Value::Mapping(_) => "a mapping",
            Value::Null => "null",
            Value::Number => "a number",
            Value::Sequence(_) => "a list",
            Value::Text(_) | Value::Shared(_) => "a text",
        }
    }
}

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Boolean(is_true) => Value::Boolean(is_true),
            Self::Mapping(entries) => {
                let owned = |entry: Entry<'_>| Entry {
                    key: Cow::Owned(entry.key.into_owned()),
                    value: entry.value.into_owned(),
                };
                Value::Mapping(entries.into_iter().map(owned).collect())
            }
            Self::Null => Value::Null,
            Self::Number => Value::Number,
            Self::Sequence(items) => {
                Value::Sequence(items.into_iter().map(Node::into_owned).collect())
            }
            Self::Shared(shared) => Rc::unwrap_or_clone(shared).into_owned(),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }
}

/// An object of the API, of which there is no text: all positions are 0.
impl<'a> From<&'a serde_json::Value> for Node<'a> {
    fn from(json: &'a serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(is_true) => Value::Boolean(*is_true),
            Json::Number(_) => Value::Number,
            Json::String(text) => Value::Text(Cow::Borrowed(text)),
            Json::Array(items) => Value::Sequence(items.iter().map(Self::from).collect()),
            Json::Object(fields) => {
                let entry = |(key, value): (&'a String, &'a Json)| Entry {
                    key: Cow::Borrowed(key),
                    value: Self::from(value),
                };
                Value::Mapping(fields.iter().map(entry).collect())
            }
        };
        Self { position: Position::default(), value }
    }
}
