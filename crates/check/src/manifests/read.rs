//! Reads one file or stream: every document of it, and every object of a document.
//!
//! What cannot be read is told at its place and never stops what comes after it. What is no object of
//! Kubernetes is passed over, and told too: whoever reads this counts it.

use std::io::{self, Read};

use super::documents::{Document, Documents};
use super::tree::{Part, Root, Trouble};
use super::{json, yaml};
use imagegate_core::manifest::{
    Candidate, Discovered, Node, Object, Position, Value, discover_as, discover_candidates,
};
use imagegate_core::policy::Workloads;

/// Entries of a list that wait for it to say what they are.
const MOST_WAITING: usize = 10_000;
/// As wide as the separator of documents.
const BLANK: &[u8; 3] = b"   ";
const RENDER: &str = "this is a template: render it with `helm template`, or use `--helm`";

/// What becomes of what is read.
pub(super) trait Visitor {
    /// The kinds whose pod specs are read where the policy says.
    fn workloads(&self) -> &Workloads;
    /// An object with its images.
    fn object(&mut self, place: Place<'_>, found: &Discovered<'_>);
    /// A document that is no object of a cluster.
    fn skipped(&mut self, document: usize, position: Position, candidates: Vec<Candidate>);
    /// Something that cannot be read. Everything else is read all the same.
    fn problem(&mut self, problem: Problem);
}

/// Where an object was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'n> {
    /// The document of the file, from 0.
    pub(super) document: usize,
    /// Who asks for it, where it is that of an `AdmissionReview`.
    pub(super) request: Option<&'n Node<'n>>,
}

/// Something that cannot be read.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The document of the file, from 0.
    pub document: usize,
    /// Where it is; 0 where the whole file cannot be read.
    pub position: Position,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// Reads all documents of a source.
pub(super) fn read(source: impl Read, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut documents = Documents::new(source);
    let mut objects =
        Objects { visitor, document: 0, items: 0, waiting: Vec::new(), is_template: false };
    while let Some((first, document)) = documents.next()? {
        let before = objects.document;
        match document {
            Document::Whole(bytes) => whole(bytes, first, &mut objects),
            Document::Large(mut rest) => {
                objects.is_template = false;
                let is_json = is_json(rest.beginning());
                let visit = &mut |part: Part<'_>| objects.take(part);
                let read = if is_json {
                    json::read(without_separator(rest.by_ref())?, first, visit)
                } else {
                    yaml::stream(rest.by_ref(), first, visit)
                };
                rest.drain()?;
                if let Err(trouble) = read {
                    objects.trouble(trouble);
                }
            }
        }
        objects.end(before);
    }
    Ok(())
}

/// Reads a document that is in memory.
fn whole(bytes: &[u8], first: u32, objects: &mut Objects<'_>) {
    objects.is_template = contains(bytes, b"{{");
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let position = end_of(&String::from_utf8_lossy(before), first);
            let hint = Some("save the file as UTF-8");
            let trouble = Trouble { message: "not UTF-8".to_owned(), hint, position };
            // Of a picture or an archive nobody expects objects.
            return if is_wide(bytes) || contains(bytes, b"kind") {
                objects.trouble(trouble);
            } else {
                objects.skip(trouble.position);
            };
        }
    };
    let read = if is_json(bytes) {
        match json_values(text, first, objects) {
            // A mapping in braces may be YAML and no JSON.
            Err(trouble) if objects.is_untouched() => {
                let read = yaml::read(text, first, &mut |part| objects.take(part));
                read.map_err(|_| trouble)
            }
            read => read,
        }
    } else {
        yaml::read(text, first, &mut |part| objects.take(part))
    };
    match read {
        Ok(()) => {}
        Err(trouble) if text.contains("kind") => objects.trouble(trouble),
        Err(trouble) => objects.skip(trouble.position),
    }
}

