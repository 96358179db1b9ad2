//! Documents to import from: YAML or JSON with many documents, or lines of `NAME=value`.

use serde_json::{Map, Value};
use serde_saphyr::Options;

/// One object, with the file that it was read from.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) file: String,
    pub(crate) value: Value,
}

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct Unreadable {
    file: String,
    reason: String,
}

/// The documents of a text; the items of a List are documents of their own.
///
/// # Errors
/// When it is neither YAML of mappings nor lines of `NAME=value`.
pub fn documents(file: &str, text: &str) -> Result<Vec<Document>, Unreadable> {
    if let Some(variables) = variables(text) {
        return Ok(vec![Document { file: file.to_owned(), value: Value::Object(variables) }]);
    }
    let unreadable = |reason: String| Unreadable { file: file.to_owned(), reason };
    let mut options = Options::default();
    options.with_snippet = false;
    let values: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut documents = Vec::new();
    for value in values.into_iter().filter(|value| !value.is_null()) {
        if !value.is_object() {
            return Err(unreadable("a document is not an object".to_owned()));
        }
        push(file, value, &mut documents);
    }
    Ok(documents)
}

fn push(file: &str, value: Value, documents: &mut Vec<Document>) {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|it| it.ends_with("List"));
    match value.get("items") {
        Some(Value::Array(items)) if is_list => {
            for item in items {
                push(file, item.clone(), documents);
            }
        }
        _ => documents.push(Document { file: file.to_owned(), value }),
    }
}

/// Lines of `NAME=value`, as in a file of variables; `None` where any other line stands.
fn variables(text: &str) -> Option<Map<String, Value>> {
    let mut variables = Map::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            return None;
        }
        let value = value.trim_matches(['"', '\'']);
        variables.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    (!variables.is_empty()).then_some(variables)
}

impl Document {
    /// The file, kind and name, for people.
    pub(crate) fn name(&self) -> String {
        let kind = self.text("/kind");
        let object = match self.text("/metadata/name") {
            "" => kind.to_owned(),
            name => format!("{kind}/{name}"),
        };
        match self.file.as_str() {
            "-" if kind.is_empty() => "standard input".to_owned(),
            "-" => object,
            file if kind.is_empty() => file.to_owned(),
            file => format!("{file}: {object}"),
        }
    }

    /// Whether the object is of this API group.
    pub(crate) fn is_of(&self, group: &str) -> bool {
        self.text("/apiVersion").split('/').next() == Some(group)
    }

    /// The text at a JSON pointer; empty where there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        text(&self.value, pointer)
    }

    /// The texts of the list at a JSON pointer.
    pub(crate) fn texts(&self, pointer: &str) -> Vec<String> {
        texts(&self.value, pointer)
    }
}

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of the list at a JSON pointer.
pub(crate) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The elements of the list at a JSON pointer.
pub(crate) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
