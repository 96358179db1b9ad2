//! Images in Kubernetes manifests: files, directories and standard input, YAML or JSON, many
//! documents, Lists.
//!
//! Objects without images are skipped; documents that are not objects are reported.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::located::{self, Place, STDIN};
use super::target::{self, Target};
use imagegate_core::admission::{BadReview, images_of_object};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// How deep directories may be nested.
const DEEPEST: usize = 32;

/// Calls `visit` with each image at `path`; returns how many documents could not be read.
pub(super) fn each(path: &Path, visit: &mut impl FnMut(Target) -> Result<()>) -> Result<usize> {
    if path == Path::new(STDIN) {
        return document_file(STDIN, &read(std::io::stdin(), "standard input")?, visit);
    }
    let mut unreadable = 0;
    for file in files(path, 0)? {
        let name = file.display().to_string();
        let opened = fs::File::open(&file).with_context(|| format!("cannot read `{name}`"))?;
        unreadable += document_file(&name, &read(opened, &name)?, visit)?;
    }
    Ok(unreadable)
}

/// The manifests below a directory, sorted by name, or the file itself.
fn files(path: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot read `{}`", path.display());
    if !fs::metadata(path).with_context(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if depth == DEEPEST {
        bail!("`{}` is more than {DEEPEST} directories deep", path.display());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).with_context(failed)? {
        entries.push(entry.with_context(failed)?.path());
    }
    entries.sort_unstable();
    let mut found = Vec::new();
    for entry in entries {
        let extension = entry.extension().and_then(|extension| extension.to_str());
        let is_link = fs::symlink_metadata(&entry).with_context(failed)?.is_symlink();
        if entry.is_dir() && !is_link {
            found.extend(files(&entry, depth + 1)?);
        } else if matches!(extension, Some("json" | "yaml" | "yml")) && entry.is_file() {
            found.push(entry);
        }
    }
    Ok(found)
}

fn read(source: impl std::io::Read, name: &str) -> Result<String> {
    let mut text = String::new();
    let read = source.take(LARGEST + 1).read_to_string(&mut text);
    if read.with_context(|| format!("cannot read `{name}`"))? as u64 > LARGEST {
        bail!("`{name}` holds more than {LARGEST} bytes");
    }
    Ok(text)
}

/// Visits all documents of one file.
fn document_file(
    file: &str,
    text: &str,
    visit: &mut impl FnMut(Target) -> Result<()>,
) -> Result<usize> {
    let documents = match documents(text) {
        Ok(documents) => documents,
        Err(error) => {
            super::say(&located::malformed(file, &error));
            return Ok(1);
        }
    };
    let mut unreadable = 0;
    for (place, document) in documents {
        for object in objects(document) {
            if let Err(why) = object_images(file, &object, visit)? {
                super::say(&located::at(file, Some(place), &why));
                unreadable += 1;
            }
        }
    }
    Ok(unreadable)
}

/// The documents of a text, each with its place.
fn documents(text: &str) -> Result<Vec<(Place, Value)>, serde_saphyr::Error> {
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    if let Some(budget) = &mut options.budget {
        budget.max_events = 10_000_000;
        budget.max_nodes = 5_000_000;
        budget.max_documents = 100_000;
    }
    let documents: Vec<Spanned<Value>> = serde_saphyr::from_multiple_with_options(text, options)?;
    let written = documents.into_iter().filter(|document| !document.value.is_null());
    Ok(written.map(|document| (located::place(document.referenced), document.value)).collect())
}

/// The items of a List, or the object itself.
fn objects(document: Value) -> Vec<Value> {
    let is_list = document
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind == "List" || kind.ends_with("List"));
    match document {
        Value::Object(mut fields) if is_list => match fields.remove("items") {
            Some(Value::Array(items)) => items.into_iter().flat_map(objects).collect(),
            _ => Vec::new(),
        },
        object => vec![object],
    }
}

fn object_images(
    file: &str,
    object: &Value,
    visit: &mut impl FnMut(Target) -> Result<()>,
) -> Result<Result<(), String>> {
    let Some(kind) = object.get("kind").and_then(Value::as_str) else {
        return Ok(Err("not a Kubernetes object: it has no `kind`".to_owned()));
    };
    let json = object.to_string();
    let object = match images_of_object(json.as_bytes()) {
        Ok(object) => object,
        // The parser's line and column are those of the JSON that was made of the manifest.
        Err(BadReview::Malformed { reason, .. }) => {
            return Ok(Err(format!("not a valid {kind}: {reason}")));
        }
        Err(error) => return Ok(Err(error.to_string().replace("the body", "the object"))),
    };
    let namespace = (!object.namespace.is_empty()).then(|| object.namespace.clone().into_owned());
    for image in object.images {
        visit(Target {
            place: Some(target::Place {
                file: file.to_owned(),
                kind: object.kind.clone().into_owned(),
                name: object.name.clone().into_owned(),
            }),
            namespace: namespace.clone(),
            container: image.container.into_owned(),
            image: image.image.map(std::borrow::Cow::into_owned),
            field: image.field,
        })?;
    }
    Ok(Ok(()))
}
