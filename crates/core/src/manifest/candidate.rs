//! What looks like an image where nobody knows whether it is one: the `spec.image` of an operator, a
//! value of a chart, a variable that tells an operator what to run.
//!
//! It is counted and shown, and never judged: what becomes of it is up to whoever reads it.

use super::node::{Entry, Node, Position};
use crate::image::Reference;

/// Something that looks like an image and is not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What was written, put together where it is in parts.
    pub image: String,
    /// Where it stands in its object.
    pub path: String,
    /// Where it stands in the text.
    pub position: Position,
}

/// The image that the value of a key looks like, if it does.
pub(super) fn of_entry(entry: &Entry<'_>) -> Option<String> {
    let key = entry.key.as_ref();
    // KubeVirt's importer and others name an image by a URL.
    if let Some(image) = entry.value.text().and_then(|text| text.strip_prefix("docker://")) {
        return Reference::parse(image).is_ok().then(|| image.to_owned());
    }
    let is_plain = key == "image";
    if !is_plain && !is_image_key(key) {
        return None;
    }
    if let Some(text) = entry.value.text() {
        // `image: logo` of whatever else; anything but the plain key says more than a word.
        let is_image = Reference::parse(text).is_ok()
            && !is_picture(text)
            && (is_plain || text.contains(['/', ':', '@']));
        return is_image.then(|| text.to_owned());
    }
    of_parts(&entry.value)
}

/// The image of a variable such as `RELATED_IMAGE_AGENT` among those of a container.
pub(super) fn of_variable(node: &Node<'_>) -> Option<(String, Position)> {
    let name = node.get("name")?.text()?;
    if !name.contains("IMAGE") {
        return None;
    }
    let value = node.get("value")?;
    let text = value.text()?;
    let is_image = text.contains(['/', ':', '@']) && Reference::parse(text).is_ok();
    is_image.then(|| (text.to_owned(), value.position))
}

/// `sidecarImage`, `agent-image`, `agent.image`, `sidecar.istio.io/proxyImage`
fn is_image_key(key: &str) -> bool {
    let Some(before) = key.strip_suffix("mage") else { return false };
    match before.strip_suffix(['i', 'I']) {
        Some(before) if before.len() + 1 < key.len() => {
            key.ends_with("Image") || before.ends_with(['-', '_', '.', '/'])
        }
        _ => false,
    }
}

/// `{registry, repository, tag, digest}`, as charts write an image.
fn of_parts(node: &Node<'_>) -> Option<String> {
    let part = |key: &str| node.get(key).and_then(Node::text);
    let repository = part("repository")?;
    let mut image = String::new();
    if let Some(registry) = part("registry") {
        image.push_str(registry);
        image.push('/');
    }
    image.push_str(repository);
    for (mark, key) in [(':', "tag"), ('@', "digest")] {
        if let Some(text) = part(key) {
            image.push(mark);
            image.push_str(text);
        }
    }
    Reference::parse(&image).is_ok().then_some(image)
}

fn is_picture(text: &str) -> bool {
    let extension = text.rsplit('.').next().unwrap_or_default();
    ["gif", "img", "iso", "jpeg", "jpg", "png", "qcow2", "svg", "webp"].contains(&extension)
}
