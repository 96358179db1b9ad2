//! The images of one object, each with the path and the place of its text.
//!
//! A built-in workload holds its pod spec in one place, and what stands there has to fit, as it would
//! for the API server. In any other object a pod spec is known by its shape: a list of containers of
//! which each has a name or an image. What a project keeps elsewhere is in [`super::known`]. Where a
//! policy names the place of a pod spec, what stands there has to fit, too.

use std::borrow::Cow;

use super::candidate::{self, Candidate};
use super::known::Known;
use super::node::{Entry, Node, Position, Value};
use super::object::Object;
use super::path::Path;
use crate::admission::{MOST_LISTED, WorkloadKind};
use crate::policy::{ImageList, Labels, PathStep, PodSpecPath, PullPolicy, Workload, Workloads};

/// The lists of containers of a pod spec.
const LISTS: [(&str, ImageList); 3] = [
    ("containers", ImageList::Containers),
    ("initContainers", ImageList::InitContainers),
    ("ephemeralContainers", ImageList::EphemeralContainers),
];

/// What was found in one object.
#[derive(Debug)]
pub struct Discovered<'n> {
    /// What the object says it is.
    pub object: Object<'n>,
    /// What its images belong to. A custom resource is a template: its operator makes the Pods.
    pub workload: Workload,
    /// The labels of the Pod, or those that each template gives its Pods.
    pub pods: Vec<Labels<'n>>,
    /// Every image of a container or an image volume.
    pub images: Vec<FoundImage<'n>>,
    /// What looks like an image and is in no known place.
    pub candidates: Vec<Candidate>,
    /// What does not fit where a pod spec has to be.
    pub misfits: Vec<Misfit>,
}

/// The image of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage<'n> {
    /// The name of the container or of the volume; empty where it has none.
    pub container: &'n str,
    /// The image as written; `None` where a built-in workload leaves it out, which is denied.
    pub image: Option<&'n str>,
    /// The path of the container: `spec.containers[0]`.
    pub entry: String,
    /// The path of the image below it: `image`, or `image.reference` of a volume.
    pub leaf: &'static str,
    /// Where the image is written, or the container where it leaves it out.
    pub position: Position,
    /// The kind of container that it is for.
    pub list: ImageList,
    /// When a node pulls it.
    pub pull_policy: PullPolicy,
    /// The position of its Pods among [`Discovered::pods`]; `None` where their labels are not known.
    pub pods: Option<usize>,
}

/// Something that the API server would not accept either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong, with its path.
    pub message: String,
    /// Where it is.
    pub position: Position,
}

impl FoundImage<'_> {
    /// The path of the image: `spec.containers[0].image`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.entry, self.leaf)
    }
}

/// What an object holds; `None` for anything that names no kind.
#[must_use]
pub fn discover<'n>(node: &'n Node<'_>) -> Option<Discovered<'n>> {
    Some(discover_as(node, Object::of(node)?, Workloads::none()))
}

/// What an object holds that may leave it to a list to say what it is, where a policy names these
/// workloads.
#[must_use]
pub fn discover_as<'n>(
    node: &'n Node<'_>,
    object: Object<'n>,
    workloads: &Workloads,
) -> Discovered<'n> {
    let kind = WorkloadKind::of(object.group(), object.kind);
    let mut walk = Walk {
        pod_spec: kind.map(WorkloadKind::pod_spec),
        named: if kind.is_some() { &[] } else { workloads.pod_specs(object.group(), object.kind) },
        known: Known::of(object.group()),
        path: Path::default(),
        metadata: Beside::Unknown,
        pods: Vec::new(),
        current: None,
        images: Vec::new(),
        candidates: Vec::new(),
        misfits: Vec::new(),
    };
    walk.way_to_pod_spec(node);
    for pod_spec in walk.named {
        walk.way(node, pod_spec.steps());
    }
    walk.visit(node);
    let Walk { pods, images, candidates, mut misfits, .. } = walk;
    if kind == Some(WorkloadKind::Pod) && images.is_empty() && misfits.is_empty() {
        let message = "the Pod names no image".to_owned();
        misfits.push(Misfit { message, position: node.position });
    }
    let workload = kind.map_or(Workload::Template, WorkloadKind::workload);
    Discovered { object, workload, pods, images, candidates, misfits }
}