/// Reads values of JSON; behind a broken one goes on where a line begins with another.
fn json_values(text: &str, first: u32, objects: &mut Objects<'_>) -> Result<(), Trouble> {
    let (mut rest, mut line) = (text, first);
    loop {
        let bytes = match rest.strip_prefix("---") {
            Some(rest) => BLANK.as_slice().chain(rest.as_bytes()),
            None => [].as_slice().chain(rest.as_bytes()),
        };
        let read = json::read(bytes, line, &mut |part| objects.take(part));
        let Err(trouble) = read else { return Ok(()) };
        let broken = trouble.position.line;
        let Some((after, next)) = next_value(rest, line, broken) else { return Err(trouble) };
        objects.trouble(trouble);
        (rest, line) = (after, next);
    }
}

/// The text from the first line behind `broken` on that begins with a brace.
fn next_value(text: &str, first: u32, broken: u32) -> Option<(&str, u32)> {
    let mut line = first;
    let mut rest = text;
    loop {
        rest = rest.split_once('\n')?.1;
        line += 1;
        if line > broken && rest.starts_with('{') {
            return Some((rest, line));
        }
    }
}

/// The objects of the documents that are read.
struct Objects<'v> {
    visitor: &'v mut dyn Visitor,
    document: usize,
    /// Entries that the current root has given away.
    items: usize,
    /// Entries that leave it to the list to say what they are.
    waiting: Vec<Node<'static>>,
    is_template: bool,
}

impl Objects<'_> {
    fn take(&mut self, part: Part<'_>) {
        match part {
            Part::Item(node, root) => {
                self.items += 1;
                self.item(&node, &root);
            }
            Part::Root(node) => {
                self.root(&node);
                self.items = 0;
                self.document += 1;
            }
        }
    }

    fn item(&mut self, node: &Node<'_>, root: &Root) {
        if let Some(kind) = root.kind.as_deref() {
            let api_version = root.api_version.as_deref().unwrap_or_default();
            self.entry(node, &Object::named(node, api_version, kind));
        } else if is_whole(node) {
            self.node(node);
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push(node.clone().into_owned());
        } else {
            let message = "a long list has to say its `kind` before its `items`";
            self.trouble_here(Trouble::new(message, node.position));
        }
    }

    fn root(&mut self, node: &Node<'_>) {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(object) = Object::of(node) else {
            let (named, nameless): (Vec<_>, Vec<_>) =
                waiting.iter().partition(|entry| entry.get("kind").is_some());
            for entry in named {
                self.node(entry);
            }
            // The entries may be all there is.
            let is_empty = matches!(node.value(), Value::Null);
            if !nameless.is_empty() || self.items == 0 && !is_empty {
                let mut candidates: Vec<_> =
                    nameless.into_iter().flat_map(discover_candidates).collect();
                candidates.extend(discover_candidates(node));
                self.skipped(node, candidates);
            }
            return;
        };
        for entry in &waiting {
            self.entry(entry, &object);
        }
        if self.items == 0 || !object.is_list() {
            self.node(node);
        }
    }

    /// An entry of a list. What it leaves out is what the list says; kubectl overwrites a kind that
    /// stands there without an `apiVersion`.
    fn entry(&mut self, node: &Node<'_>, list: &Object<'_>) {
        let kind = list.listed_kind();
        let own = node.get("kind").and_then(Node::text);
        if own.is_some() {
            self.node(node);
        } else if kind.is_empty() {
            let message = "an entry of a List without a `kind`";
            self.trouble_here(Trouble::new(message, node.position));
        }
        if !is_whole(node) && !kind.is_empty() && own != Some(kind) {
            self.object(node, Object::named(node, list.api_version, kind), None);
        }
    }

    /// An object, or what holds objects, or something else.
    fn node(&mut self, node: &Node<'_>) {
        if matches!(node.value(), Value::Null) {
            return;
        }
        let Some(object) = Object::of(node) else {
            return self.skipped(node, discover_candidates(node));
        };
        let items = node.get("items").map(Node::value);
        let has_items = if let Some(Value::Sequence(items)) = items {
            for item in items {
                self.entry(item, &object);
            }
            true
        } else {
            false
        };
        match object.kind {
            "List" => {}
            _ if has_items && object.is_list() => {}
            "AdmissionReview" => self.review(node),
            _ if object.group() == "kustomize.config.k8s.io" => {
                self.skipped(node, discover_candidates(node));
            }
            _ => self.object(node, object, None),
        }
    }

    fn skipped(&mut self, node: &Node<'_>, candidates: Vec<Candidate>) {
        self.visitor.skipped(self.document, node.position, candidates);
    }

    /// What a request of the API server would bring into the cluster.
    fn review(&mut self, node: &Node<'_>) {
        let request = node.get("request");
        let object = request.and_then(|request| request.get("object"));
        let operation = request.and_then(|request| request.get("operation")?.text());
        if matches!(operation, Some("DELETE" | "CONNECT")) {
            return self.skipped(node, Vec::new());
        }
        if let Some((node, object)) = object.and_then(|node| Some((node, Object::of(node)?))) {
            self.object(node, object, request);
        } else {
            let message = "an AdmissionReview without `request.object`";
            self.trouble_here(Trouble::new(message, node.position));
        }
    }

    fn object<'n>(
        &mut self,
        node: &'n Node<'_>,
        object: Object<'n>,
        request: Option<&'n Node<'n>>,
    ) {
        let found = discover_as(node, object, self.visitor.workloads());
        self.visitor.object(Place { document: self.document, request }, &found);
        for misfit in found.misfits {
            let message = match object.name {
                "" => format!("not a valid {}: {}", object.kind, misfit.message),
                name => format!("not a valid {} `{name}`: {}", object.kind, misfit.message),
            };
            self.trouble_here(Trouble::new(message, misfit.position));
        }
    }

    /// Whether nothing of the current document has been seen.
    fn is_untouched(&self) -> bool {
        self.items == 0 && self.waiting.is_empty()
    }

    /// The rest of the document cannot be read.
    fn trouble(&mut self, trouble: Trouble) {
        self.trouble_here(trouble);
        self.waiting.clear();
        self.items = 0;
        self.document += 1;
    }

    fn trouble_here(&mut self, trouble: Trouble) {
        let Trouble { message, hint, position } = trouble;
        let hint = hint.or(self.is_template.then_some(RENDER));
        self.visitor.problem(Problem { document: self.document, position, message, hint });
    }

    fn skip(&mut self, position: Position) {
        self.visitor.skipped(self.document, position, Vec::new());
        self.waiting.clear();
        self.items = 0;
        self.document += 1;
    }

    /// A piece of the stream ends; `before` it, so many documents had been seen.
    fn end(&mut self, before: usize) {
        self.document = self.document.max(before);
    }
}

