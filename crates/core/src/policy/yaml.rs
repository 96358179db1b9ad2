//! A YAML document as a tree that knows its places.
//!
//! Scalars keep the text they were written as: a tag `1.0` is not a number. Nothing is checked
//! here but YAML itself; duplicate keys, a second document and recursion are refused.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Budget, Error, Location, Options, Spanned};

/// A node with its one-based line and column.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) place: (u64, u64),
    pub(super) value: Value<'a>,
}

/// What stands at a node.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Mapping(Vec<(Key, Node<'a>)>),
    Null,
    Scalar(Cow<'a, str>),
    Sequence(Vec<Node<'a>>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: (u64, u64),
}

/// Why a text is not a YAML document.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) message: String,
    pub(super) place: Option<(u64, u64)>,
}

/// Whether the items of lists know their places. To learn them is a third of the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Places {
    /// Every node knows its place.
    #[default]
    Everywhere,
    /// What stands in a list may not know its place. A text is read nevertheless as it is with
    /// places, or with them.
    NotInLists,
}

/// Reads one document.
pub(super) fn parse(text: &str, places: Places) -> Result<Node<'_>, Malformed> {
    if places == Places::NotInLists
        && let Ok(tree) =
            serde_saphyr::from_str_with_options::<Spanned<Tree<'_, false>>>(text, options())
    {
        return Ok(node(tree, text));
    }
    let tree: Spanned<Tree<'_, true>> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| malformed(&error))?;
    Ok(node(tree, text))
}

/// Room for 100,000 rules; far below what would hurt.
fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_events = 2_000_000;
    budget.max_nodes = 1_000_000;
    budget.max_depth = 32;
    budget.max_aliases = 1_000;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.with_snippet = false;
    options
}

fn malformed(error: &Error) -> Malformed {
    let place = error.location().map(|location| (location.line(), location.column()));
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    // The place is said in front of the message already.
    let text = text.split(" at line ").next().unwrap_or(text);
    let message = if text.starts_with("duplicate mapping key: ") {
        let key = text.trim_start_matches("duplicate mapping key: ");
        let key = key.split(", set ").next().unwrap_or(key);
        format!("the key `{}` is given twice", key.escape_debug())
    } else if text.starts_with("multiple YAML documents") {
        "there is a second document; a policy is one document".to_owned()
    } else {
        format!("not valid YAML: {}", text.escape_debug())
    };
    Malformed { message, place }
}

fn node<'a, const PLACES: bool>(spanned: Spanned<Tree<'a, PLACES>>, text: &'a str) -> Node<'a> {
    let location = spanned.referenced;
    let written = || {
        let span = spanned.defined.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        text.get(start..start.checked_add(length)?)
    };
    let value = match spanned.value {
        Tree::Mapping(entries) => Value::Mapping(
            entries.into_iter().map(|(key, value)| (self::key(key), node(value, text))).collect(),
        ),
        Tree::Null => Value::Null,
        Tree::Sequence(items) => {
            Value::Sequence(items.into_iter().map(|item| node(item, text)).collect())
        }
        Tree::Text(text) => Value::Scalar(text),
        Tree::Typed(fallback) => {
            Value::Scalar(written().map_or(fallback.into(), |text| text.trim_end().into()))
        }
    };
    Node { place: (location.line(), location.column()), value }
}

fn key(spanned: Spanned<String>) -> Key {
    let location = spanned.referenced;
    Key { name: spanned.value, place: (location.line(), location.column()) }
}

/// The document as the deserializer sees it; `Typed` is a scalar that YAML reads as a boolean or
/// a number, with a rendering of it in case its place in the text is not known.
enum Tree<'a, const PLACES: bool> {
    Mapping(Vec<(Spanned<String>, Spanned<Self>)>),
    Null,
    Sequence(Vec<Spanned<Self>>),
    Text(Cow<'a, str>),
    Typed(String),
}

impl<'de, const PLACES: bool> Deserialize<'de> for Tree<'de, PLACES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor::<PLACES>)
    }
}

struct TreeVisitor<const PLACES: bool>;

impl<'de, const PLACES: bool> Visitor<'de> for TreeVisitor<PLACES> {
    type Value = Tree<'de, PLACES>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Tree::Typed(value.to_string()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::Text(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Tree::Text(value.to_owned().into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        if PLACES {
            while let Some(item) = access.next_element()? {
                items.push(item);
            }
            return Ok(Tree::Sequence(items));
        }
        while let Some(item) = access.next_element()? {
            if matches!(item, Tree::Typed(_)) {
                return Err(A::Error::custom("only its place says how this was written"));
            }
            items.push(Spanned::new(item, Location::UNKNOWN, Location::UNKNOWN));
        }
        Ok(Tree::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Node, Places, Value, parse};

    /// The tree as JSON-like text, without places.
    fn shown(node: &Node<'_>) -> String {
        match &node.value {
            Value::Null => "null".to_owned(),
            Value::Scalar(text) => format!("{text:?}"),
            Value::Sequence(items) => format!("{:?}", items.iter().map(shown).collect::<Vec<_>>()),
            Value::Mapping(entries) => {
                let entry = |(Key { name, .. }, node): &(Key, Node<'_>)| {
                    format!("{name:?}: {}", shown(node))
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn a_tree_is_the_same_with_and_without_places() {
        let texts = [
            "a: [b, 'c d', \"e\\n\", \"f\"]",
            "a:\n- 1.0\n- yes\n- null\n- ~\n-\n- .nan",
            "a: [1.0, [2, {b: no}], {c: 0x10}]",
            "a: [!!str 1, !!int \"2\", !other 3, !!bool yes]",
            "a: &x [b, c]\nd: [*x, *x]",
            "a: &x {b: c}\nd: [{<<: *x, e: f}]",
            "- |\n  b\n  c\n- >\n  d\n  e",
            "[]",
            "",
            "a",
            "a: [b\n",
            "a: [b]\na: [c]",
            "a: [{b: c, b: d}]",
            "a: [b]\n---\na: [c]",
            "a: &x [*x]",
            "a: [!!binary aGk=, !!int x]",
        ];
        for text in texts {
            let [with, without] = [Places::Everywhere, Places::NotInLists]
                .map(|places| parse(text, places).map(|node| shown(&node)));
            let said = |malformed: super::Malformed| (malformed.message, malformed.place);
            assert_eq!(without.map_err(said), with.map_err(said), "{text}");
        }
    }
}
