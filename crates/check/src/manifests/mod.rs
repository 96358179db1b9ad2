//! Images in Kubernetes manifests, in YAML or JSON.
//!
//! | room | does |
//! |---|---|
//! | `documents` | splits a stream into documents |
//! | `yaml`, `json`, `chars` | read one, event by event |
//! | `tree` | builds trees of the events, one object at a time |
//! | `read` | finds the objects of a document, and what is none |
//!
//! What an object holds is known to [`imagegate_core::manifest`]. Nothing is judged here.

mod chars;
mod documents;
mod json;
mod read;
mod tree;
mod yaml;

use std::io::{self, Read};
use std::sync::Arc;

use imagegate_core::manifest::{Candidate, Discovered, Node, Object, Position, Value};
use imagegate_core::policy::{Reading, Workloads};

use crate::target::{self, Asking, Target};

pub use read::Problem;

/// What becomes of the content of a file.
pub trait Visitor {
    /// The kinds whose pod specs are read where the policy says, beside what looks like one.
    fn reading(&self) -> Reading<'_> {
        Reading::default()
    }
    /// An object; its images follow.
    fn object(&mut self) {}
    /// An image of the object.
    fn image(&mut self, target: Target);
    /// What looks like an image, in an object or elsewhere.
    fn candidate(&mut self, _document: usize, _object: Option<&Object<'_>>, _found: Candidate) {}
    /// A document that is no object.
    fn skipped(&mut self, _position: Position) {}
    /// Something that cannot be read.
    fn problem(&mut self, problem: Problem);
}

/// Reads everything that a source holds; `file` is how it is named.
pub fn read(file: &str, source: impl Read, visitor: &mut dyn Visitor) {
    let mut content = Content { file, visitor: &mut *visitor };
    if let Err(error) = read::read(source, &mut content) {
        visitor.problem(unreadable(&error));
    }
}

/// A source that cannot be read.
#[must_use]
pub fn unreadable(error: &io::Error) -> Problem {
    let message = cannot_read(error);
    Problem { document: 0, position: Position::default(), message, hint: None }
}

/// Why something cannot be read, in words.
#[must_use]
pub fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "cannot be read: there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "cannot be read: it is a directory".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

struct Content<'c> {
    file: &'c str,
    visitor: &'c mut dyn Visitor,
}

impl read::Visitor for Content<'_> {
    fn workloads(&self) -> &Workloads {
        self.visitor.reading().workloads
    }

    fn object(&mut self, place: read::Place<'_>, found: &Discovered<'_>) {
        self.visitor.object();
        let request = place.request;
        let text = |key: &str| request.and_then(|request| request.get(key)).and_then(Node::text);
        let namespace = match found.object.namespace {
            "" => text("namespace").unwrap_or_default(),
            namespace => namespace,
        };
        let controller = found.object.controller;
        let controller = controller.map(|it| (it.kind.to_owned(), it.name.to_owned()));
        // Nobody else wants to know, and each of them is a copy.
        let pods = if self.visitor.reading().labels { &found.pods[..] } else { &[] };
        let pods: Vec<_> =
            pods.iter().map(|labels| Arc::new(labels.clone().into_owned())).collect();
        for image in &found.images {
            self.visitor.image(Target {
                place: Some(target::Place {
                    file: self.file.to_owned(),
                    position: image.position,
                    document: place.document,
                    kind: found.object.kind.to_owned(),
                    name: found.object.name.to_owned(),
                    controller: controller.clone(),
                }),
                namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
                container: image.container.to_owned(),
                image: image.image.map(str::to_owned),
                entry: image.entry.clone(),
                leaf: image.leaf,
                list: image.list,
                pull_policy: image.pull_policy,
                labels: image.pods.and_then(|at| pods.get(at).map(Arc::clone)),
                template: None,
                asking: request.map(asking),
            });
        }
        for candidate in &found.candidates {
            let object = Some(&found.object);
            self.visitor.candidate(place.document, object, candidate.clone());
        }
    }

    fn skipped(&mut self, document: usize, position: Position, candidates: Vec<Candidate>) {
        for candidate in candidates {
            self.visitor.candidate(document, None, candidate);
        }
        self.visitor.skipped(position);
    }

    fn problem(&mut self, problem: Problem) {
        self.visitor.problem(problem);
    }
}

/// Who makes the request of an `AdmissionReview`.
fn asking(request: &Node<'_>) -> Asking {
    let user = request.get("userInfo");
    let name = user.and_then(|user| user.get("username")?.text());
    let groups = user.and_then(|user| user.get("groups"));
    let groups = groups.map(|groups| match groups.value() {
        Value::Sequence(groups) => {
            groups.iter().filter_map(Node::text).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    });
    Asking { user: name.unwrap_or_default().to_owned(), groups: groups.unwrap_or_default() }
}