/// What looks like an image in a document that is no object.
#[must_use]
pub fn discover_candidates(node: &Node<'_>) -> Vec<Candidate> {
    let mut walk = Walk {
        // Nothing of it is a pod spec.
        pod_spec: Some("\0"),
        named: &[],
        known: Known::default(),
        path: Path::default(),
        metadata: Beside::Unknown,
        pods: Vec::new(),
        current: None,
        images: Vec::new(),
        candidates: Vec::new(),
        misfits: Vec::new(),
    };
    walk.visit(node);
    walk.candidates
}

struct Walk<'n, 'w> {
    /// Where the pod spec of a built-in workload is.
    pod_spec: Option<&'static str>,
    /// Where those of another kind are, where the policy names it.
    named: &'w [PodSpecPath],
    known: Known,
    path: Path<'n>,
    /// What stands beside the mapping that comes next.
    metadata: Beside<'n>,
    pods: Vec<Labels<'n>>,
    /// Whose images are found, by the position among `pods`.
    current: Option<usize>,
    images: Vec<FoundImage<'n>>,
    candidates: Vec<Candidate>,
    misfits: Vec<Misfit>,
}

/// The metadata beside a `spec`.
#[derive(Clone, Copy, Debug, Default)]
enum Beside<'n> {
    /// It is no `spec`, or not read from the beginning.
    #[default]
    Unknown,
    /// Where it has some.
    Metadata(Option<&'n Node<'n>>),
}

