//! The images of a bare object, outside of any request.

use std::borrow::Cow;

use serde::Deserialize;

use super::bad_review::BadReview;
use super::depth;
use super::strict::{Object, Text};
use super::workload::{WorkloadKind, WorkloadObject};
use crate::policy::{ContainerImage, Workload};

/// A Kubernetes object and its images.
#[derive(Debug)]
pub struct ObjectImages<'a> {
    /// `Pod`, `Deployment`, ….
    pub kind: Cow<'a, str>,
    /// Empty where the object leaves it to the server.
    pub name: Cow<'a, str>,
    /// Empty where the object does not say.
    pub namespace: Cow<'a, str>,
    /// What the images belong to.
    pub workload: Workload,
    /// Every image, with its field path; empty for a kind that holds none.
    pub images: Vec<ContainerImage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    metadata: Option<Object<Metadata<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    generate_name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

/// The images of one object in JSON, as in a manifest.
///
/// # Errors
/// When the text is not a JSON object with a `kind`, or a workload of another shape.
pub fn images_of_object(json: &[u8]) -> Result<ObjectImages<'_>, BadReview> {
    if !depth::is_bounded(json) {
        return Err(BadReview::TooDeep);
    }
    let malformed = |error: serde_json::Error| BadReview::malformed(&error);
    let Object(header): Object<Header<'_>> = serde_json::from_slice(json).map_err(malformed)?;
    let metadata = header.metadata.map(|Object(metadata)| metadata).unwrap_or_default();
    let Text(kind) = header.kind.unwrap_or_default();
    let group = header.api_version.as_deref().and_then(|version| version.split_once('/'));
    let workload_kind = WorkloadKind::of(group.map_or("", |(group, _)| group), &kind);
    let images = match workload_kind {
        None => Vec::new(),
        Some(workload_kind) => {
            let object: Object<WorkloadObject<'_>> =
                serde_json::from_slice(json).map_err(malformed)?;
            workload_kind.images(object.0).into_vec()
        }
    };
    let Text(name) = metadata.name.or(metadata.generate_name).unwrap_or_default();
    let Text(namespace) = metadata.namespace.unwrap_or_default();
    let workload = workload_kind.map_or(Workload::Pod, WorkloadKind::workload);
    Ok(ObjectImages { kind, name, namespace, workload, images })
}
