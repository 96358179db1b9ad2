//! The values of fields: what is expected is read, and what stands there in its place is reported.
//!
//! Which field has which kind of value is not known here.

use crate::policy::problem::{At, Report, nearest, shorten};
use crate::policy::read::source::{Item, Located, Text, Texts};
use crate::policy::read::yaml::{Node, Value};
use crate::policy::rules::value::Choice;

/// A list of texts.
pub(in crate::policy) fn texts<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<Texts<'a>> {
    let items = items(node, at, report)?;
    let mut texts = Vec::with_capacity(items.len());
    for (index, Node { place, value }) in items.into_iter().enumerate() {
        match value.owned() {
            Value::Scalar(value) => texts.push(Item { value, place }),
            _ if report.counts_only() => {}
            other => report.problem(&at.item(index, place), expected_text(&other), None),
        }
    }
    Some(Texts { items: texts, at: at.clone() })
}

/// The items of a list, whatever they are.
pub(in crate::policy) fn items<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<Box<[Node<'a>]>> {
    match node.value.owned() {
        Value::Sequence(items) => Some(items),
        other => {
            let hint = "write it in brackets, as in `[one, two]`";
            report.problem(at, format!("expected a list, found {}", kind(&other)), Some(hint));
            None
        }
    }
}

/// One of the names of a type.
pub(in crate::policy) fn choice<T: Choice>(
    node: Node<'_>,
    at: &At,
    report: &mut Report,
) -> Option<T> {
    let written = text(node, at, report)?.value;
    let chosen = T::CHOICES.iter().find(|(name, _)| *name == written).map(|(_, value)| *value);
    if chosen.is_none() {
        let names: Vec<&str> = T::CHOICES.iter().map(|(name, _)| *name).collect();
        let near = nearest(&written, names.iter().copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{}` is not one of `{}`", shorten(&written), names.join("`, `"));
        report.problem(at, message, hint.as_deref());
    }
    chosen
}

/// A text, which may be written as a number or a date too.
pub(in crate::policy) fn text<'a>(
    node: Node<'a>,
    at: &At,
    report: &mut Report,
) -> Option<Text<'a>> {
    match node.value.owned() {
        Value::Scalar(value) => Some(Located { value, at: at.clone() }),
        other => {
            report.problem(at, expected_text(&other), None);
            None
        }
    }
}

/// A number of something, from 0.
pub(in crate::policy) fn count(node: Node<'_>, at: &At, report: &mut Report) -> Option<u32> {
    let written = text(node, at, report)?.value;
    let count = written.parse().ok().filter(|_| written.bytes().all(|byte| byte.is_ascii_digit()));
    if count.is_none() {
        let message = format!("`{}` is not a whole number", shorten(&written));
        report.problem(at, message, Some("write a number such as `0` or `10`"));
    }
    count
}

fn expected_text(found: &Value<'_>) -> String {
    format!("expected a text, found {}", kind(found))
}

/// What a value is, for a message.
pub(in crate::policy) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Mapping(_) => "a mapping",
        Value::Null => "nothing",
        Value::Scalar(_) => "a single value",
        Value::Sequence(_) => "a list",
        Value::Shared(shared) => kind(shared),
    }
}