impl<'n> Walk<'n, '_> {
    /// Sees to it that what leads to the pod spec of a built-in workload are mappings.
    fn way_to_pod_spec(&mut self, root: &'n Node<'_>) {
        let mut node = root;
        let keys = self.pod_spec.unwrap_or_default().split('.').filter(|key| !key.is_empty());
        let mut entered = 0;
        for key in keys {
            let Some(next) = node.get(key) else { break };
            self.path.enter_key(key);
            entered += 1;
            if !matches!(next.value(), Value::Mapping(_) | Value::Null) {
                self.misfit(next, "a mapping");
            }
            node = next;
        }
        for _ in 0..entered {
            self.path.leave();
        }
    }

    /// Sees to it that what leads to a pod spec that the policy names is no text and no number.
    fn way(&mut self, node: &'n Node<'_>, steps: &[PathStep]) {
        let (step, rest) = match (steps.split_first(), node.value()) {
            (_, Value::Null) | (None, Value::Mapping(_)) => return,
            (Some((PathStep::Every, rest)), Value::Sequence(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.enter_index(index);
                    self.way(item, rest);
                    self.path.leave();
                }
                return;
            }
            (Some(split), Value::Mapping(_)) => split,
            (Some((PathStep::Every, _)), _) => return self.misfit(node, "a list or a mapping"),
            _ => return self.misfit(node, "a mapping"),
        };
        for Entry { key, value } in node.entries() {
            if step.leads_to(key) {
                self.path.enter_key(key);
                self.way(value, rest);
                self.path.leave();
            }
        }
    }

    /// Whether a policy says that a pod spec is here.
    fn is_named(&self) -> bool {
        self.named.iter().any(|pod_spec| self.path.follows(pod_spec.steps()))
    }

    fn visit(&mut self, node: &'n Node<'_>) {
        match node.value() {
            Value::Mapping(entries) => self.mapping(entries, None),
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.enter_index(index);
                    if let Some((image, position)) = candidate::of_variable(item) {
                        let path = format!("{}.value", self.path);
                        self.candidates.push(Candidate { image, path, position });
                    }
                    self.visit(item);
                    self.path.leave();
                }
            }
            _ => {}
        }
    }

    /// Every entry of a mapping but the one that is taken care of.
    fn mapping(&mut self, entries: &'n [Entry<'_>], taken: Option<&str>) {
        let is_strict = self.pod_spec.is_some();
        let metadata = std::mem::take(&mut self.metadata);
        let outer_pods = self.current;
        let outer = self.known;
        if !is_strict && let Some(group) = embedded_group(entries) {
            self.known = Known::of(group);
        }
        let has_to_fit = is_strict || self.is_named();
        let is_pod_spec = match self.pod_spec {
            Some(at) => self.path.is(at),
            None => has_to_fit || entries.iter().any(has_shape),
        };
        if is_pod_spec {
            self.current = self.begin_pods(metadata);
        }
        for entry in entries.iter().filter(|entry| Some(entry.key.as_ref()) != taken) {
            let Entry { key, value } = entry;
            self.path.enter_key(key);
            let list = listed(key).filter(|_| is_pod_spec);
            if let Some(list) = list.filter(|_| has_to_fit) {
                self.containers(value, list);
            } else if list.is_some() || (!is_strict && self.known.is_list(key)) {
                if are_containers(value) {
                    self.containers(value, list.unwrap_or(ImageList::Containers));
                } else {
                    self.visit(value);
                }
            } else if is_pod_spec && key == "volumes" {
                self.volumes(value, has_to_fit);
            } else if !is_strict && self.known.is_single(key) && is_container(value) {
                self.container(value, ImageList::Containers);
            } else {
                self.metadata = if key == "spec" { beside(entries) } else { Beside::Unknown };
                self.other(entry);
                self.metadata = Beside::Unknown;
            }
            self.path.leave();
        }
        self.known = outer;
        self.current = outer_pods;
    }

    /// Reads the labels of the Pods of a pod spec. What cannot be labels is not known.
    fn begin_pods(&mut self, metadata: Beside<'n>) -> Option<usize> {
        let Beside::Metadata(metadata) = metadata else { return None };
        let entries = metadata.and_then(|node| node.get("labels")).map_or(&[][..], Node::entries);
        let label = |Entry { key, value }: &'n Entry<'n>| match value.value() {
            Value::Text(text) => Some((Cow::Borrowed(&**key), Cow::Borrowed(&**text))),
            Value::Null => Some((Cow::Borrowed(&**key), Cow::Borrowed(""))),
            _ => None,
        };
        self.pods.push(Labels::new(entries.iter().map(label).collect::<Option<_>>()?));
        Some(self.pods.len() - 1)
    }

    /// The value of a key that is not known to hold containers.
    fn other(&mut self, entry: &'n Entry<'_>) {
        if let Some(image) = candidate::of_entry(entry) {
            let (path, position) = (self.path.to_string(), entry.value.position);
            self.candidates.push(Candidate { image, path, position });
        } else {
            self.visit(&entry.value);
        }
    }

    /// Every container of a list.
    fn containers(&mut self, node: &'n Node<'_>, list: ImageList) {
        self.each(node, |walk, container| walk.container(container, list));
    }

    fn each(&mut self, list: &'n Node<'_>, mut visit: impl FnMut(&mut Self, &'n Node<'_>)) {
        let items = match list.value() {
            Value::Null => return,
            Value::Sequence(items) => items,
            _ => return self.misfit(list, "a list"),
        };
        if self.pod_spec.is_some() && items.len() > MOST_LISTED {
            let message = format!("`{}` has more than {MOST_LISTED} entries", self.path);
            self.misfits.push(Misfit { message, position: list.position });
        }
        for (index, item) in items.iter().enumerate() {
            self.path.enter_index(index);
            if matches!(item.value(), Value::Mapping(_)) {
                visit(self, item);
            } else {
                self.misfit(item, "a mapping");
            }
            self.path.leave();
        }
    }

    fn container(&mut self, container: &'n Node<'_>, list: ImageList) {
        if let Some(name) = container.get("name")
            && !matches!(name.value(), Value::Text(_) | Value::Null)
        {
            self.path.enter_key("name");
            self.misfit(name, "a text");
            self.path.leave();
        }
        let pull_policy = pull_policy(container, "imagePullPolicy");
        let image = ("image", list, pull_policy);
        self.image(container, container.get("image"), image, container);
        // The spec of a Spark application holds further containers.
        self.mapping(container.entries(), Some("image"));
    }

    fn volumes(&mut self, list: &'n Node<'_>, has_to_fit: bool) {
        if !has_to_fit && !matches!(list.value(), Value::Sequence(_)) {
            return self.visit(list);
        }
        self.each(list, |walk, volume| {
            let image =
                volume.get("image").filter(|image| matches!(image.value(), Value::Mapping(_)));
            if let Some(image) = image {
                let pull_policy = pull_policy(image, "pullPolicy");
                let leaf = ("image.reference", ImageList::Volumes, pull_policy);
                walk.image(volume, image.get("reference"), leaf, image);
            }
            walk.mapping(volume.entries(), image.map(|_| "image"));
        });
    }

    /// The image of the container or volume that the path leads to.
    fn image(
        &mut self,
        owner: &'n Node<'_>,
        image: Option<&'n Node<'_>>,
        (leaf, list, pull_policy): (&'static str, ImageList, PullPolicy),
        missing: &'n Node<'_>,
    ) {
        let (image, position) = match image.map(|node| (node, node.value())) {
            Some((node, Value::Text(text))) => (Some(text.as_ref()), node.position),
            None | Some((_, Value::Null)) => {
                // What a custom resource leaves out, its operator fills in.
                if self.pod_spec.is_none() {
                    return;
                }
                (None, missing.position)
            }
            Some((node, _)) => {
                self.path.enter_key(leaf);
                self.misfit(node, "a text");
                self.path.leave();
                return;
            }
        };
        let container = owner.get("name").and_then(Node::text).unwrap_or_default();
        let entry = self.path.to_string();
        self.images.push(FoundImage {
            container,
            image,
            entry,
            leaf,
            position,
            list,
            pull_policy,
            pods: self.current,
        });
    }

    fn misfit(&mut self, node: &Node<'_>, wanted: &str) {
        let message = format!("`{}` is {} and not {wanted}", self.path, node.described());
        self.misfits.push(Misfit { message, position: node.position });
    }
}