/// Whether an entry of a list says itself what it is.
fn is_whole(node: &Node<'_>) -> bool {
    node.get("kind").is_some() && node.get("apiVersion").is_some()
}

/// Whether a document begins as an object of JSON does, or a list of objects.
fn is_json(bytes: &[u8]) -> bool {
    let bytes = match bytes.strip_prefix(b"---") {
        Some(rest) => rest.trim_ascii_start(),
        None => bytes.trim_ascii_start(),
    };
    let second = |rest: &[u8]| rest.trim_ascii_start().first().copied();
    match bytes.split_first() {
        Some((b'{', rest)) => matches!(second(rest), Some(b'"' | b'}')),
        Some((b'[', rest)) => matches!(second(rest), Some(b'{')),
        _ => false,
    }
}

/// The document behind the separator that it may begin with, whose place is kept.
fn without_separator(mut source: impl Read) -> io::Result<impl Read> {
    let mut beginning = [0; BLANK.len()];
    source.read_exact(&mut beginning)?;
    let beginning = if beginning == *b"---" { *BLANK } else { beginning };
    Ok(io::Cursor::new(beginning).chain(source))
}

/// Whether a text is in UTF-16 or UTF-32, by its mark.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The position behind a text that begins in the line `first`.
fn end_of(text: &str, first: u32) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let lines = text.matches('\n').count();
    Position {
        line: first.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)),
        column: u32::try_from(last.chars().count()).unwrap_or(u32::MAX).saturating_add(1),
    }
}