/// What a container or an image volume says of when it is pulled. Anything but a text, which no API
/// server accepts, is none of the policies.
fn pull_policy(node: &Node<'_>, key: &str) -> PullPolicy {
    match node.get(key).map(Node::value) {
        None | Some(Value::Null) => PullPolicy::Unset,
        Some(Value::Text(text)) => PullPolicy::of(text),
        Some(_) => PullPolicy::Unknown,
    }
}

/// The API group of an object inside of another.
fn embedded_group<'n>(entries: &'n [Entry<'_>]) -> Option<&'n str> {
    let text = |key: &str| entries.iter().find(|entry| entry.key == key)?.value.text();
    text("kind")?;
    text("apiVersion").map(|version| version.split_once('/').map_or("", |(group, _)| group))
}

/// Which list of a pod spec has this name.
fn listed(key: &str) -> Option<ImageList> {
    LISTS.into_iter().find(|(name, _)| *name == key).map(|(_, list)| list)
}

fn beside<'n>(entries: &'n [Entry<'_>]) -> Beside<'n> {
    let metadata = entries.iter().find(|entry| entry.key == "metadata");
    Beside::Metadata(metadata.map(|entry| -> &'n Node<'n> { &entry.value }))
}

fn has_shape(entry: &Entry<'_>) -> bool {
    listed(&entry.key).is_some() && are_containers(&entry.value)
}

/// Whether it is a list of containers, by its look.
fn are_containers(node: &Node<'_>) -> bool {
    let Value::Sequence(items) = node.value() else { return false };
    let has = |item: &Node<'_>, key: &str| item.get(key).and_then(Node::text).is_some();
    !items.is_empty() && items.iter().all(|item| has(item, "name") || has(item, "image"))
}

/// Whether it is a container, by its look.
fn is_container(node: &Node<'_>) -> bool {
    node.get("image").and_then(Node::text).is_some()
}
